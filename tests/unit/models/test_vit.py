"""A vision transformer's blocks may lack attention, the feed-forward part, or both."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minarch.models.build import build, checked

SPEC = {"family": "vit", "shape": [1, 8, 8], "classes": 5, "patch": 4, "width": 6, "head_size": 2}
ATTENTION, FEED_FORWARD = ("norm1", "query", "key", "value", "output"), ("norm2", "fc1", "fc2")
PARTS = st.tuples(st.integers(0, 3), st.integers(0, 4))


@given(blocks=st.lists(PARTS, max_size=4))
@settings(max_examples=40, deadline=None)
def test_any_blocks_are_told_as_they_were_given(blocks):
    network = checked(SPEC | {"heads": [heads for heads, _ in blocks], "ffn": [ffn for _, ffn in blocks]})
    for block, (heads, ffn) in zip(network.blocks, blocks, strict=True):
        assert [getattr(block, name) is None for name in ATTENTION] == [heads == 0] * 5
        assert [getattr(block, name) is None for name in FEED_FORWARD] == [ffn == 0] * 3


@pytest.mark.parametrize(("sizes", "last"), [("heads", "output"), ("ffn", "fc2")])
@pytest.mark.parametrize("position", [0, 1])
@torch.no_grad()
def test_a_removed_part_is_one_that_adds_nothing(sizes, last, position):
    torch.manual_seed(0)
    spec = SPEC | {"heads": [3, 2], "ffn": [4, 5]}
    network = build(spec)
    for parameter in network.get_submodule(f"blocks.{position}.{last}").parameters():
        parameter.zero_()
    without = build(spec | {sizes: [0 if i == position else size for i, size in enumerate(spec[sizes])]})
    state = network.state_dict()
    without.load_state_dict({name: state[name] for name in without.state_dict()})
    images = torch.randn(4, 1, 8, 8)
    assert without(images).equal(network(images))


@torch.no_grad()
def test_a_removed_block_passes_on_what_it_takes():
    """It stays in the spec, so that the others keep their names; left out of the lists, they are counted anew."""
    torch.manual_seed(0)
    network = build(SPEC | {"heads": [3, 0, 2], "ffn": [4, 0, 5]})
    tokens = torch.randn(2, 5, 6)
    assert network.blocks[1](tokens).equal(tokens)
    fewer = build(SPEC | {"heads": [3, 2], "ffn": [4, 5]})
    fewer.load_state_dict({name.replace("blocks.2", "blocks.1"): value for name, value in network.state_dict().items()})
    images = torch.randn(4, 1, 8, 8)
    assert fewer(images).equal(network(images))
