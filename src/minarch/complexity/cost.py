"""What a network with gates is expected to cost, in closed form (docs/methods.md 4.2).

Gates are independent, so the expected number of parameters or multiply-accumulates (MACs) is a polynomial: a sum of
products of factors. A factor is the expected number of units of a group that are on, or the probability of a branch.

Shapes: R networks, F factors, T terms.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

MOST_FACTORS = 3  # of a term: the units that write a tensor, those that it reads, and the branch that it is in


class Term(NamedTuple):
    """What `factors` multiply: the parameters and MACs for one unit of each group."""

    parameters: float
    macs: float
    factors: tuple[int, ...]


class Cost:
    """The polynomials of a network of `factors` factors."""

    def __init__(self, terms: Iterable[Term], factors: int) -> None:
        parameters, macs = Counter[tuple[int, ...]](), Counter[tuple[int, ...]]()
        for term in terms:
            product = tuple(sorted(term.factors))
            parameters[product] += term.parameters  # type: ignore[assignment]
            macs[product] += term.macs  # type: ignore[assignment]
        self.factors = factors
        one = (factors,)  # the place of a factor that is 1
        padded = [product + one * (MOST_FACTORS - len(product)) for product in parameters]
        self.index = torch.tensor(padded)  # [T, MOST_FACTORS]
        self.coefficients = torch.tensor(
            [list(parameters.values()), list(macs.values())], dtype=torch.float64
        )  # [2, T]

    def expected(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Factors [R, F] -> expected parameters and MACs, float64 [R] each."""
        parameters, macs = self.coefficients @ self._factors(values).prod(2).T
        return parameters, macs

    def slopes(self, values: Tensor, weights: Tensor) -> Tensor:
        """The derivatives [R, F] of a weighted sum of parameters and MACs by the factors [R, F]; `weights` [2]."""
        first, second, third = self._factors(values).unbind(2)
        others = torch.stack([second * third, first * third, first * second], 2)
        by_term = others * (weights.double() @ self.coefficients)[:, None]
        slopes = values.new_zeros(len(values), self.factors + 1, dtype=torch.float64)
        return slopes.index_add_(1, self.index.flatten(), by_term.flatten(1))[:, :-1]

    def _factors(self, values: Tensor) -> Tensor:
        """The factors of every term [R, T, MOST_FACTORS], float64."""
        values = torch.nn.functional.pad(values.double(), (0, 1), value=1.0)
        return values[:, self.index]
