"""Tensors that gates multiply, and how gradients and slopes come back through that.

Shapes: R networks, S gates, U units of a group, O outputs of a tensor.
"""

from dataclasses import dataclass

from torch import Tensor

from minarch.training.stacked.parameters import Parameter


@dataclass(frozen=True)
class Gated:
    """A tensor whose columns the gates of a group's `units` multiply, or all of which a `branch`'s gate, or both.

    `raw` are its values as they are trained, `shown` those that the networks see, `grad` the gradient by either:
    [R, O, U, rest] where units read it, else [R, rest].
    """

    raw: Tensor
    shown: Tensor
    grad: Tensor
    units: slice | None  # among the gates
    branch: int | None  # position among the gates

    @classmethod
    def of(cls, parameter: Parameter, shown: Tensor, units: slice | None, branch: int | None) -> "Gated":
        """A stacked parameter and the buffer [R, *shape] in which it is shown."""
        shape = [len(shown), -1]
        if units is not None:
            width = units.stop - units.start
            shape = [*shown.shape[:2], width, shown[0, 0].numel() // width]
        raw, of_gates, grad = (tensor.view(shape) for tensor in (parameter.value, shown, parameter.grad))
        return cls(raw, of_gates, grad, units, branch)

    def show(self, gates: Tensor) -> None:
        """Multiply by gates [R, S]."""
        self.shown.copy_(self.raw)
        self._multiply(self.shown, gates)

    def pull_back(self, gates: Tensor, slopes: Tensor | None) -> None:
        """Turn the gradient by what was shown into that by what is trained; add up the slopes [R, S] by the gates."""
        if slopes is not None:
            steep = self.grad * self.raw
            steep = steep.sum(1, keepdim=True) if self.units is None else steep.sum((1, 3))
            if self.branch is not None:
                of_units = 1.0 if self.units is None else gates[:, self.units]
                slopes[:, self.branch] += (steep * of_units).sum(1)
                steep = steep * gates[:, self.branch, None]
            if self.units is not None:
                slopes[:, self.units] += steep
        self._multiply(self.grad, gates)

    def _multiply(self, values: Tensor, gates: Tensor) -> None:
        if self.units is not None:
            values.mul_(gates[:, None, self.units, None])
        if self.branch is not None:
            values.mul_(gates[:, self.branch].view(-1, *[1] * (values.dim() - 1)))
