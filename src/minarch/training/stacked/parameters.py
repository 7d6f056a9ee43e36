"""The parameters of R networks of one architecture, stacked: one flat buffer of values, one of gradients."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Parameter:
    """One parameter of all repeats: value and gradient [R, *shape], views of the flat buffers."""

    value: Tensor
    grad: Tensor


class Parameters:
    """Stacked copies of the networks' parameters, by the names of their state, and of the `statistics` of their norms.

    `flat` holds every value once, `trained` the first of them, the parameters, and `gradient` theirs, so that one fused
    optimizer call steps all repeats. Parameter by parameter, not repeat by repeat: what all repeats multiply with the
    same images is then one matrix.

    Args:
        shapes: of one network's values, in the order of `flat`, by name.
        statistics: how many of them, the last ones, are statistics.
    """

    def __init__(self, shapes: dict[str, torch.Size], flat: Tensor, statistics: int = 0) -> None:
        self.shapes, self.flat = shapes, flat
        sizes = [shape.numel() for shape in shapes.values()]
        self.repeats = len(flat) // sum(sizes)
        names = list(shapes)[: len(shapes) - statistics]
        self.trained = flat[: self.repeats * sum(sizes[: len(names)])]
        self.trained.grad = self.gradient = torch.zeros_like(self.trained)
        values, grads = self.views(flat), self.views(self.gradient)
        self._named = {name: Parameter(values[name], grads[name]) for name in names}
        self.statistics = {name: value for name, value in values.items() if name not in self._named}

    @classmethod
    def of(cls, networks: Sequence[nn.Module], device: torch.device) -> "Parameters":
        """Copies of the parameters and statistics of networks of one architecture, on a device."""
        parameters = [dict(network.named_parameters()) for network in networks]
        statistics = [dict(network.named_buffers()) for network in networks]  # counts become floats in `cat`
        states = [one | other for one, other in zip(parameters, statistics, strict=True)]
        stacked = [torch.stack([state[name].detach() for state in states]).flatten() for name in states[0]]
        shapes = {name: value.shape for name, value in states[0].items()}
        return cls(shapes, torch.cat(stacked).to(device), len(statistics[0]))

    def __getitem__(self, name: str) -> Parameter:
        return self._named[name]

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """A buffer like `flat`, or like `trained`, as name -> [R, *shape]."""
        views, start = dict[str, Tensor](), 0
        for name, shape in self.shapes.items():
            end = start + self.repeats * shape.numel()
            if end <= len(flat):
                views[name] = flat[start:end].view(self.repeats, *shape)
            start = end
        return views

    def shown(self, values: Mapping[str, Tensor]) -> "Parameters":
        """The same parameters, of which some show other values [R, *shape]; gradients by these are left with ours."""
        other = copy(self)
        other._named = {name: Parameter(values.get(name, own.value), own.grad) for name, own in self._named.items()}
        return other

    def keep(self, which: Tensor, kept: Tensor) -> None:
        """Copy the repeats that `which` (bool [R]) names into `kept`, a buffer like `flat`; never waits."""
        for value, old in zip(self.views(self.flat).values(), self.views(kept).values(), strict=True):
            torch.where(which.view(-1, *[1] * (value.dim() - 1)), value, old, out=old)

    def select(self, flat: Tensor, repeats: Sequence[int]) -> Tensor:
        """The values of some repeats of `flat`, a buffer like ours or like `trained`, as a buffer of their own."""
        return torch.cat([view[list(repeats)].flatten() for view in self.views(flat).values()])

    def spread(self, values: Tensor) -> Tensor:
        """A value [R] of each repeat as a buffer like `trained`."""
        return torch.cat([values.repeat_interleave(self.shapes[name].numel()) for name in self._named])

    def state(self, flat: Tensor, repeat: int) -> dict[str, Tensor]:
        """One repeat of `flat`, a buffer like ours, as a network's state."""
        return {name: view[repeat].cpu().clone() for name, view in self.views(flat).items()}
