"""How far shape moves accuracy at equal size, in points, below P_min, up to 4 P_min and above (our inference).

Architectures scatter around the monotone fit on the parameter count; what repeats alone would scatter is taken from
that, as in minarch.analysis.shape, so that the spread is the standard deviation of the architectures' own accuracies.
Like the share of shape it is a lower bound: where counts differ and the better shape is the larger, the fit follows it.
Its interval is that of the repeats: it holds for these architectures.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minarch.analysis.intervals import grid_interval, of_estimate
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.shape import fit, moments

BELOW, NEAR, ABOVE = RANGES = ("below P_min", "P_min to 4 P_min", "above 4 P_min")
SPREAD = of_estimate("spread_points")
NO_FREEDOM = 1e-9


def range_of(parameters: np.ndarray, p_min: float) -> np.ndarray:
    """The one of RANGES that each count is in; without a P_min, which is then beyond the grid, BELOW."""
    return np.select([parameters > 4 * p_min, parameters >= p_min], [ABOVE, NEAR], BELOW)


def spreads(
    parameters: np.ndarray, accuracies: Sequence[np.ndarray], p_min: float, bootstrap: Bootstrap
) -> list[dict[str, Any]]:
    """One row per range that has an architecture: SPREAD, and how many architectures and runs it is of.

    NaN where the fit goes through each architecture of the range: none has another of its size.

    Args:
        parameters: [A].
        accuracies: of the repeats of each architecture, two or more, fractions.
        p_min: of the family; NaN if it is beyond the grid.
    """
    order = sorted(range(len(parameters)), key=lambda i: (parameters[i], tuple(np.sort(accuracies[i]))))
    parameters, accuracies = parameters[order], [np.sort(accuracies[i]) for i in order]
    mean, variance = moments(accuracies, bootstrap)
    runs = np.array([len(values) for values in accuracies], dtype=float)
    fitted, piece = fit(parameters, runs, mean)
    apart = runs * (mean - fitted) ** 2 - variance * (1 - runs / piece)
    freedom = runs * (1 - runs / piece)
    ranges = range_of(parameters, p_min)
    rows = []
    for name in [name for name in RANGES if (ranges == name).any()]:
        inside = ranges == name
        degrees = freedom[:, inside].sum(axis=1)
        known = degrees > NO_FREEDOM
        row = {"range": name, "architectures": int(inside.sum()), "runs": int(runs[inside].sum())}
        row |= dict.fromkeys(SPREAD, np.nan)
        if known[0]:
            samples = apart[known][:, inside].sum(axis=1) / degrees[known]
            centred = samples[1:] - samples[1:].mean() + samples[0]  # resamples carry the noise of repeats twice
            ends = grid_interval(centred, bootstrap.confidence)
            row |= dict(zip(SPREAD, [points(part) for part in (samples[0], *ends)], strict=True))
        rows.append(row)
    return rows


def points(variance: float) -> float:
    """The standard deviation, in points, of a variance of fractions that noise can make negative."""
    return float(100 * np.sqrt(max(variance, 0.0)))
