"""How the chances of gates move: against what a gate is worth to the loss, and its price (docs/methods.md 4.2).

Shapes: R networks side by side, S gates that are left of them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from minarch.complexity import Estimator

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


class Motion:
    """The changes of the chances [R, S], move by move, of `moves` in all.

    `square` [R, S] is the running mean square of what gates are worth: by it changes are measured.
    """

    def __init__(self, policy: Policy, chances: Tensor, moves: int) -> None:
        self.policy, self.moves, self.moved = policy, moves, 0
        self.square = torch.zeros_like(chances)

    def worth(self, slopes: Tensor, drawn: Tensor, chance: Tensor) -> Tensor:
        """By how much the loss changes if a gate goes from off to on, estimated from its slopes [R, S] by the gates as
        they were `drawn`, each on with its `chance`.

        "balanced" is the mean of the slopes at both ends: so each slope counts by the inverse of twice the chance of
        its end. "first_order" is the slope itself, biased near 1, because hardly any draw sees the other end.
        """
        if self.policy.estimator == "first_order":
            return slopes
        return slopes * 0.5 / torch.where(drawn > 0, chance, 1 - chance).clamp_min(1e-6)

    def step(self, worth: Tensor, complexity: Tensor, price: Tensor) -> Tensor:
        """What is taken off the chances [R, S] in a move, for what gates are worth, the slopes of the complexity by
        them, and its full price [S].
        """
        self.moved += 1
        self.square.lerp_(worth.square(), 1 - FORGET)
        ramp = min(1.0, self.moved / max(1.0, RAMP * self.moves))
        usual = (self.square / (1 - FORGET**self.moved)).sqrt_().add_(1e-12)
        change = (complexity * (ramp * price)).add_(worth).div_(usual).clamp_(-CLIP, CLIP)
        return min(FASTEST, self.policy.travel / self.moves) * change

    def keep(self, index: Tensor) -> None:
        """Forget all gates but those at `index` [R, S'], counted among those that are left."""
        self.square = self.square.gather(1, index)
