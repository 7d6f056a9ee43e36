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
    """Stacked copies of the networks' parameters, by the names of their state.

    `flat` (and `flat.grad`) hold every value once, so one fused optimizer call steps all repeats. Parameter by
    parameter, not repeat by repeat: what all repeats multiply with the same images is then one matrix.
    """

    def __init__(self, shapes: dict[str, torch.Size], flat: Tensor) -> None:
        self.shapes, self.flat = shapes, flat
        self.repeats = len(flat) // sum(shape.numel() for shape in shapes.values())
        self.flat.grad = torch.zeros_like(flat)
        values, grads = self.views(flat), self.views(self.flat.grad)
        self._named = {name: Parameter(values[name], grads[name]) for name in shapes}

    @classmethod
    def of(cls, networks: Sequence[nn.Module], device: torch.device) -> "Parameters":
        """Copies of the parameters of networks of one architecture, on a device."""
        states = [dict(network.named_parameters()) for network in networks]
        stacked = [torch.stack([state[name].detach() for state in states]).flatten() for name in states[0]]
        return cls({name: value.shape for name, value in states[0].items()}, torch.cat(stacked).to(device))

    def __getitem__(self, name: str) -> Parameter:
        return self._named[name]

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """A buffer like `flat` as name -> [R, *shape]."""
        parts = flat.split([self.repeats * shape.numel() for shape in self.shapes.values()])
        return {
            name: part.view(self.repeats, *shape)
            for part, (name, shape) in zip(parts, self.shapes.items(), strict=True)
        }

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
        """The values of some repeats of `flat`, a buffer like ours, as a buffer of their own."""
        return torch.cat([view[list(repeats)].flatten() for view in self.views(flat).values()])

    def spread(self, values: Tensor) -> Tensor:
        """A value [R] of each repeat as a buffer like `flat`."""
        return torch.cat([values.repeat_interleave(shape.numel()) for shape in self.shapes.values()])

    def state(self, flat: Tensor, repeat: int) -> dict[str, Tensor]:
        """One repeat of `flat`, a buffer like ours, as a network's state."""
        return {name: view[repeat].cpu().clone() for name, view in self.views(flat).items()}
