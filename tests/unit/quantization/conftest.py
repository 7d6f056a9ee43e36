"""The stage quantize, one item at a time, and what it starts from."""

import shutil

import pytest
from quantize_items import PLAIN, change_weights

from minarch.data.tensors import load_split
from minarch.quantize import work

OUTLIER = 300.0


@pytest.fixture(scope="session")
def splits(data_item):
    return {name: load_split(data_item, name) for name in ("train", "validation", "test")}


@pytest.fixture(scope="session")
def damaged_item(sweep_items, tmp_path_factory):
    """The trained DNN, computing the same, but INT8 damages it: one unit of each hidden layer is OUTLIER times larger,
    the weights that read it as much smaller, so that all other activations are below the first level.
    """
    item = tmp_path_factory.mktemp("damaged") / "item"
    shutil.copytree(sweep_items["dnn"], item)

    def scaled(name, tensor):
        layer = name.split(".", 1)[1]
        tensor = tensor.clone()
        if layer in ("hidden.0.weight", "hidden.1.weight", "hidden.0.bias", "hidden.1.bias"):
            tensor[0] *= OUTLIER
        if layer in ("hidden.1.weight", "classifier.weight"):
            tensor[:, 0] /= OUTLIER
        return tensor

    change_weights(item, scaled)
    return item


@pytest.fixture
def run(tmp_path, data_item):
    """run(config, parent) -> the folder of the finished work."""

    def go(config, parent, data=data_item):
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        work(config, {"data": data, "parent": parent}, out)
        return out

    return go


@pytest.fixture(scope="module")
def item(sweep_items, data_item, tmp_path_factory):
    """An item of stage quantize: two repeats of the CNN."""
    out = tmp_path_factory.mktemp("quantized")
    work(PLAIN, {"data": data_item, "parent": sweep_items["cnn"]}, out)
    return out
