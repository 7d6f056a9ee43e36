"""Real items of the first stages, small: scikit-learn's digits and one trained architecture of each family."""

import pytest

from minarch.data.__main__ import work as make_data
from minarch.sweep import work as sweep

TRAIN = {"epochs": 12, "batch_size": 32, "optimizer": "adam", "learning_rate": 3e-3, "weight_decay": 0.0, "seed": 0}
TRAIN |= {"device": "cpu", "strategy": "auto"}
KNOBS = {
    "dnn": {"depth": 2, "width": 16},
    "cnn": {"depth": 2, "channels": 4},
    "vit": {"depth": 1, "width": 16, "heads": 2, "patch": 4},
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
