"""The stage prune, one item at a time, and what it starts from."""

import pytest
from networks import Mobile

from minarch.data.tensors import load_split
from minarch.prune import work as prune
from minarch.pruning import learned
from minarch.sweep import work as sweep

MOBILE = {"epochs": 4, "batch_size": 64, "optimizer": "adam", "learning_rate": 1e-2, "weight_decay": 0.0, "seed": 0}
MOBILE |= {"device": "cpu", "strategy": "sequential"}


@pytest.fixture(scope="session")
def splits(data_item):
    return {name: load_split(data_item, name) for name in ("train", "validation", "test")}


@pytest.fixture(scope="session")
def mobile_item(data_item, tmp_path_factory):
    """A sweep item of a network with batch norms and dropout, one repeat."""
    item = tmp_path_factory.mktemp("digits-mobile")
    config = {"dataset": "digits", "family": Mobile.name, "knobs": {"width": 6}, "repeats": [0], "train": MOBILE}
    sweep(config, {"data": data_item}, item)
    return item


@pytest.fixture
def short_evolution(monkeypatch):
    """Rankings are learned from fewer proposals, each judged sooner: for tests of everything else."""
    for name, value in {"GENERATIONS": 10, "REWARD_STEPS": 2, "REWARD_IMAGES": 128}.items():
        monkeypatch.setattr(learned, name, value)


@pytest.fixture
def run(tmp_path, data_item):
    """run(config, parent) -> the folder of the finished work; `origin` is the trained model of an iterative level."""

    def go(config, parent, data=data_item, origin=None):
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        prune(config, {"data": data, "parent": parent} | ({"origin": origin} if origin else {}), out)
        return out

    return go
