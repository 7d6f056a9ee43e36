"""Node strengths (docs/methods.md 2.2): the signed sum of a node's incoming weights, its bias and its outgoing weights.

An input node has 1 for what comes in, an output node 1 for what goes out. A convolution is the dense layer that it
unrolls to: a tap that lies on padding is no link. For what the paper does not tell, our inference:
- max-pooling: a pooled pixel listens to one of its four units at a time, so each carries a quarter of its outgoing
  weights; a unit in an odd last row or column is not pooled and sends nothing;
- ViT: the pixels, each attention head's value units (in by the value matrix, out by the output projection), the
  feed-forward units and the outputs. Queries and keys only weigh, they send nothing on; norms scale what comes in,
  they are not counted; the residual stream is no layer of nodes.

Shapes: R repeats, U units, [C, H, W] the input of a convolution, O its channels.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from minarch.models.cnn import CNN
from minarch.models.dnn import DNN
from minarch.models.vit import ViT

INPUT, OUTPUT = "input", "output"
Stack = Mapping[str, Tensor]  # parameters [R, ...] by name


class Links(NamedTuple):
    """Sums of a layer's weights (float64): into each unit, with its bias, and out of each input, [R, ...] both."""

    incoming: Tensor
    outgoing: Tensor


def node_strengths(network: nn.Module, stack: Stack) -> dict[str, Tensor]:
    """Node layer -> strengths [R, nodes], float64, for repeats of a DNN, CNN or ViT; of other networks nothing.

    Hidden node layers are named by the module whose units they are, between "input" and "output".
    """
    strengths = FAMILIES.get(type(network), lambda *_: {})(network, stack)
    return {name: values.flatten(1) for name, values in strengths.items()}


def hidden(strengths: Mapping[str, Tensor]) -> list[str]:
    """The node layers between input and output."""
    return [name for name in strengths if name not in (INPUT, OUTPUT)]


def dense_links(stack: Stack, name: str) -> Links:
    """The links of a linear layer [R, U, N]."""
    weight = stack[f"{name}.weight"]
    incoming, outgoing = weight.sum(2, dtype=torch.float64), weight.sum(1, dtype=torch.float64)
    return Links(incoming + stack[f"{name}.bias"], outgoing)


def convolution_links(stack: Stack, name: str, layer: nn.Conv2d, size: tuple[int, int]) -> Links:
    """The links of a convolution [R, O, C, h, w] over `size` (H, W): incoming [R, O, H', W'], outgoing [R, C, H, W]."""
    weight = stack[f"{name}.weight"]
    repeats, channels, depth = weight.shape[:3]
    how: dict[str, Any] = {"stride": layer.stride, "padding": layer.padding}
    into = weight.sum(2, dtype=torch.float64).flatten(0, 1)[:, None]
    incoming = functional.conv2d(into.new_ones(1, 1, *size), into, **how)[0].unflatten(0, (repeats, channels))
    out_of = weight.sum(1, dtype=torch.float64).flatten(0, 1)[None]
    outgoing = functional.conv_transpose2d(into.new_ones(1, 1, *incoming.shape[2:]), out_of, **how)[0]
    return Links(incoming + stack[f"{name}.bias"][:, :, None, None], outgoing.unflatten(0, (repeats, depth)))


def unpooled(outgoing: Tensor, size: tuple[int, int]) -> Tensor:
    """Outgoing weights of each unit, [R, C, H, W], from those of the pixels of 2x2 max-pooling, [R, C, H//2, W//2]."""
    spread = outgoing.repeat_interleave(2, 2).repeat_interleave(2, 3) / 4
    return functional.pad(spread, (0, size[1] - spread.shape[3], 0, size[0] - spread.shape[2]))


def _chained(links: Mapping[str, Links]) -> dict[str, Tensor]:
    """Strengths where each layer's units are the next one's inputs."""
    layers = list(links.items())
    strengths = {INPUT: 1 + layers[0][1].outgoing}
    strengths |= {name: one.incoming + after.outgoing for (name, one), (_, after) in pairwise(layers)}
    return strengths | {OUTPUT: layers[-1][1].incoming + 1}


def _dnn(network: DNN, stack: Stack) -> dict[str, Tensor]:
    names = [*(f"hidden.{position}" for position in range(len(network.hidden))), "classifier"]
    return _chained({name: dense_links(stack, name) for name in names})


def _cnn(network: CNN, stack: Stack) -> dict[str, Tensor]:
    links: dict[str, Links] = {}
    size = network.shape[1], network.shape[2]
    for position, layer in enumerate(network.convolutions):
        assert isinstance(layer, nn.Conv2d)
        pooled = (size[0] // 2, size[1] // 2) if position else size
        inner = convolution_links(stack, f"convolutions.{position}", layer, pooled)
        outgoing = unpooled(inner.outgoing, size) if position else inner.outgoing
        links[f"convolutions.{position}"] = Links(inner.incoming, outgoing)
        size = (inner.incoming.shape[2], inner.incoming.shape[3])
    last = dense_links(stack, "classifier")
    links["classifier"] = Links(last.incoming, last.outgoing.unflatten(1, (-1, *size)))
    return _chained(links)


def _vit(network: ViT, stack: Stack) -> dict[str, Tensor]:
    size = network.shape[1], network.shape[2]
    strengths = {INPUT: 1 + convolution_links(stack, "embedding", network.embedding, size).outgoing}
    for position in range(len(network.blocks)):
        for units, readers in (("value", "output"), ("fc1", "fc2")):
            if f"blocks.{position}.{units}.weight" in stack:  # else this part of the block is removed
                into, out_of = (dense_links(stack, f"blocks.{position}.{name}") for name in (units, readers))
                strengths[f"blocks.{position}.{units}"] = into.incoming + out_of.outgoing
    return strengths | {OUTPUT: dense_links(stack, "classifier").incoming + 1}


FAMILIES: dict[type[nn.Module], Callable[..., dict[str, Tensor]]] = {DNN: _dnn, CNN: _cnn, ViT: _vit}
