"""Phases of one-shot magnitude pruning: plateau, degradation, collapse (docs/methods.md 1.3; limits: our inference)."""

from dataclasses import dataclass

import numpy as np

from minarch.analysis.intervals import grid_interval, of_estimate, resample
from minarch.analysis.minimal import Bootstrap, Estimate

PLATEAU, DEGRADATION, COLLAPSE = "plateau", "degradation", "collapse"
PLATEAU_POINTS = 1.0  # the plateau lasts while accuracy is within this many points of the unpruned network
COLLAPSE_SHARE = 0.1  # collapsed: at most this share of the accuracy above chance is left
REDUNDANCY = of_estimate("redundancy")


@dataclass(frozen=True, kw_only=True)
class Phases:
    """Phases of one curve, and the two levels that part them."""

    labels: list[str]  # one per level
    redundancy: Estimate  # share of the weights that can go: the last measured level of the plateau
    collapse: float  # first collapsed level, NaN if none


def plateau_end(levels: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Last level [...] of the unbroken plateau that starts at levels[0], of curves `accuracy` [..., L]."""
    inside = accuracy >= accuracy[..., :1] - PLATEAU_POINTS / 100 - 1e-12  # a drop of exactly one point is inside
    unbroken = np.logical_and.accumulate(inside, axis=-1)
    return levels[unbroken.sum(axis=-1) - 1]


def find_phases(levels: np.ndarray, accuracy: np.ndarray, chance: float, bootstrap: Bootstrap) -> Phases:
    """Phases of the mean over repeats of `accuracy` [R, L] at ascending pruned shares `levels` [L], the first one 0.

    Redundancy is a measured level, never interpolated: a lower bound. Its interval resamples whole repeats.
    """
    if levels[0] != 0:
        raise ValueError(f"the first level is the unpruned network, 0; got {levels[0]}")
    accuracy = accuracy[np.lexsort(accuracy.T)]  # results must not depend on how repeats are numbered
    mean = accuracy.mean(axis=0)
    end = float(plateau_end(levels, mean))
    collapsed = np.logical_or.accumulate(mean <= chance + COLLAPSE_SHARE * (mean[0] - chance))
    labels = [
        PLATEAU if level <= end else COLLAPSE if gone else DEGRADATION
        for level, gone in zip(levels, collapsed, strict=True)
    ]
    generator = np.random.default_rng(bootstrap.seed)
    ends = plateau_end(levels, resample(accuracy, bootstrap.resamples, generator).mean(axis=1))
    low, high = grid_interval(ends, bootstrap.confidence)
    return Phases(
        labels=labels,
        redundancy=Estimate(value=end, low=low, high=high),
        collapse=float(levels[labels.index(COLLAPSE)]) if COLLAPSE in labels else float("nan"),
    )
