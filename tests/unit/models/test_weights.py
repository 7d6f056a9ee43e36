"""Networks on disk: what is loaded is what was saved, and nothing else is ever loaded."""

import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.weights import finite, load_networks, save_networks

SPECS = {
    0: {"family": "dnn", "shape": [1, 8, 8], "classes": 10, "hidden": [3]},
    7: {"family": "cnn", "shape": [1, 8, 8], "classes": 10, "channels": [2]},
    9: {"family": "resnet", "shape": [1, 8, 8], "classes": 10, "stem": "cifar", "width": 3}
    | {"outer": [6, 6, 8], "inner": [[[2, 3], 0], [], [0, 5]]},
    11: {"family": "vit", "shape": [1, 8, 8], "classes": 10}
    | {"patch": 4, "width": 6, "head_size": 2, "heads": [0, 3, 0], "ffn": [5, 0, 0]},
}


@pytest.fixture
def item(tmp_path):
    """An item folder with two repeats, and a third that nothing could be made of."""
    repeats = [{"repeat": repeat, "spec": spec} for repeat, spec in SPECS.items()] + [{"repeat": 8, "spec": None}]
    (tmp_path / "results.json").write_text(json.dumps({"weights": "weights.safetensors", "repeats": repeats}))
    torch.manual_seed(0)
    save_networks(tmp_path / "weights.safetensors", {repeat: build(spec) for repeat, spec in SPECS.items()})
    return tmp_path


def test_what_is_loaded_is_what_was_saved(item):
    loaded = load_networks(item)
    torch.manual_seed(0)
    for repeat, spec in SPECS.items():
        saved = build(spec).state_dict()
        assert loaded[repeat].spec() == spec
        assert not loaded[repeat].training
        assert all(tensor.equal(saved[name]) for name, tensor in loaded[repeat].state_dict().items())
    assert list(loaded) == list(SPECS)


def test_the_same_networks_are_the_same_bytes(item):
    before = (item / "weights.safetensors").read_bytes()
    save_networks(item / "again.safetensors", load_networks(item))
    assert (item / "again.safetensors").read_bytes() == before


def test_pickled_weights_are_refused(item):
    (item / "weights.safetensors").write_bytes(pickle.dumps({"0.classifier.weight": [1.0]}))
    with pytest.raises(UserError, match="must be a safetensors file"):
        load_networks(item)


def test_torch_checkpoints_are_refused(item):
    torch.save(build(SPECS[0]).state_dict(), item / "weights.safetensors")
    with pytest.raises(UserError, match="must be a safetensors file"):
        load_networks(item)


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (lambda tensors: tensors.pop("0.classifier.bias"), r"repeat 0 does not fit its spec .*classifier.bias"),
        (lambda tensors: tensors.update({"7.extra": torch.zeros(1)}), r"repeat 7 does not fit its spec .*extra"),
        (lambda tensors: tensors.update({"0.classifier.bias": torch.zeros(9)}), r"size mismatch for classifier.bias"),
        (
            lambda tensors: tensors.update({"5.bias": torch.zeros(1)}),
            r"no repeat .* names, such as '5.bias'",
        ),
    ],
)
def test_weights_that_do_not_fit_their_spec_are_refused(item, tamper, message):
    tensors = load_file(item / "weights.safetensors")
    tamper(tensors)
    save_file(tensors, item / "weights.safetensors")
    with pytest.raises(UserError, match=message):
        load_networks(item)


def test_finite():
    network = build(SPECS[0])
    assert finite(network)
    with torch.no_grad():
        network.classifier.bias[3] = torch.nan
    assert not finite(network)
