"""Structured pruning: the cut is real, as large as asked, and changes nothing that the mask had not changed."""

import copy

import pytest
import torch
from torch import nn

from minarch.data.tensors import load_split
from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.weights import load_networks
from minarch.pruning.structured import prune_structured

SIZES = {"dnn": "hidden", "cnn": "channels", "vit": "ffn"}
FAMILIES = pytest.mark.parametrize("family", SIZES)


@pytest.fixture(scope="module")
def trained(sweep_items):
    return {family: load_networks(item)[0] for family, item in sweep_items.items()}


@FAMILIES
@pytest.mark.parametrize("importance", ["L1", "L2", "geometric_median"])
def test_every_layer_loses_the_level(trained, family, importance):
    before = trained[family].spec()
    cut = prune_structured(trained[family], level=0.5, importance=importance)
    after = cut.network.spec()
    assert cut.removed_share == 0.5
    assert after[SIZES[family]] == [size // 2 for size in before[SIZES[family]]]
    assert {k: v for k, v in after.items() if k != SIZES[family]} == {
        k: v for k, v in before.items() if k != SIZES[family]
    }
    assert all(type(size) is int for size in after[SIZES[family]])
    assert parameters(cut.network) < parameters(trained[family])
    assert macs(cut.network, after["shape"]) < macs(trained[family], before["shape"])


@FAMILIES
def test_the_network_given_stays_as_it_was(trained, family):
    network = copy.deepcopy(trained[family])
    prune_structured(network, level=0.5, importance="L1")
    state = trained[family].state_dict()
    assert all(tensor.equal(state[name]) for name, tensor in network.state_dict().items())


@FAMILIES
def test_the_cut_network_is_plain_and_trains(trained, family, data_item):
    network = prune_structured(trained[family], level=0.5, importance="L1").network
    assert type(network) is type(trained[family])
    assert {type(p) for p in network.parameters()} == {nn.Parameter}
    split = load_split(data_item, "train")
    nn.functional.cross_entropy(network(split.batch(slice(256))), split.labels[:256]).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []


def test_cutting_equals_masking_by_hand(trained):
    """Independent of NNCF's masks: zero the units of smallest L1 norm ourselves (ReLU: zero weights give zero)."""
    network = trained["dnn"]
    cut = prune_structured(network, level=0.25, importance="L1").network
    masked = copy.deepcopy(network)
    with torch.no_grad():
        for layer in masked.hidden:
            least = layer.weight.abs().sum(1).argsort()[: len(layer.weight) // 4]
            layer.weight[least], layer.bias[least] = 0, 0
    images = torch.randn(100, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(cut(images), masked(images), rtol=0, atol=1e-5)


def test_a_level_of_zero_changes_nothing(trained):
    cut = prune_structured(trained["cnn"], level=0.0, importance="L2")
    images = torch.randn(10, 1, 8, 8)
    assert (cut.removed_share, cut.network.spec()) == (0, trained["cnn"].spec())
    torch.testing.assert_close(cut.network(images), trained["cnn"](images))


@pytest.mark.parametrize(
    ("width", "level", "round_to", "kept"),
    [
        (1, 0.5, 1, 1),
        (1, 0.99, 1, 1),
        (10, 0.99, 1, 1),
        (10, 0.35, 1, 7),
        (10, 0.5, 4, 8),
        (10, 0.5, 8, 8),
        (5, 0.5, 8, 5),
        (32, 0.5, 8, 16),
    ],
)
def test_kept_units_are_rounded_up_and_at_least_one(width, level, round_to, kept):
    torch.manual_seed(0)
    network = build({"family": "dnn", "shape": [1, 8, 8], "classes": 10, "hidden": [width]})
    cut = prune_structured(network, level=level, importance="L1", round_to=round_to)
    assert cut.network.spec()["hidden"] == [kept]
    assert cut.removed_share == (width - kept) / width


def test_pruning_is_repeatable(trained):
    first, second = (
        prune_structured(trained["vit"], level=0.3, importance="L2").network.state_dict() for _ in range(2)
    )
    assert all(tensor.equal(second[name]) for name, tensor in first.items())


def test_nothing_to_cut_is_an_error_that_names_the_network():
    class Linear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classifier = nn.Linear(64, 10)

        def forward(self, images):
            return self.classifier(images.flatten(1))

        def spec(self):
            return {"family": "own:Linear", "shape": [1, 8, 8], "classes": 10}

    with pytest.raises(UserError, match=r"NNCF finds no unit to cut in .*own:Linear"):
        prune_structured(Linear(), level=0.5, importance="L1")
