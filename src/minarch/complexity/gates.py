"""Gates that are drawn while a network is trained, and learn with what chance they are on (docs/methods.md 4.2).

Shapes: R networks side by side, G gates of the whole network, S gates that are left of them, C groups and branches.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from minarch.complexity import Estimator
from minarch.complexity.draws import Draws
from minarch.complexity.structure import Structure

EXTREME = 1e-3  # a chance so close to 0 or 1 counts as there
PATIENCE = 2  # epochs that a chance stays there before its gate is fixed
CLIP = 3.0  # times the usual change of a gate, at most
FORGET = 0.99  # of the mean square of a gate's slopes, per move
FASTEST = 0.05  # change of a chance in a move, at most
RAMP = 0.8  # share of the moves in which the price of complexity rises to its full height


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How gates are priced and moved; minarch.flow.stages.complexity says what each field means."""

    nu: float
    alpha: float
    beta: float
    start: float = 1.0
    travel: float = 20.0
    explore: float = 0.05
    estimator: Estimator = "balanced"


class Gates:
    """The gates of R networks, each off (0) or on (1) in a step, with the chance `theta` [R, S] of being on.

    Those that are `fixed` no longer move. `widths` are the units of each group that are left, `alive` the branches.
    """

    def __init__(self, structure: Structure, policy: Policy, generators: Sequence[torch.Generator], moves: int) -> None:
        self.structure, self.policy, self.moves = structure, policy, moves
        units, branches = sum(structure.units), len(structure.branches)
        self.widths, self.alive = list(structure.units), [True] * branches
        shares = torch.tensor([1 - policy.beta] * units + [policy.beta] * branches)
        self.draws = Draws(generators, len(shares))
        self.fixed = (policy.nu * shares == 0).repeat(len(generators), 1)
        self.movable = self.fixed.logical_not()  # [R, G]
        self.theta = torch.where(self.fixed, 1.0, policy.start)
        self.square, self.still = torch.zeros_like(self.theta), torch.zeros_like(self.draws.number)
        self.weights = torch.tensor(
            [(1 - policy.alpha) / structure.full_parameters, policy.alpha / structure.full_macs], dtype=torch.float64
        )
        self.moving, self.settled, self.drawable = False, False, not bool(self.fixed.all())
        self.moved = 0
        self.chance = self.theta
        self._arrange()

    def _arrange(self) -> None:
        """Take in which gates are left."""
        ends = torch.tensor([0, *self.widths]).cumsum(0).tolist()
        self.slices = [slice(first, end) for first, end in itertools.pairwise(ends)]
        alive = [i for i, stays in enumerate(self.alive) if stays]
        self.slots = {branch: ends[-1] + position for position, branch in enumerate(alive)}  # branch -> its gate
        groups, count = torch.repeat_interleave(torch.tensor(self.widths, dtype=torch.int64)), len(self.widths)
        self.factor = torch.cat([groups, torch.tensor(alive, dtype=torch.int64) + count])  # int64 [S], below C
        self.price = self.policy.nu * torch.where(self.factor < count, 1 - self.policy.beta, self.policy.beta)

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

    def values(self, theta: Tensor) -> Tensor:
        """The factors of the structure's cost [R, C], float64, for chances [R, S]."""
        values = theta.new_zeros(len(theta), len(self.widths) + len(self.alive), dtype=torch.float64)
        return values.index_add_(1, self.factor, theta.double())

    def expected(self) -> tuple[Tensor, Tensor]:
        """The expected parameters and MACs, float64 [R] each."""
        return self.structure.cost.expected(self.values(self.theta))

    def worth(self, slopes: Tensor, drawn: Tensor) -> Tensor:
        """By how much the loss changes if a gate goes from off to on, estimated from its slopes [R, S] by the gates as
        they were `drawn`.

        "balanced" is the mean of the slopes at both ends: so each slope counts by the inverse of twice the chance of
        its end. "first_order" is the slope itself, biased near 1, because hardly any draw sees the other end.
        """
        if self.policy.estimator == "first_order":
            return slopes
        return slopes * 0.5 / torch.where(drawn > 0, self.chance, 1 - self.chance).clamp_min(1e-6)

    def move(self, slopes: Tensor, drawn: Tensor) -> None:
        """Step against what gates are worth, by the slopes [R, S] of the loss by them, and the price of complexity."""
        slopes = self.worth(slopes, drawn)
        self.moved += 1
        self.square.lerp_(slopes.square(), 1 - FORGET)
        of_complexity = self.structure.cost.slopes(self.values(self.theta), self.weights)[:, self.factor].float()
        ramp = min(1.0, self.moved / max(1.0, RAMP * self.moves))
        usual = (self.square / (1 - FORGET**self.moved)).sqrt_().add_(1e-12)
        change = of_complexity.mul_(ramp * self.price).add_(slopes).div_(usual).clamp_(-CLIP, CLIP)
        rate = min(FASTEST, self.policy.travel / self.moves)
        moved = (self.theta - rate * change).clamp_(0, 1).nan_to_num_(0.0)  # NaN: the network diverged, all go off
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
            units = self.slices[group]
            empty = off[:, units].all(1)
            if around is None:
                # Not of all units: in a stack it depends on the other networks which of those before are cut away.
                strongest = strength[group].nan_to_num(0.0).masked_fill(gone[:, units], -1).argmax(1) + units.start
                self.theta[empty, strongest[empty]] = 1
            elif around in self.slots:
                self._turn_off(empty, self.slots[around])
        for group, around in enumerate(self.structure.around):
            if around is not None and around in self.slots:
                self._turn_off(self.gone[:, self.slots[around]], self.slices[group])
        self.drawable = not bool(self.fixed.all())

    def _turn_off(self, networks: Tensor, gates: slice | int) -> None:
        """Fix some gates of some networks (bool [R]) at 0."""
        self.theta[networks, gates] = 0
        self.fixed[networks, gates] = True

    def left(self) -> tuple[list[int], list[bool]]:
        """How many units of each group, and which branches, are not off for good in every network."""
        gone = self.gone
        widths = [int((~gone[:, units]).sum(1).max()) if units.stop > units.start else 0 for units in self.slices]
        alive = [i in self.slots and not bool(gone[:, self.slots[i]].all()) for i in range(len(self.alive))]
        return widths, alive

    def drop(self, widths: list[int], alive: list[bool]) -> list[Tensor]:
        """Forget gates that are off for good, until `widths` and `alive` are left.

        Returns:
            Of each group the units [R, width] that stay, in their order, counted among those that there were.
        """
        gone = self.gone
        units = [
            gone[:, of_group].int().argsort(dim=1, stable=True)[:, :width].sort(1).values
            for of_group, width in zip(self.slices, widths, strict=True)
        ]
        branches = [self.slots[i] for i, stays in enumerate(alive) if stays]
        kept = [of_group.start + index for of_group, index in zip(self.slices, units, strict=True)]
        index = torch.cat([*kept, torch.tensor(branches, dtype=torch.int64).expand(len(gone), -1)], 1)
        self.draws.keep(index)
        for name in ("theta", "fixed", "still", "square"):
            setattr(self, name, getattr(self, name).gather(1, index))
        self.widths, self.alive = widths, alive
        self._arrange()
        return units
