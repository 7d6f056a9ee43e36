"""Cost of coarser trainable parameters: drops of accuracy in points against the same network at fp32, simulated.

All rules here are our inference. A table of curves has one row per repeat, precision and scheme: VARIANT, repeat,
precision, scheme, bits (per value), bytes (of all values and scales), validation and test (accuracies, fractions).
Casts (fp32, fp16, bf16) have scheme "tensor"; a repeat without a row for fp32 is left out.
"""

from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.intervals import grid_interval, of_estimate, of_mean, resample, with_intervals
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.records import MODEL
from minarch.contract import ORIGINAL
from minarch.quantization import FLOAT32

MORE, LESS, OPEN = "more fragile", "less fragile", "open"
HURT_MORE, HURT_LESS = "hurt more", "hurt less"
VARIANT = [*MODEL, "method", "level"]  # one exported model: as it was trained, or a pruned form of it
POINT = ["precision", "scheme"]
SPLITS = ["validation", "test"]
DROPS = [f"{split}_drop_points" for split in SPLITS]
TEST_DROP = of_mean(DROPS[1])
DIFFERENCES = [f"{split}_difference_points" for split in SPLITS]
TEST_DIFFERENCE = of_mean(DIFFERENCES[1])
FEWEST = of_estimate("fewest_bits")
ROUNDING = 1e-6  # points: less than this is no drop and no difference
TERMS = ["log10_parameters", "difficulty_points"]
BOOTSTRAP = Bootstrap(resamples=2000, confidence=0.95, seed=0)  # of the regression
FEWEST_MODELS = 3


def drops(curves: pd.DataFrame) -> pd.DataFrame:
    """The table of curves with DROPS beside it: accuracy of the same repeat at fp32 less its own, in points."""
    finest = curves.loc[curves["precision"] == FLOAT32, [*VARIANT, "repeat", *SPLITS]]
    table = curves.merge(finest, on=[*VARIANT, "repeat"], suffixes=("", "_finest"))
    for split, drop in zip(SPLITS, DROPS, strict=True):
        table[drop] = 100 * (table[f"{split}_finest"] - table[split])
    return table.drop(columns=[f"{split}_finest" for split in SPLITS])


def integers(curves: pd.DataFrame) -> pd.DataFrame:
    """The rows of integer precisions."""
    return curves[curves["precision"].str.startswith("int")]


def finest_first(table: pd.DataFrame, before: list[str]) -> pd.DataFrame:
    """The rows in the order of the columns `before`, then of bits falling."""
    order = [*before, "bits", *POINT]
    return table.sort_values(order, ascending=[name != "bits" for name in order], ignore_index=True)


