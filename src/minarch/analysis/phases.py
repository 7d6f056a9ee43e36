"""Phases of one-shot magnitude pruning: plateau, degradation, collapse (docs/methods.md 1.3; limits: our inference).

Beside them the share of weights that can surely go: by non-inferiority, on images that nothing is chosen by.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from minarch.analysis.intervals import EDGE, grid_interval, of_estimate, resample
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


def p_of_drops(accuracy: np.ndarray) -> np.ndarray:
    """One-sided p-values [L] of the mean drop from the first level being PLATEAU_POINTS or more, of `accuracy` [R, L].

    Student's t, paired by repeat. A level is tested only if every lower one passed, so each has the largest p-value up
    to it: the last level that passes is wrong at most at the nominal rate. NaN with fewer than two repeats.
    """
    repeats = len(accuracy)
    if repeats < 2:
        return np.full(accuracy.shape[1], np.nan)
    drop = accuracy[:, :1] - accuracy
    short, error = PLATEAU_POINTS / 100 - drop.mean(axis=0), drop.std(axis=0, ddof=1) / np.sqrt(repeats)
    varies = error > EDGE
    tested = stats.t.sf(short / np.where(varies, error, 1.0), repeats - 1)
    return np.maximum.accumulate(np.where(varies, tested, np.where(short > EDGE, 0.0, 1.0)))


def surely_redundant(levels: np.ndarray, p: np.ndarray, confidence: float) -> float:
    """The last of `levels` whose drop is surely below PLATEAU_POINTS, by `p_of_drops`; NaN where none was tested."""
    return float("nan") if np.isnan(p).all() else float(levels[(p <= 1 - confidence).sum() - 1])


def p_of_share(levels: np.ndarray, p: np.ndarray, share: float) -> float:
    """The p-value of `p_of_drops` at the first of `levels` that is at least `share`; NaN where there is none."""
    return float(next((value for level, value in zip(levels, p, strict=True) if level >= share), np.nan))
