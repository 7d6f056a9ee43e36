"""Magnitude pruning: exactly the share asked, the smallest weights, and only weights."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minarch.models.build import build
from minarch.pruning.magnitude import prunable_weights, prune_magnitude

SPECS = [
    {"family": "dnn", "shape": [1, 8, 8], "classes": 10, "hidden": [5, 3]},
    {"family": "cnn", "shape": [1, 8, 8], "classes": 10, "channels": [3, 2]},
    {"family": "vit", "shape": [1, 8, 8], "classes": 10}
    | {"patch": 4, "width": 6, "head_size": 2, "heads": [3], "ffn": [5]},
]


@given(spec=st.sampled_from(SPECS), levels=st.lists(st.floats(0, 1), min_size=1, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_the_smallest_weights_and_exactly_as_many_as_asked(spec, levels, seed):
    torch.manual_seed(seed)
    network = build(spec)
    before = torch.cat([w.flatten() for w in prunable_weights(network)])
    for level, sparse in zip(levels, prune_magnitude(network, levels), strict=True):
        after = torch.cat([w.flatten() for w in prunable_weights(sparse.network)])
        gone = after == 0
        assert sparse.level == level
        assert int(gone.sum()) == sparse.removed == round(level * len(before))
        assert after[~gone].equal(before[~gone])
        if gone.any() and not gone.all():
            assert before[gone].abs().max() <= before[~gone].abs().min()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec["family"])
def test_only_weights_are_touched(spec):
    torch.manual_seed(0)
    network = build(spec)
    (sparse,) = prune_magnitude(network, [1.0])
    weights = {id(w) for w in prunable_weights(sparse.network)}
    before = dict(network.named_parameters())
    untouched = [name for name, p in sparse.network.named_parameters() if id(p) not in weights]
    assert all(before[name].equal(p) for name, p in sparse.network.named_parameters() if name in untouched)
    assert all(name.endswith("bias") or "norm" in name or name in ("class_token", "positions") for name in untouched)
    assert all(bool((w == 0).all()) for w in prunable_weights(sparse.network))


def test_higher_levels_remove_what_lower_ones_did():
    torch.manual_seed(0)
    masks = [
        torch.cat([(w == 0).flatten() for w in prunable_weights(sparse.network)])
        for sparse in prune_magnitude(build(SPECS[1]), [0.2, 0.5, 0.8])
    ]
    assert bool((masks[0] <= masks[1]).all() and (masks[1] <= masks[2]).all())


def test_equal_magnitudes_are_still_cut_exactly():
    network = build(SPECS[0])
    with torch.no_grad():
        for weight in prunable_weights(network):
            weight.fill_(0.5)
    (sparse,) = prune_magnitude(network, [0.3])
    zeros = sum(int((w == 0).sum()) for w in prunable_weights(sparse.network))
    assert zeros == round(0.3 * sum(w.numel() for w in prunable_weights(network)))
