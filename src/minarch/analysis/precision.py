"""Cost of coarser trainable parameters: drops of accuracy in points against the same network at fp32, simulated.

All rules here are our inference. A table of curves has one row per repeat, precision and scheme: VARIANT, repeat,
precision, scheme, bits (per value), bytes (of all values and scales), validation and test (accuracies, fractions).
Casts (fp32, fp16, bf16) have scheme "tensor"; a repeat without a row for fp32 is left out.
"""

import numpy as np
import pandas as pd

from minarch.analysis.intervals import grid_interval, of_estimate, of_mean, resample, with_intervals
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.multiplicity import P_VALUE, VERDICT, of_column, with_adjusted
from minarch.analysis.records import MODEL
from minarch.contract import ORIGINAL
from minarch.quantization import FLOAT32

MORE, LESS, OPEN = "more fragile", "less fragile", "open"
VARIANT = [*MODEL, "method", "level"]  # one exported model: as it was trained, or a pruned form of it
POINT = ["precision", "scheme"]
SPLITS = ["validation", "test"]
DROPS = [f"{split}_drop_points" for split in SPLITS]
TEST_DROP = of_mean(DROPS[1])
DIFFERENCES = [f"{split}_difference_points" for split in SPLITS]
TEST_DIFFERENCE = of_mean(DIFFERENCES[1])
FEWEST = of_estimate("fewest_bits")
ROUNDING = 1e-6  # points: less than this is no drop and no difference


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
    pruned) with Student-t intervals; n counts pairs. The verdicts, single and adjusted over the table, are those of
    the test images, which nothing selected by.
    """
    curves = drops(curves)
    curves = curves[curves["precision"] != FLOAT32]
    whole = curves["method"] == ORIGINAL
    at = [*MODEL, "repeat", *POINT]
    pairs = curves[~whole].merge(curves.loc[whole, [*at, *DROPS]], on=at, suffixes=("", "_original"))
    for drop, difference in zip(DROPS, DIFFERENCES, strict=True):
        pairs[difference] = pairs[drop] - pairs[f"{drop}_original"]
    table = with_intervals(pairs, [*VARIANT, *POINT, "bits"], DIFFERENCES, confidence, bounds=(-200.0, 200.0))
    low, high = table[TEST_DIFFERENCE.low], table[TEST_DIFFERENCE.high]
    table[VERDICT] = np.select([low > ROUNDING, high < -ROUNDING], [MORE, LESS], OPEN)
    table[P_VALUE] = of_column(table, TEST_DIFFERENCE, confidence)
    return finest_first(with_adjusted(table, confidence, OPEN), VARIANT)
