"""Slopes of many outcomes at once: within cells of models, and between data sets. (Our inference, docs/methods.md 1.4.)

Shapes: M models, D data sets, Y outcomes, P orders of the data sets. Every outcome is of the same models.
"""

from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
from scipy import stats

FEWEST_DATASETS = 5  # of fewer no permutation's two-sided p is below 0.05, and a t interval has hardly any power
FEWEST_FREEDOM = 2  # degrees of an interval over models
EXACT = 7  # data sets of which all orders are gone through
DRAWN = 10_000  # orders of more data sets
EXACT_FIT = 1e-9  # spread, relative to the slope, below which an outcome lies on a line; of 1 - leverage, too


@dataclass(frozen=True, kw_only=True, eq=False)
class Slopes:
    """Slopes [Y], their intervals and two-sided p-values of 0; NaN: there are none. `over` are what was drawn: the
    interval speaks of others like these. `counted` says how many models and data sets there were.
    """

    coefficient: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    over: str
    models: int
    datasets: int


def within(x: np.ndarray, cells: np.ndarray, datasets: np.ndarray, outcomes: np.ndarray, confidence: float) -> Slopes:
    """Slope of `outcomes` [M, Y] on `x` [M] among models of one cell, each cell having a level of its own.

    With FEWEST_DATASETS or more every data set has a slope and the coefficient is their mean, with Student's t over
    data sets (Ibragimov and Mueller, J. Bus. Econ. Stat. 28, 2010). With fewer it is the least-squares slope, with
    Student's t over models by standard errors that let small models vary more than large ones (HC3; MacKinnon and
    White, J. Econometrics 29, 1985).

    Args:
        cells: [M], integers: models that only a difference in `x` tells apart, such as a family's on a data set.
        datasets: [M], integers.
    """
    many = np.bincount(cells)[cells] > 1  # the others say nothing of slopes
    x, cells, datasets, outcomes = x[many], cells[many], datasets[many], outcomes[many]
    _, cells = np.unique(cells, return_inverse=True)
    names, datasets = np.unique(datasets, return_inverse=True)
    member = np.eye(cells.max(initial=-1) + 1)[cells]  # [M, cells]
    count = member.sum(axis=0)
    centred = x - member @ (member.T @ x / count)
    outcomes = outcomes - member @ (member.T @ outcomes / count[:, None])
    spread = np.bincount(datasets, centred**2, minlength=len(names))
    telling = spread > EXACT_FIT
    kept = telling[datasets]
    counts = {"models": int(kept.sum()), "datasets": int(telling.sum())}
    if telling.sum() >= FEWEST_DATASETS:
        products = np.stack([(centred * (datasets == name)) @ outcomes for name in np.flatnonzero(telling)])
        slopes = products / spread[telling, None]
        errors = slopes.std(axis=0, ddof=1) / np.sqrt(len(slopes))
        return _judged(slopes.mean(axis=0), errors, len(slopes) - 1, confidence, over="data sets", **counts)
    total, freedom = spread.sum(), len(x) - len(count) - 1
    slopes = centred @ outcomes / total if total > EXACT_FIT else np.full(outcomes.shape[1], np.nan)
    unexplained = 1 - member @ (1 / count) - centred**2 / max(total, EXACT_FIT)
    if freedom < FEWEST_FREEDOM or not telling.any() or unexplained.min() < EXACT_FIT:
        none = np.full_like(slopes, np.nan)
        return Slopes(coefficient=slopes, low=none, high=none, p=none, over="models", **counts)
    residuals = (outcomes - centred[:, None] * slopes) / unexplained[:, None]
    errors = np.sqrt(((centred[:, None] * residuals) ** 2).sum(axis=0)) / total
    return _judged(slopes, errors, freedom, confidence, over="models", **counts)


def _judged(
    slopes: np.ndarray, errors: np.ndarray, freedom: int, confidence: float, *, over: str, models: int, datasets: int
) -> Slopes:
    """Student's t; an exact line is sure of its slope, and one without a slope is no sign of any."""
    flat = np.abs(slopes) < EXACT_FIT
    errors = np.where(errors < EXACT_FIT * np.maximum(np.abs(slopes), 1), 0.0, errors)
    ratio = np.divide(slopes, errors, out=np.where(flat, 0.0, np.inf), where=errors > 0)
    half = stats.t.ppf((1 + confidence) / 2, freedom) * errors
    p = 2 * stats.t.sf(np.abs(ratio), freedom)
    counts = {"models": models, "datasets": datasets}
    return Slopes(coefficient=slopes, low=slopes - half, high=slopes + half, p=p, over=over, **counts)


def at_equal_size(x: np.ndarray, families: np.ndarray, datasets: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
    """Mean outcome [D, Y] of every data set at equal `x` [M] and of equal families, by least squares; NaN where the
    models do not tell these apart.
    """
    of_family, of_dataset = (np.eye(names.max() + 1)[names] for names in (families, datasets))
    design = np.column_stack([of_dataset, of_family[:, 1:], x - x.mean()])
    fitted, _, rank, _ = np.linalg.lstsq(design, outcomes, rcond=None)
    levels = fitted[: of_dataset.shape[1]]
    return levels if rank == design.shape[1] else np.full_like(levels, np.nan)


def between(x: np.ndarray, outcomes: np.ndarray, confidence: float, models: int) -> Slopes:
    """Least-squares slope of `outcomes` [D, Y] of data sets on `x` [D], by permutation: p is the share of orders of the
    data sets that give a slope as large, and the interval holds the slopes that this test does not reject.

    Both are exact: neither takes residuals to be normal. There is no interval where the orders are too few to reject.
    """
    centred = x - x.mean()
    spread = centred @ centred
    none = np.full(outcomes.shape[1], np.nan)
    counts = {"models": models, "datasets": len(x)}
    if spread < EXACT_FIT or np.isnan(outcomes).any():
        return Slopes(coefficient=none, low=none, high=none, p=none, over="data sets", **counts)
    moves = centred - centred[_orders(len(x))]  # [P, D]
    moved = moves @ x
    same = moved < EXACT_FIT * spread  # nothing but equally hard data sets changed places
    # The outcomes less b x have a slope as large in another order if that order's bound is at most b.
    bounds = np.sort((moves[~same] @ outcomes) / moved[~same, None], axis=0)  # [P, Y]
    rejected = int(np.floor((1 - confidence) / 2 * len(moves) - same.sum() + EXACT_FIT))  # bounds outside an interval
    low, high = (bounds[rejected], bounds[-1 - rejected]) if 0 <= rejected < len(bounds) else (none, none)
    sides = [(same.sum() + (side * bounds <= EXACT_FIT).sum(axis=0)) / len(moves) for side in (1, -1)]
    p = np.minimum(1, 2 * np.minimum(*sides))
    return Slopes(coefficient=centred @ outcomes / spread, low=low, high=high, p=p, over="data sets", **counts)


@cache
def _orders(count: int) -> np.ndarray:
    """Orders [P, D] of data sets: all, or of many data sets the given one and DRAWN others."""
    if count <= EXACT:
        return np.array(list(permutations(range(count))))
    generator = np.random.default_rng(0)
    return np.stack([np.arange(count), *(generator.permutation(count) for _ in range(DRAWN))])
