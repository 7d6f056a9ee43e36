"""Magnitude pruning: exactly the share asked, the smallest weights, and only weights."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import SPECS, sample

from minarch.models.build import build
from minarch.pruning.magnitude import prunable_weights, prune_magnitude

NAMES = pytest.mark.parametrize("name", SPECS)
SCOPES = pytest.mark.parametrize("scope", ["global", "layer"])


def flat(network):
    return torch.cat([weight.flatten() for weight in prunable_weights(network)])


@given(
    name=st.sampled_from(["dnn", "cnn", "vit"]),
    levels=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_the_smallest_weights_and_exactly_as_many_as_asked(name, levels, seed):
    torch.manual_seed(seed)
    network = build(SPECS[name])
    before = flat(network)
    for level, sparse in zip(levels, prune_magnitude(network, levels), strict=True):
        after = flat(sparse.network)
        gone = after == 0
        assert sparse.level == level
        assert int(gone.sum()) == sparse.removed == round(level * len(before))
        assert after[~gone].equal(before[~gone])
        if gone.any() and not gone.all():
            assert before[gone].abs().max() <= before[~gone].abs().min()


@NAMES
def test_by_layer_every_tensor_loses_the_share(name):
    network, levels = sample(name), [0.0, 0.3, 0.75, 1.0]
    for level, sparse in zip(levels, prune_magnitude(network, levels, "layer"), strict=True):
        removed = 0
        for before, after in zip(prunable_weights(network), prunable_weights(sparse.network), strict=True):
            gone = after == 0
            assert int(gone.sum()) == round(level * before.numel())
            assert after[~gone].equal(before[~gone])
            if gone.any() and not gone.all():
                assert before[gone].abs().max() <= before[~gone].abs().min()
            removed += int(gone.sum())
        assert sparse.removed == removed


def test_globally_tensors_lose_different_shares():
    (sparse,) = prune_magnitude(sample("resnet"), [0.5])
    shares = [float((weight == 0).float().mean()) for weight in prunable_weights(sparse.network)]
    assert max(shares) - min(shares) > 0.2


@SCOPES
@NAMES
def test_only_weights_are_touched(name, scope):
    network = sample(name)
    (sparse,) = prune_magnitude(network, [1.0], scope)
    weights = {id(weight) for weight in prunable_weights(sparse.network)}
    before = sample(name).state_dict()
    pruned = {n for n, parameter in sparse.network.named_parameters() if id(parameter) in weights}
    assert all(tensor.equal(before[n]) for n, tensor in sparse.network.state_dict().items() if n not in pruned)
    assert all(n.endswith("weight") and before[n].dim() in (2, 4) for n in pruned)
    others = {n for n, _ in network.named_parameters()} - pruned
    assert all(n.endswith("bias") or before[n].dim() == 1 or n in ("class_token", "positions") for n in others)
    assert all(bool((weight == 0).all()) for weight in prunable_weights(sparse.network))
    assert all(tensor.equal(before[n]) for n, tensor in network.state_dict().items())


@SCOPES
def test_higher_levels_remove_what_lower_ones_did(scope):
    masks = [flat(sparse.network) == 0 for sparse in prune_magnitude(sample("cnn"), [0.2, 0.5, 0.8], scope)]
    assert bool((masks[0] <= masks[1]).all() and (masks[1] <= masks[2]).all())


@SCOPES
def test_equal_magnitudes_are_still_cut_exactly(scope):
    network = sample("dnn")
    with torch.no_grad():
        for weight in prunable_weights(network):
            weight.fill_(0.5)
    (sparse,) = prune_magnitude(network, [0.3], scope)
    zeros = [int((weight == 0).sum()) for weight in prunable_weights(sparse.network)]
    if scope == "layer":
        assert zeros == [round(0.3 * weight.numel()) for weight in prunable_weights(network)]
    else:
        assert sum(zeros) == round(0.3 * len(flat(network)))
        assert zeros[1:] == [0, 0, 0]  # in the order of the layers
