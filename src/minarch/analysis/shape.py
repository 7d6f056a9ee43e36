"""Shape or size: the share of the variance of accuracy over runs that each explains (our inference).

The sum of squares of the runs' final validation accuracies falls into three parts, exactly: the monotone fit on the
parameter count (minarch.analysis.trend), what the architectures' means add to it (shape, depth), and the rest, between
repeats. What repeats alone would put into the first two is taken from them, as in a one-way analysis of variance, with
as many degrees of freedom as the fit has level pieces (Meyer & Woodroofe, Annals of Statistics 28, 2000).

A family whose only knob is its size has no shape: what lies between its architectures is then their sizes', and the
share of shape is NaN.

The share of shape is a lower bound. Few architectures have exactly equal counts, and where a better shape also has
more parameters the fit takes its advantage for theirs. A smooth curve would take less, but would count as shape
whatever it misses of the step from chance to learning, which is steep.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.intervals import grid_interval, resample
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.sizes import Size
from minarch.analysis.trend import isotonic

COLUMNS = ["scope", "source", "share", "low", "high", "architectures", "runs"]
SOURCES = ("parameters", "shape", "repeats")
NOTHING = 1e-18  # a sum of squares below this is rounding: accuracies are counts of images


def has_shape(parameters: Sequence[int], knobs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether architectures, given by their counts and knobs, differ in more than their size.

    They do not where at most one knob varies, a number, and no two counts are equal.
    """
    values = {name: {repr(settings.get(name)) for settings in knobs} for settings in knobs for name in settings}
    varying = [name for name, several in values.items() if len(several) > 1]
    if len(set(parameters)) < len(parameters) or len(varying) > 1:
        return True
    return any(isinstance(settings.get(name), str) for name in varying for settings in knobs)


def fit(parameters: np.ndarray, runs: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The monotone fit [B, A] of `mean` on the parameter count, and the runs [B, A] of each one's level piece."""
    counts, group = np.unique(parameters, return_inverse=True)
    weights = np.bincount(group, runs)
    pooled = (mean * runs) @ np.eye(len(counts))[group] / weights  # [B, G]
    fits = [isotonic(values, weights) for values in pooled]
    fitted, piece = (np.stack(part)[:, group] for part in zip(*fits, strict=True))
    return fitted, piece


def shares(parameters: np.ndarray, runs: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Shares [B, 3] of SOURCES that sum to 1, of B samples of A architectures; negative where noise exceeds a part.

    Args:
        parameters: [A].
        runs: [A], of each architecture.
        mean: [B, A], of its runs.
        variance: [B, A], over its runs, unbiased.

    NaN where nothing varies.
    """
    fitted, piece = fit(parameters, runs, mean)
    centre = (mean @ runs)[:, None] / runs.sum()
    by_parameters = (runs * (fitted - centre) ** 2).sum(axis=1)
    by_shape = (runs * (mean - fitted) ** 2).sum(axis=1)
    total = by_parameters + by_shape + ((runs - 1) * variance).sum(axis=1)
    by_parameters -= (variance * (runs / piece - runs / runs.sum())).sum(axis=1)
    by_shape -= (variance * (1 - runs / piece)).sum(axis=1)
    total = np.where(total > NOTHING, total, np.nan)
    explained = np.stack([by_parameters, by_shape], axis=1) / total[:, None]
    return np.column_stack([explained, 1 - explained.sum(axis=1)])


def within_bounds(raw: np.ndarray) -> np.ndarray:
    """Shares [..., 3] of which none is negative: what goes beyond counts as of the repeats."""
    explained = raw[..., :2].clip(0, 1)
    return np.concatenate([explained, (1 - explained.sum(axis=-1, keepdims=True)).clip(0)], axis=-1)


def moments(accuracies: Sequence[np.ndarray], bootstrap: Bootstrap) -> tuple[np.ndarray, np.ndarray]:
    """Mean and unbiased variance [1 + resamples, A] over the repeats of each architecture: as measured, then with its
    repeats resampled.
    """
    generator = np.random.default_rng(bootstrap.seed)
    columns = []
    for values in accuracies:
        runs = np.concatenate([values[None], resample(values, bootstrap.resamples, generator)])
        columns.append((runs.mean(axis=1), runs.var(axis=1, ddof=1)))
    mean, variance = (np.stack(column, axis=1) for column in zip(*columns, strict=True))
    return mean, variance


def samples_of(sizes: Sequence[Size], bootstrap: Bootstrap) -> np.ndarray:
    """Shares [1 + resamples, 3]: as measured, then with the repeats of each architecture resampled."""
    sizes = sorted(sizes, key=lambda size: (size.parameters, tuple(size.validation)))  # names must not decide the draws
    counts, repeats = np.array([(size.parameters, len(size.validation)) for size in sizes]).T
    return shares(counts, repeats.astype(float), *moments([size.validation for size in sizes], bootstrap))


def shape_rows(sizes: Sequence[Size], bootstrap: Bootstrap, shaped: bool = True) -> list[dict[str, Any]]:
    """The share of each source, with its interval, over sizes of any depth of one data set and family; `shaped`: they
    differ in more than their size.

    Architectures with a single repeat, whose noise is unknown, are left out. No row for fewer than three, or where
    nothing varies.
    """
    sizes = [size for size in sizes if len(size.validation) > 1]
    if len(sizes) < 3:
        return []
    samples = samples_of(sizes, bootstrap)
    if not shaped:  # all that lies between architectures is their sizes'
        samples = np.column_stack([samples[:, :2].sum(axis=1), np.zeros(len(samples)), samples[:, 2]])
    if np.isnan(samples[0]).any():
        return []
    # The means of resamples carry the noise of repeats twice, which would let shape matter where it does not: the
    # samples are centred on what was measured.
    resampled = samples[1:][~np.isnan(samples[1:, 0])]
    centred = within_bounds(resampled - resampled.mean(axis=0) + samples[0])
    counts = {"architectures": len(sizes), "runs": sum(len(size.validation) for size in sizes)}
    rows = []
    for source, share, column in zip(SOURCES, within_bounds(samples[0]), centred.T, strict=True):
        low, high = grid_interval(column, bootstrap.confidence)
        if source == "shape" and not shaped:
            share = low = high = np.nan
        rows.append({"source": source, "share": share, "low": low, "high": high} | counts)
    return rows


def shape_table(
    scopes: dict[str, Sequence[Size]], knobs: Mapping[str, Mapping[str, Any]], bootstrap: Bootstrap
) -> pd.DataFrame:
    """Rows of shape.csv: `scopes` are the sizes to compare, by the name of the choice; `knobs` those of an architecture
    by its name.
    """
    rows = []
    for scope, sizes in scopes.items():
        shaped = has_shape([size.parameters for size in sizes], [knobs[size.architecture] for size in sizes])
        rows += [{"scope": scope} | row for row in shape_rows(sizes, bootstrap, shaped)]
    return pd.DataFrame(rows, columns=COLUMNS)
