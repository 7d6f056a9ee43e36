"""Attention maps against a softmax written out."""

import torch

from minarch.models.build import build
from minarch.models.vit import Block, ViT
from minarch.statistics.attention import class_attention


def test_maps_of_a_vit() -> None:
    torch.manual_seed(0)
    spec = {"family": "vit", "shape": [1, 8, 12], "classes": 3, "patch": 4, "width": 8, "head_size": 4}
    network = build(spec | {"heads": [2, 2], "ffn": [5, 5]})
    assert isinstance(network, ViT)
    images = torch.randn(7, 1, 8, 12)
    maps = class_attention(network, images)
    assert maps.shape == (2, 2, 6)
    with torch.no_grad():
        tokens = torch.cat([network.class_token.expand(7, -1, -1), network.embedding(images).flatten(2).mT], 1)
        tokens = tokens + network.positions
        for position, block in enumerate(network.blocks):
            assert isinstance(block, Block)
            normed = block.norm1(tokens)
            for head in range(2):
                part = slice(4 * head, 4 * head + 4)
                scores = torch.einsum("bs,bns->bn", block.query(normed)[:, 0, part], block.key(normed)[:, :, part]) / 2
                torch.testing.assert_close(maps[position, head], scores.softmax(1)[:, 1:].mean(0))
            tokens = block(tokens)


def test_without_keys_all_patches_are_alike_and_nothing_stays_hooked() -> None:
    spec = {"family": "vit", "shape": [1, 4, 4], "classes": 3, "patch": 2, "width": 4, "head_size": 2}
    network = build(spec | {"heads": [2], "ffn": [5]})
    assert isinstance(network, ViT)
    with torch.no_grad():
        network.get_parameter("blocks.0.key.weight").zero_()
    torch.testing.assert_close(class_attention(network, torch.randn(3, 1, 4, 4)), torch.full((1, 2, 4), 1 / 5))
    assert not any(module._forward_hooks for module in network.modules())


def test_heads_that_a_block_lacks_are_nan() -> None:
    torch.manual_seed(0)
    spec = {"family": "vit", "shape": [1, 8, 12], "classes": 3, "patch": 4, "width": 8, "head_size": 4}
    network = build(spec | {"heads": [0, 3, 1], "ffn": [5, 0, 0]})
    assert isinstance(network, ViT)
    maps = class_attention(network, torch.randn(7, 1, 8, 12))
    assert maps.shape == (3, 3, 6)
    assert maps.isnan().all(2).tolist() == [[True] * 3, [False] * 3, [False, True, True]]
    assert maps.nansum(2).max() < 1
    without = build(spec | {"heads": [0], "ffn": [5]})
    assert isinstance(without, ViT)
    assert class_attention(without, torch.randn(7, 1, 8, 12)).shape == (1, 0, 6)
