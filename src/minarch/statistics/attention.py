"""Attention maps of a ViT: where the class token looks, per head."""

import torch
from torch import Tensor, nn

from minarch.models.vit import Block, ViT


@torch.no_grad()
def class_attention(network: ViT, images: Tensor) -> Tensor:
    """Mean over normalised `images` [B, C, H, W] of the class token's softmax attention to every patch.

    Returns [blocks, heads, patches], patches row by row, with as many heads as the block that has most; NaN where a
    block has fewer. A head's map sums to less than 1: the rest is the class token's attention to itself.
    """
    outputs: dict[nn.Module, Tensor] = {}
    blocks = [block for block in network.blocks if isinstance(block, Block)]
    layers = [layer for block in blocks for layer in (block.query, block.key) if layer]
    hooks = [layer.register_forward_hook(lambda layer, _, output: outputs.update({layer: output})) for layer in layers]
    network(images)
    for hook in hooks:
        hook.remove()
    heads, patches = max((block.heads for block in blocks), default=0), network.positions.shape[1] - 1
    maps = torch.full((len(blocks), heads, patches), torch.nan)
    for block, attention in zip(blocks, maps, strict=True):
        if block.query and block.key:
            query, key = (  # [B, E, N, S]
                outputs[layer].unflatten(2, (-1, block.head_size)).transpose(1, 2) for layer in (block.query, block.key)
            )
            scores = torch.matmul(query[:, :, :1], key.transpose(2, 3)) * block.head_size**-0.5
            attention[: block.heads] = scores.softmax(dim=3)[:, :, 0, 1:].mean(dim=0)
    return maps
