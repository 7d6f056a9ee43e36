"""Gates that are drawn while a network is trained, and learn with what chance they are on (docs/methods.md 4.2).

Shapes: R networks side by side, G gates of the whole network, S gates that are left of them, U units of a group.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from minarch.complexity.draws import Draws
from minarch.complexity.motion import Motion, Policy
from minarch.complexity.remains import Remains
from minarch.complexity.structure import Structure

EXTREME = 1e-3  # a chance so close to 0 or 1 counts as there
PATIENCE = 2  # epochs that a chance stays there before its gate is fixed


class Gates:
    """The gates of R networks, each off (0) or on (1) in a step, with the chance `theta` [R, S] of being on.

    Those that are `fixed` no longer move. `remains` says which are left.
    """

    def __init__(self, structure: Structure, policy: Policy, generators: Sequence[torch.Generator], moves: int) -> None:
        self.structure, self.policy = structure, policy
        units, branches = sum(structure.units), len(structure.branches)
        shares = torch.tensor([1 - policy.beta] * units + [policy.beta] * branches)
        self.draws = Draws(generators, len(shares))
        self.fixed = (policy.nu * shares == 0).repeat(len(generators), 1)
        self.movable = self.fixed.logical_not()  # [R, G]
        self.theta = torch.where(self.fixed, 1.0, policy.start)
        self.motion, self.still = Motion(policy, self.theta, moves), torch.zeros_like(self.draws.number)
        self.weights = torch.tensor(
            [(1 - policy.alpha) / structure.full_parameters, policy.alpha / structure.full_macs], dtype=torch.float64
        )
        self.moving, self.settled, self.drawable = False, False, not bool(self.fixed.all())
        self.chance = self.theta
        self._take(Remains(structure, structure.units, [True] * branches))

    def _take(self, remains: Remains) -> None:
        """Take in which gates are left, and what the price of each is [S]."""
        is_unit = remains.factor < len(self.structure.units)
        self.price = self.policy.nu * torch.where(is_unit, 1 - self.policy.beta, self.policy.beta)
        self.remains = remains

    def draw(self) -> Tensor:
        """The gates of one step, 0 or 1, float32 [R, S].

        While they move each is off, and on, with a chance of at least `explore`: or nothing would be learned of it.
        """
        if not self.drawable:
            return self.theta
        self.chance = self.theta
        if self.moving:
            explore = self.policy.explore
            self.chance = torch.where(self.fixed, self.theta, self.theta.clamp(explore, 1 - explore))
        return (self.draws.uniform() < self.chance).float()

    @property
    def gone(self) -> Tensor:
        """Which gates are off for good, bool [R, S]."""
        return self.fixed & (self.theta == 0)

    def expected(self) -> tuple[Tensor, Tensor]:
        """The expected parameters and MACs, float64 [R] each."""
        return self.structure.cost.expected(self.remains.values(self.theta))

    def move(self, slopes: Tensor, drawn: Tensor) -> None:
        """Step against what gates are worth, by the slopes [R, S] of the loss by them, and the price of complexity."""
        worth = self.motion.worth(slopes, drawn, self.chance)
        of_factors = self.structure.cost.slopes(self.remains.values(self.theta), self.weights)
        step = self.motion.step(worth, of_factors[:, self.remains.factor].float(), self.price)
        moved = (self.theta - step).clamp_(0, 1).nan_to_num_(0.0)  # NaN: the network diverged, all go off
        self.theta = torch.where(self.fixed, self.theta, moved)

    def whole(self) -> Tensor:
        """The chances of all gates of the whole network [R, G]: those that were dropped are 0."""
        return torch.zeros(self.movable.shape).scatter_(1, self.draws.number, self.theta)

    def deterministic(self) -> list[float | None]:
        """Of each network the share of the gates that could move whose chance is 0 or 1, as near as EXTREME."""
        theta = self.whole()
        arrived = self.movable & ((theta <= EXTREME) | (theta >= 1 - EXTREME))
        counts = zip(arrived.sum(1).tolist(), self.movable.sum(1).tolist(), strict=True)
        return [there / count if count else None for there, count in counts]

    def kept(self) -> tuple[list[list[int]], list[list[bool]]]:
        """Of each network the units of every group, and the branches, whose chance is at least one half."""
        on = self.whole() >= 0.5
        units = on[:, : sum(self.structure.units)].split(self.structure.units, 1)
        counts = torch.stack([of_group.sum(1) for of_group in units], 1).tolist()
        return counts, on[:, sum(self.structure.units) :].tolist()

    def rest(self, strength: Sequence[Tensor]) -> None:
        """After an epoch: fix the gates whose chance has been 0 or 1 for PATIENCE epochs (`strength`: as in `_fix`)."""
        extreme = (self.theta <= EXTREME) | (self.theta >= 1 - EXTREME)
        self.still = torch.where(extreme, self.still + 1, 0)
        self._fix(self.fixed | (self.still >= PATIENCE), strength)

    def settle(self, strength: Sequence[Tensor]) -> None:
        """Fix all gates, on where their chance is at least one half."""
        self.moving, self.settled = False, True
        self._fix(torch.ones_like(self.fixed), strength)

    def _fix(self, fixed: Tensor, strength: Sequence[Tensor]) -> None:
        """Fix gates where they are, and close what has become useless: units in a branch that is off, a branch without
        units. Where nothing goes around a group, the strongest of its last units stays.

        Args:
            strength: how much is read of each unit, [R, U] of every group.
        """
        gone, self.fixed = self.gone, fixed
        self.theta = torch.where(fixed, (self.theta >= 0.5).float(), self.theta)
        off = self.gone
        for group, around in enumerate(self.structure.around):
            units = self.remains.slices[group]
            empty = off[:, units].all(1)
            if around is None:
                # Not of all units: in a stack it depends on the other networks which of those before are cut away.
                strongest = strength[group].nan_to_num(0.0).masked_fill(gone[:, units], -1).argmax(1) + units.start
                self.theta[empty, strongest[empty]] = 1
            elif around in self.remains.slots:
                self._turn_off(empty, self.remains.slots[around])
        for group, around in enumerate(self.structure.around):
            if around is not None and around in self.remains.slots:
                self._turn_off(self.gone[:, self.remains.slots[around]], self.remains.slices[group])
        self.drawable = not bool(self.fixed.all())

    def _turn_off(self, networks: Tensor, gates: slice | int) -> None:
        """Fix some gates of some networks (bool [R]) at 0."""
        self.theta[networks, gates] = 0
        self.fixed[networks, gates] = True

    def needed(self) -> Remains:
        """What is not off for good in every network."""
        gone, slots = self.gone, self.remains.slots
        widths = [
            int((~gone[:, units]).sum(1).max()) if units.stop > units.start else 0 for units in self.remains.slices
        ]
        alive = [i in slots and not bool(gone[:, slots[i]].all()) for i in range(len(self.remains.alive))]
        return Remains(self.structure, widths, alive)

    def drop(self, remains: Remains) -> list[Tensor]:
        """Forget gates that are off for good, until these are left.

        Returns:
            Of each group the units [R, U] that stay, in their order, counted among those that there were.
        """
        gone, before = self.gone, self.remains
        units = [
            gone[:, of_group].int().argsort(dim=1, stable=True)[:, :width].sort(1).values
            for of_group, width in zip(before.slices, remains.widths, strict=True)
        ]
        branches = torch.tensor([before.slots[branch] for branch in remains.branches], dtype=torch.int64)
        kept = [of_group.start + index for of_group, index in zip(before.slices, units, strict=True)]
        index = torch.cat([*kept, branches.expand(len(gone), -1)], 1)
        self.draws.keep(index)
        self.motion.keep(index)
        for name in ("theta", "fixed", "still"):
            setattr(self, name, getattr(self, name).gather(1, index))
        self._take(remains)
        return units
