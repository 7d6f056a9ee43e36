"""What is left of a structure with gates: where the gates lie that are left, what it costs, and its spec.

Shapes: R networks side by side, S gates that are left of them, C groups and branches, U units of a group.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from operator import not_

import torch
from torch import Tensor

from minarch.complexity.branches import without
from minarch.complexity.structure import Structure
from minarch.models.build import build
from minarch.models.families import Spec
from minarch.pruning.cut import smaller
from minarch.pruning.groups import Group, Part
from minarch.training.stacked.parameters import Parameters


@dataclass(frozen=True)
class Remains:
    """The units that are left of each group of a structure (`widths`), and which of its branches (`alive`).

    Their gates come group by group, then branch by branch.
    """

    structure: Structure
    widths: list[int]
    alive: list[bool]

    @cached_property
    def slices(self) -> list[slice]:
        """The gates of every group."""
        ends = [0, *itertools.accumulate(self.widths)]
        return [slice(first, end) for first, end in itertools.pairwise(ends)]

    @cached_property
    def branches(self) -> list[int]:
        """The positions of the branches that are left."""
        return [branch for branch, stays in enumerate(self.alive) if stays]

    @cached_property
    def slots(self) -> dict[int, int]:
        """Branch that is left -> its gate."""
        return {branch: sum(self.widths) + position for position, branch in enumerate(self.branches)}

    @cached_property
    def factor(self) -> Tensor:
        """The factor of the structure's cost that each gate is a part of, int64 [S], below C."""
        groups = torch.repeat_interleave(torch.tensor(self.widths, dtype=torch.int64))
        return torch.cat([groups, torch.tensor(self.branches, dtype=torch.int64) + len(self.widths)])

    def values(self, theta: Tensor) -> Tensor:
        """The factors of the structure's cost [R, C], float64, for chances [R, S]."""
        values = theta.new_zeros(len(theta), len(self.widths) + len(self.alive), dtype=torch.float64)
        return values.index_add_(1, self.factor, theta.double())

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of one network for one image."""
        return round(float(self.structure.cost.expected(torch.tensor([[*self.widths, *self.alive]]))[1]))

    @property
    def groups(self) -> list[Group]:
        """The groups, without their entries in branches that are gone: a stem's channels are read by a branch and by
        the projection around it.
        """
        pairs = zip(self.structure.groups, self.widths, strict=True)
        return [replace(group, units=width, parts=self._parts(group)) for group, width in pairs if width]

    def _parts(self, group: Group) -> tuple[Part, ...]:
        branches = ((part, self.structure.branch(part.tensor)) for part in group.parts)
        return tuple(part for part, branch in branches if branch is None or self.alive[branch])

    def spec_of(self, less: "Remains", spec: Spec) -> Spec:
        """The spec of `less`, of which nothing is left that is not left here; `spec` is that of this."""
        masks = {
            group.name: torch.arange(before) < max(1, width)  # what goes with its branch has to be a layer until then
            for group, before, width in zip(self.structure.groups, self.widths, less.widths, strict=True)
        }
        narrower, _ = smaller(build(spec), self.groups, masks)
        return without(narrower, compress(self.structure.branches, map(not_, less.alive)))

    def entries(self, name: str, values: Tensor, units: Sequence[Tensor]) -> Tensor:
        """Of the values [R, *shape] of a tensor the rows and columns of some `units` [R, U] of every group."""
        for dim, sides in enumerate((self.structure.rows, self.structure.columns)):
            if name in sides:
                group, size = sides[name]
                index = (units[group][:, :, None] * size + torch.arange(size)).flatten(1).to(values.device)
                values = torch.stack([v.index_select(dim, i) for v, i in zip(values, index, strict=True)])
        return values

    def strength(self, parameters: Parameters, gone: Tensor) -> list[Tensor]:
        """How much is read of each unit by what is not `gone` (bool [R, S]): the sum of the sizes of the weights,
        [R, U] of every group.
        """
        stays = (~gone).float()
        strength = [torch.zeros(parameters.repeats, width) for width in self.widths]
        for name, (group, size) in self.structure.columns.items():
            if name in parameters.shapes:
                sizes = parameters[name].value.detach().abs().cpu().unflatten(2, (-1, size)).flatten(3).sum(3)
                if name in self.structure.rows:
                    readers, entries = self.structure.rows[name]
                    sizes *= stays[:, self.slices[readers]].repeat_interleave(entries, 1)[:, :, None]
                branch = self.structure.branch(name)
                read = sizes.sum(1)  # [R, U]
                strength[group] += read if branch is None else read * stays[:, self.slots[branch], None]
        return strength
