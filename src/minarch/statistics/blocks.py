"""Distances between networks gathered into good-good, good-poor and poor-poor blocks, with intervals and a test.

What is resampled are networks, never pairs: the pairs of one network depend on each other. Shapes: n networks,
B resamples. A stratum is a (data set, family); its networks are only exchanged with one another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from minarch.analysis.intervals import grid_interval

EDGE = 1e-9  # of the mean distance; labels permuted into themselves must count as equal, whatever the order of a sum
NONE = (float("nan"), float("nan"))


@dataclass(frozen=True, eq=False)
class Resampled:
    """Labels of networks, good or poor, and resamples of them: float, where sums over pairs are matrix products."""

    good: np.ndarray  # [n] bool
    permuted: np.ndarray  # [B, n] `good` permuted within each stratum, float
    drawn: np.ndarray  # [B, n] how often a network is in a bootstrap sample of its stratum's good or poor ones, float


@dataclass(frozen=True, kw_only=True)
class Block:
    """Mean over the pairs of a block and the networks in them; no bounds (NaN) if there are too few to resample.

    p_value: how often permuted labels reach the mean(poor-poor) - mean(good-good) that was found, itself counted; the
    same for the three blocks, NaN if one of the two has no pair. Where good-poor is the largest block it finds little:
    mixed groups are wider than either.
    """

    distance: str
    block: str
    networks_good: int
    networks_poor: int
    pairs: int
    mean: float
    low: float
    high: float
    p_value: float


def resample_networks(good: np.ndarray, strata: np.ndarray, resamples: int, seed: int) -> Resampled:
    """Labels permuted and networks drawn; `good` bool [n], `strata` [n] any labels, of which only equality counts."""
    generator = np.random.default_rng(seed)
    keys, picks = generator.random((2, resamples, len(good)))
    permuted, drawn = np.empty_like(keys), np.zeros_like(keys)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        permuted[:, members] = good[members][keys[:, members].argsort(axis=1)]
        for label in (True, False):
            cell = members[good[members] == label]
            chosen = cell[(picks[:, cell] * len(cell)).astype(int)]
            np.add.at(drawn, (np.arange(resamples)[:, None], chosen), 1)
    return Resampled(good, permuted, drawn)


def blocks(
    distances: Mapping[str, np.ndarray], pairs: np.ndarray, resampled: Resampled, confidence: float
) -> Iterator[Block]:
    """The blocks that have a pair, of each of `distances` [n, n], over the `pairs` [n, n] (symmetric) that count."""
    counted = (pairs & ~np.eye(len(pairs), dtype=bool)).astype(float)
    p_values = {name: _p_value(distance * counted, counted, resampled) for name, distance in distances.items()}
    good, poor = np.flatnonzero(resampled.good), np.flatnonzero(~resampled.good)
    for block, first, second in (("good-good", good, good), ("good-poor", good, poor), ("poor-poor", poor, poor)):
        part = np.ix_(first, second)
        number = counted[part].sum()
        if not number:
            continue
        drawn = resampled.drawn[:, first], resampled.drawn[:, second]
        counts = _sums(drawn[0], counted[part], drawn[1])
        valid = counts > 0  # a sample of one network, drawn several times, has no pair
        for name, distance in distances.items():
            weighted = distance[part] * counted[part]
            samples = _sums(drawn[0], weighted, drawn[1])[valid] / counts[valid]
            varied = len(samples) > 0 and np.ptp(samples) > EDGE * samples.max()
            low, high = grid_interval(samples, confidence) if varied else NONE
            yield Block(
                distance=name,
                block=block,
                networks_good=int(counted[part].any(axis=1).sum()) if first is good else 0,
                networks_poor=int(counted[part].any(axis=0).sum()) if second is poor else 0,
                pairs=int(number) // (2 if first is second else 1),
                mean=float(weighted.sum() / number),
                low=low,
                high=high,
                p_value=p_values[name],
            )


def _sums(first: np.ndarray, matrix: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Over all pairs of one of `first` [B, n] and one of `second` [B, m], of `matrix` [n, m] -> [B]."""
    return np.einsum("bm,bm->b", first @ matrix, second)


def _p_value(weighted: np.ndarray, counted: np.ndarray, resampled: Resampled) -> float:
    """One-sided p-value; labels are permuted within strata, so every permutation has as many pairs of each kind."""
    good = resampled.good.astype(float)
    number_good, number_poor = good @ counted @ good, (1 - good) @ counted @ (1 - good)
    if not (number_good and number_poor):
        return float("nan")
    labels = np.concatenate([good[None], resampled.permuted])
    rows = labels @ weighted
    between_good = np.einsum("bn,bn->b", rows, labels)
    between_poor = weighted.sum() - 2 * rows.sum(axis=1) + between_good
    spread = between_poor / number_poor - between_good / number_good
    reached = spread[1:] >= spread[0] - EDGE * weighted.sum() / counted.sum()
    return float((1 + reached.sum()) / len(spread))
