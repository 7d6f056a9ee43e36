"""The residual stream of a transformer: the width of its tokens, and every entry of its tensors that goes with a unit.

NNCF does not follow the sums of tokens, so this analysis is ours: the network is built again with the stream twice as
wide in its spec, and what doubled belongs to the stream. No name matters, so it holds for a user's transformer, too.
"""

from collections.abc import Iterator
from contextlib import suppress

import torch
from torch import nn

from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.families import Spec
from minarch.models.network import Network
from minarch.pruning.cut import cut
from minarch.pruning.groups import HEADS, WIDTH, Group, Part, find_groups

NAME = "residual stream"
TRANSFORMING = nn.LayerNorm | nn.RMSNorm | nn.MultiheadAttention


def find_stream(network: Network) -> Group | None:
    """The one group of a transformer's residual width, None for another network, whose tokens carry nothing.

    A transformer has heads that NNCF sees, a layer of attention or a LayerNorm. The `weights` of the group are what
    is added to the stream: embeddings, class token, positions, and the last layers of attention and feed-forward parts.

    Raises:
        UserError: the network is a transformer, but its width cannot be found or not be cut by itself.
    """
    heads = any(group.kind == HEADS for group in find_groups(network))
    if not heads and not any(isinstance(module, TRANSFORMING) for module in network.modules()):
        return None
    spec = network.spec()
    streams = [stream for field in spec if (stream := _doubled(network, spec, field)) is not None]
    if len(streams) != 1 or not _can_be_cut(network, streams[0]):
        raise UserError(
            f"prune.methods: residual: true is not allowed for {spec['family']}, of which the residual width is not"
            " found; allowed: false, or a transformer whose spec has one number that sets the width of all LayerNorms"
            " and of nothing inside attention and feed-forward parts"
        )
    return streams[0]


def _doubled(network: Network, spec: Spec, field: str) -> Group | None:
    """What doubles if this field of the spec does; None if LayerNorms do not, or something grows otherwise."""
    norms = {name: module for name, module in network.named_modules() if isinstance(module, nn.LayerNorm)}
    if type(spec[field]) is not int or (spec[field],) not in {norm.normalized_shape for norm in norms.values()}:
        return None
    units, state = spec[field], network.state_dict()
    with suppress(UserError):  # a user's family that has no such network
        wider = build(spec | {field: 2 * units}).state_dict()
        parts = tuple(
            Part(name, dim, 0, 1)
            for name, tensor in state.items()
            for dim, (size, grown) in enumerate(zip(tensor.shape, wider[name].shape, strict=True))
            if size != grown
        )
        by_itself = all(state[part.tensor].shape[part.dim] == units for part in parts)
        if by_itself and any(part.tensor == f"{norm}.weight" for norm in norms for part in parts):
            return Group(NAME, WIDTH, units, tuple(_made(network, parts)), parts if units > 1 else ())
    return None


def _made(network: nn.Module, parts: tuple[Part, ...]) -> Iterator[str]:
    """The tensors that add to the stream: outputs of layers, embeddings; neither what reads or scales it nor biases."""
    for part in parts:
        owner = network.get_submodule(part.tensor.rpartition(".")[0])
        reads = isinstance(owner, nn.Linear | nn.Conv1d | nn.Conv2d) and part.dim > 0
        if network.get_parameter(part.tensor).dim() > 1 and not reads:
            yield part.tensor


def _can_be_cut(network: Network, stream: Group) -> bool:
    """Whether the network without every second unit computes what the masked one does."""
    try:
        cut(network, [stream], {stream.name: torch.arange(stream.units) % 2 == 0})
    except (AssertionError, RuntimeError, UserError):  # other outputs, other shapes, no such network
        return False
    return True
