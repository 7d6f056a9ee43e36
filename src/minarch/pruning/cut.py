"""Taking units out of a network: their entries zero (masked), or gone (cut). Both compute the same."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

from minarch.models.build import build
from minarch.models.cost import macs
from minarch.models.families import Spec
from minarch.models.network import Network
from minarch.pruning.groups import WIDTH, Group

Masks = Mapping[str, Tensor]  # group -> which of its units stay, bool [U]
TOLERANCE = 1e-5  # cut against masked, relative to the largest logit


def masked(network: Network, groups: Sequence[Group], masks: Masks) -> Network:
    """A copy in which every entry that belongs to a removed unit is zero, and which normalises tokens without it."""
    copy = deepcopy(network)
    state = copy.state_dict()
    for group in groups:
        for part in group.parts:
            state[part.tensor].index_fill_(part.dim, part.indices(~masks[group.name]), 0)
        if group.kind == WIDTH:
            tensors = {part.tensor for part in group.parts}
            for name, module in network.named_modules():
                if isinstance(module, nn.LayerNorm) and f"{name}.weight" in tensors:
                    copy.set_submodule(name, _NormOfKept(module, masks[group.name]))
    return copy


class _NormOfKept(nn.Module):
    """A LayerNorm of the entries that stay, 0 for the others: zeros would have a part in its mean and variance."""

    def __init__(self, norm: nn.LayerNorm, keep: Tensor) -> None:
        super().__init__()
        self.norm, self.kept = norm, keep.nonzero().flatten()

    def forward(self, values: Tensor) -> Tensor:
        weight, bias = (None if t is None else t[self.kept] for t in (self.norm.weight, self.norm.bias))
        normed = functional.layer_norm(values[..., self.kept], self.kept.shape, weight, bias, self.norm.eps)
        return torch.zeros_like(values).index_copy(-1, self.kept, normed)


def cut(network: Network, groups: Sequence[Group], masks: Masks) -> Network:
    """A smaller network of the same family in evaluation mode: plain torch, what `masked` zeroes is gone.

    Checks on random images that it computes what the masked network does.
    """
    spec, state = smaller(network, groups, masks)
    result = build(spec)
    result.load_state_dict(state)
    result.eval()
    images = torch.randn(32, *spec["shape"], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, logits = masked(network, groups, masks).eval()(images), result(images)
    scale = max(1.0, float(expected.abs().max()))
    same = torch.allclose(logits, expected, rtol=0, atol=TOLERANCE * scale, equal_nan=True)
    assert same, f"the cut changed the outputs by {float((logits - expected).abs().max()):g}"
    return result


def cost_of(network: Network, groups: Sequence[Group]) -> Callable[[Mapping[str, int]], int]:
    """A function of how many units of each group stay: the MACs of the network then. It remembers its answers."""
    shapes, known = deepcopy(network).to("meta"), dict[tuple[int, ...], int]()

    def cost(units: Mapping[str, int]) -> int:
        counts = tuple(units[group.name] for group in groups)
        if counts not in known:
            masks = {group.name: torch.arange(group.units) < units[group.name] for group in groups}
            spec, _ = smaller(shapes, groups, masks)
            known[counts] = macs(build(spec), spec["shape"])  # beside NNCF, torch.device("meta") would have no effect
        return known[counts]

    return cost


def smaller(network: Network, groups: Sequence[Group], masks: Masks) -> tuple[Spec, dict[str, Tensor]]:
    """Spec and state of the cut network. The spec is read off a copy whose tensors have the new shapes."""
    state = network.state_dict()
    for group in groups:
        for part in group.parts:
            stays = torch.ones(state[part.tensor].shape[part.dim], dtype=torch.bool)
            stays[part.indices(~masks[group.name])] = False
            index = stays.nonzero().flatten().to(state[part.tensor].device)
            state[part.tensor] = state[part.tensor].index_select(part.dim, index)
    shell = deepcopy(network)
    for name, parameter in shell.named_parameters():
        parameter.data = state[name]
    spec: Spec = shell.spec()
    return spec, state
