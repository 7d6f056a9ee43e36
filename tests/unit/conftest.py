"""Real items of the first stages, small: scikit-learn's digits and one trained architecture of each family; and a small
study in an empty working directory, whose items are made by a work that only writes its configuration.
"""

import copy
import json
from typing import Any

import pytest
import torch
import yaml
from sklearn.datasets import load_digits

from minarch.data.__main__ import work as make_data
from minarch.data.tensors import Split
from minarch.flow.job import make
from minarch.flow.plan import Plan
from minarch.flow.study import Study
from minarch.sweep import work as sweep

TRAIN = {"epochs": 12, "batch_size": 32, "optimizer": "adam", "learning_rate": 3e-3, "weight_decay": 0.0, "seed": 0}
TRAIN |= {"device": "cpu", "strategy": "auto"}
KNOBS = {
    "dnn": {"depth": 2, "width": 16},
    "cnn": {"depth": 2, "channels": 4},
    "vit": {"depth": 1, "width": 16, "heads": 2, "patch": 4},
}
RESNETS = {
    "basic": {"depth": 18, "width": 4, "levels": 3},
    "bottlenecks": {"depth": 50, "width": 4, "levels": 4},
}


@pytest.fixture(scope="session")
def data_item(tmp_path_factory):
    """A data item: digits, 8x8."""
    folder = tmp_path_factory.mktemp("digits")
    options = {"root": None, "image_size": 8, "seed": 0, "limit": None, "test": 0.2, "validation": 0.2}
    make_data({"dataset": "digits", "name": "digits", **options}, {}, folder)
    return folder


@pytest.fixture(scope="session")
def sweep_items(data_item, tmp_path_factory):
    """Family -> a sweep item with two repeats."""
    items = {}
    for family, knobs in KNOBS.items():
        items[family] = tmp_path_factory.mktemp(f"digits-{family}")
        config = {"dataset": "digits", "family": family, "knobs": knobs, "repeats": [0, 1], "train": TRAIN}
        sweep(config, {"data": data_item}, items[family])
    return items


@pytest.fixture(scope="session")
def splits():
    """400 digits to train on and 200 to validate."""
    bunch = load_digits()
    images, labels = torch.tensor(bunch.images).to(torch.uint8)[:, None], torch.tensor(bunch.target)
    pixels = images[:400].float()
    mean, std = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3))
    return tuple(Split(images[part], labels[part], mean, std) for part in (slice(400), slice(400, 600)))


@pytest.fixture(scope="session")
def resnet_items(data_item, tmp_path_factory):
    """A sweep item of one repeat of a ResNet's first basic blocks, and of one of bottlenecks."""
    items = {}
    for name, knobs in RESNETS.items():
        items[name] = tmp_path_factory.mktemp(f"digits-resnet-{name}")
        training = TRAIN | {"epochs": 6, "learning_rate": 1e-2, "schedule": "cosine"}  # the last epoch is what is used
        config = {"dataset": "digits", "family": "resnet", "knobs": knobs, "repeats": [0], "train": training}
        sweep(config, {"data": data_item}, items[name])
    return items


@pytest.fixture(scope="session")
def separable_item(data_item, tmp_path_factory):
    """A sweep item of one repeat of a network of depthwise-separable convolutions."""
    item = tmp_path_factory.mktemp("digits-separable")
    config = {
        "dataset": "digits",
        "family": "separable",
        "knobs": {"depth": 2, "channels": 8, "head": 2},
        "repeats": [0],
    }
    sweep(config | {"train": TRAIN | {"learning_rate": 1e-2}}, {"data": data_item}, item)
    return item


STUDY: dict[str, Any] = {
    "data": {"datasets": ["digits"]},
    "sweep": {"repeats": 4, "families": {"dnn": {"depth": [1, 2], "width": [4, 8]}, "cnn": {"channels": 2}}},
    "train": {"epochs": 2},
    "prune": {"levels": [0.25, 0.5], "finetune": {"epochs": 1}, "magnitude_levels": [0, 0.5]},
}


class Workspace:
    """The working directory of one test."""

    def write(self, name: str = "params.yaml", **changes: Any) -> str:
        """Write the small study with values changed, each named `section__field`."""
        params = {section: {} for section in Study.model_fields} | copy.deepcopy(STUDY)
        for path, value in changes.items():
            *sections, field = path.split("__")
            inner = params
            for section in sections:
                inner = inner[section]
            inner[field] = value
        with open(name, "w") as file:
            yaml.safe_dump(params, file, sort_keys=False)
        return name

    def plan(self, name: str = "params.yaml", **changes: Any) -> Plan:
        return Plan(self.write(name, **changes))

    def decide(self, plan: Plan, stage: str, decision: list[Any]) -> None:
        """Write what a stage would have decided."""
        (file,) = plan.decision_files(stage)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(decision))

    def make(self, plan: Plan, *stages: str) -> None:
        """Make all items of stages, without their real work."""
        for stage in stages:
            for item in plan.items(stage).values():
                make(plan, item, write_config)


def write_config(config, inputs, out):
    (out / "results.json").write_text(json.dumps(config))
    (out / "inner").mkdir()
    (out / "inner/more.bin").write_bytes(b"\0\1")


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Workspace()