def drop_table(curves: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row per variant, precision and scheme: mean bytes, n repeats, and the mean drops with Student-t intervals.

    The drops are paired: each repeat is compared with itself at fp32, whose own drop is 0.
    """
    curves = drops(curves)
    by = [*VARIANT, *POINT, "bits"]
    sizes = curves.groupby(by)["bytes"].mean().reset_index()
    table = sizes.merge(with_intervals(curves, by, DROPS, confidence, bounds=(-100.0, 100.0)), on=by)
    return finest_first(table, VARIANT)


def fewest(bits: np.ndarray, drop: np.ndarray, points: float) -> np.ndarray:
    """Fewest of `bits` [P], falling, from which no finer one drops [..., P] more than `points`; infinity if none."""
    unbroken = np.logical_and.accumulate(drop <= points + ROUNDING, axis=-1)
    return np.where(unbroken, bits.astype(float), np.inf).min(axis=-1)


def fewest_bits(curves: pd.DataFrame, points: float, bootstrap: Bootstrap) -> pd.DataFrame:
    """One row per variant and scheme: the fewest bits whose mean VALIDATION drop is within `points`.

    Every finer measured integer precision must be within, too. NaN: even the finest is not. The interval resamples
    whole repeats; an end of it that is NaN is "none", too, or there are fewer than two repeats.
    """
    rows = []
    for key, curve in integers(drops(curves)).groupby([*VARIANT, "scheme"]):
        table = curve.pivot(index="repeat", columns="bits", values=DROPS[0])
        table = table.sort_index(axis=1, ascending=False).dropna()
        if table.empty:
            continue
        bits, drop = table.columns.to_numpy(), table.to_numpy()
        drop = drop[np.lexsort(drop.T)]  # results must not depend on how repeats are numbered
        samples = resample(drop, bootstrap.resamples, np.random.default_rng(bootstrap.seed)).mean(axis=1)
        ends = grid_interval(fewest(bits, samples, points), bootstrap.confidence) if len(drop) > 1 else (np.nan, np.nan)
        counts = np.array([fewest(bits, drop.mean(axis=0), points), *ends])
        row = dict(zip([*VARIANT, "scheme"], key, strict=True)) | {"n": len(drop)}
        rows.append(row | dict(zip(FEWEST, np.where(np.isinf(counts), np.nan, counts), strict=True)))
    return pd.DataFrame(rows, columns=[*VARIANT, "scheme", "n", *FEWEST])


def fragile(curves: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Fragility of what was pruned: one row per pruned variant and precision coarser than fp32.

    The differences, drop of the pruned network less that of the original, are paired by repeat (the network that was
    pruned) with Student-t intervals; n counts pairs. The verdict is that of the test images, which nothing selected by.
    """
    curves = drops(curves)
    curves = curves[curves["precision"] != FLOAT32]
    whole = curves["method"] == ORIGINAL
    at = [*MODEL, "repeat", *POINT]
    pairs = curves[~whole].merge(curves.loc[whole, [*at, *DROPS]], on=at, suffixes=("", "_original"))
    for drop, difference in zip(DROPS, DIFFERENCES, strict=True):
        pairs[difference] = pairs[drop] - pairs[f"{drop}_original"]
    table = with_intervals(pairs, [*VARIANT, *POINT, "bits"], DIFFERENCES, confidence, bounds=(-200.0, 200.0))
    table["verdict"] = verdicts(table[TEST_DIFFERENCE.low], table[TEST_DIFFERENCE.high], MORE, LESS)
    return finest_first(table, VARIANT)


def verdicts(low: pd.Series, high: pd.Series, above: str, below: str) -> np.ndarray:
    """The side of 0 on which each interval lies, in words; OPEN: neither, or there is no interval."""
    return np.select([low > ROUNDING, high < -ROUNDING], [above, below], OPEN)


def regression(curves: pd.DataFrame, parameters: pd.DataFrame) -> pd.DataFrame:
    """Regression of what quantization costs on size and difficulty: two rows (TERMS) per integer precision and scheme.

    Least squares over the original models: mean test drop = a + b log10(parameters) + c difficulty. The difficulty of a
    data set is 100 less the best mean fp32 validation accuracy of its models, in points (not test: the same noise would
    be on both sides). `coefficient` is b, points per tenfold parameters, or c, points per point of difficulty.
    Where all are equally hard (one data set) difficulty is left out (NaN). NaN, too: with fewer than 3 models, or where
    they do not tell size and difficulty apart; no interval where the fit goes through all of them. The interval
    resamples whole models: it says nothing of other data sets. The verdict is on the smaller models, the harder sets.

    Args:
        curves: of any variants; those that are not "original" are left out.
        parameters: MODEL and parameters, of every model; rows may repeat.
    """
    curves = drops(curves[curves["method"] == ORIGINAL])
    reached = curves[curves["precision"] == FLOAT32].groupby(MODEL)["validation"].mean()
    difficulty = 100 * (1 - reached.groupby("dataset").max().rename(TERMS[1]))
    models = curves.groupby([*MODEL, *POINT, "bits"])[DROPS[1]].mean().reset_index().dropna()
    models = models.merge(parameters[[*MODEL, "parameters"]].drop_duplicates(MODEL), on=MODEL)
    models = models.merge(difficulty.reset_index(), on="dataset")
    models[TERMS[0]] = np.log10(models["parameters"].astype(float))
    rows: list[dict[str, Any]] = []
    for (precision, scheme, bits), group in integers(models).groupby([*POINT, "bits"]):
        group = group.sort_values([*TERMS, DROPS[1]])  # names must not decide the draws
        terms = TERMS if group[TERMS[1]].nunique() > 1 else TERMS[:1]
        fitted = dict(zip(terms, coefficients(group[terms].to_numpy(), group[DROPS[1]].to_numpy()), strict=True))
        point = {"precision": precision, "scheme": scheme, "bits": bits}
        counts = {"models": len(group), "datasets": group["dataset"].nunique()}
        for term in TERMS:
            values = dict(zip(("coefficient", "low", "high"), fitted.get(term, (np.nan,) * 3), strict=True))
            rows.append(point | {"term": term} | values | counts)
    columns = [*POINT, "bits", "term", "coefficient", "low", "high", "models", "datasets"]
    table = pd.DataFrame(rows, columns=columns)
    sign = np.where(table["term"] == TERMS[0], -1, 1)  # smaller models hurt more: a falling line
    ends = np.sort(table[["low", "high"]].to_numpy(float) * sign[:, None], axis=1)
    table["verdict"] = verdicts(pd.Series(ends[:, 0]), pd.Series(ends[:, 1]), HURT_MORE, HURT_LESS)
    return table.sort_values(["term", "bits", "scheme"], ascending=[False, False, True], ignore_index=True)


def coefficients(terms: np.ndarray, drop: np.ndarray) -> np.ndarray:
    """Coefficient, low and high [T, 3] of `terms` [M, T] in the least-squares fit (with a constant) of `drop` [M]."""
    models, count = terms.shape
    fitted = np.full((count, 3), np.nan)
    if models < FEWEST_MODELS or (np.ptp(terms, axis=0) == 0).any():
        return fitted
    spread = terms.std(axis=0)
    design = np.column_stack([np.ones(models), (terms - terms.mean(axis=0)) / spread])
    fitted[:, 0] = slopes(design[None], drop[None])[0] / spread
    if models > count + 1 and np.isfinite(fitted[:, 0]).all():
        generator = np.random.default_rng(BOOTSTRAP.seed)
        drawn = resample(np.column_stack([design, drop]), BOOTSTRAP.resamples, generator)
        samples = slopes(drawn[..., :-1], drawn[..., -1])
        samples = samples[np.isfinite(samples).all(axis=1)] / spread  # the others hold too few different models
        fitted[:, 1:] = [grid_interval(column, BOOTSTRAP.confidence) for column in samples.T]
    return fitted


def slopes(design: np.ndarray, drop: np.ndarray) -> np.ndarray:
    """Least-squares slopes [B, T] of B fits of `drop` [B, M] by `design` [B, M, 1 + T]; NaN: its rank is not full."""
    solved = np.full((len(design), design.shape[-1] - 1), np.nan)
    full = np.linalg.matrix_rank(design) == design.shape[-1]
    solved[full] = (np.linalg.pinv(design[full]) @ drop[full, :, None])[:, 1:, 0]
    return solved
