"""Stage convergence: the regime of every size, the minimal learnable parameters and how far both can be trusted.

From validation records only. Every table has the columns dataset and family; what is in it says the function that
makes its rows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.early import early_table
from minarch.analysis.epochs import course_of
from minarch.analysis.intervals import ACCURACY, VALIDATION, Columns, with_intervals
from minarch.analysis.minimal import (
    BY_GAIN,
    BY_POINTS,
    P_MIN,
    P_NEAR_BEST,
    Bootstrap,
    Estimate,
    Minimum,
    both_rules,
    minimum,
    statistics,
)
from minarch.analysis.order import INTEGERS, order_table
from minarch.analysis.records import read_curves, read_model_knobs, read_runs
from minarch.analysis.regimes import Thresholds, classify, is_near
from minarch.analysis.reliability import Reliability, proven_share
from minarch.analysis.sensitivity import OVERFITTING_FROM, sensitivity_table
from minarch.analysis.shape import shape_table
from minarch.analysis.sizes import Size, sizes_of, standard_deviation
from minarch.analysis.trend import trend_table
from minarch.flow.job import run_stage

# Columns of parameter counts that may lie beyond the grid.
COUNTS = (*P_MIN, *P_NEAR_BEST, *BY_GAIN, *BY_POINTS, OVERFITTING_FROM, *INTEGERS)


def size_table(
    sizes: list[Size], thresholds: Thresholds, reliability: Reliability, confidence: float, family_best: float
) -> pd.DataFrame:
    """Rows of sizes.csv for one depth; validation_low and _high are the Student-t interval of the mean.

    With a target REACHED and PROVEN stand beside them.
    """
    repeats = pd.DataFrame(
        [{"architecture": size.architecture, "validation": value} for size in sizes for value in size.validation]
    )
    interval = with_intervals(repeats, ["architecture"], ["validation"], confidence, ACCURACY).set_index("architecture")
    mean = np.array([size.validation.mean() for size in sizes])
    near_best = is_near(mean, np.asarray(family_best), thresholds.near_best_points)
    rows = [
        {
            "architecture": size.architecture,
            "parameters": size.parameters,
            "macs": size.macs,
            "repeats": len(size.validation),
            VALIDATION.value: size.validation.mean(),
            "validation_std": np.nan_to_num(standard_deviation(size.validation)),
            VALIDATION.low: interval.at[size.architecture, VALIDATION.low],
            VALIDATION.high: interval.at[size.architecture, VALIDATION.high],
            "train_mean": size.train.mean(),
            "gap": size.train.mean() - size.validation.mean(),
            "failed_share": size.failed.mean(),
            "loss_rise": size.loss_rise,
            "near_best": near,
            "regime": regime.label,
            "reason": regime.reason,
        }
        for size, regime, near in zip(sizes, classify(sizes, thresholds), near_best, strict=True)
    ]
    table = pd.DataFrame(rows)
    counted = table.assign(failed=[int(size.failed.sum()) for size in sizes])
    return reliability.with_proof(counted, confidence).drop(columns="failed")


def surety(p_min: float, sizes: list[Size], reliability: Reliability, confidence: float) -> dict[str, Any]:
    """What the trainings at P_min say of it: how many there are and failed, and the share of failures that is not ruled
    out at `confidence` by the exact bound of a binomial share; of several sizes of that count the least sure one's.
    """
    there = [size for size in sizes if size.parameters == p_min and size.failed.mean() <= reliability.failure_share]
    counts = [(len(size.failed), int(size.failed.sum())) for size in there]
    bounds = [(float(1 - proven_share(n - failed, n, confidence)), n, failed) for n, failed in counts]
    bound, repeats, failed = max(bounds, default=(np.nan, np.nan, np.nan))
    return {"p_min_repeats": repeats, "p_min_failed": failed, "p_min_failure_at_most": bound}


def minimal_row(
    minimal: Minimum, rules: dict[Columns, Estimate], depths: list[list[Size]], reliability: Reliability, level: float
) -> dict[str, Any]:
    """Row of minimal.csv for sizes of one or more depths; a count beyond the grid is infinite, and the note says where
    an answer lies at its edge.

    Args:
        rules: P_min by other rules, by the columns that hold it.
        level: confidence of the bound on failures.
    """
    sizes = [size for of_depth in depths for size in of_depth]
    trainings = reliability.trainings
    smallest, largest = min(size.parameters for size in sizes), max(size.parameters for size in sizes)
    row: dict[str, Any] = {"sizes": len(sizes), "repeats": min(len(size.validation) for size in sizes)}
    notes = []
    if max(len(size.validation) for size in sizes) < trainings:
        notes.append(f"train more repeats: no size has the {trainings} trainings of convergence.trainings")
    for columns, estimate in [(P_MIN, minimal.p_min), (P_NEAR_BEST, minimal.p_near_best)]:
        row |= dict(zip(columns, (estimate.value, estimate.low, estimate.high), strict=True))
        name = columns.value
        if not np.isfinite(estimate.value):
            notes.append(f"widen the sweep: upwards, {name} is not found up to {largest:,} parameters")
        elif not np.isfinite(estimate.high):
            notes.append(
                f"widen the sweep: upwards, or train more repeats, {name} may lie beyond {largest:,} parameters"
            )
        elif estimate.value == largest:
            notes.append(f"widen the sweep: upwards, {name} is the largest size, {largest:,} parameters")
    if minimal.p_min.value == smallest:
        notes.append(f"widen the sweep: downwards, p_min is the smallest size, {smallest:,} parameters")
    row["p_min_at_most"] = minimal.p_min.value in [min(size.parameters for size in of_depth) for of_depth in depths]
    row |= surety(minimal.p_min.value, sizes, reliability, level)
    for columns, by_rule in rules.items():
        row |= dict(zip(columns, (by_rule.value, by_rule.low, by_rule.high), strict=True))
    return row | {"best_validation": minimal.best_validation, "note": "; ".join(notes)}


def family_tables(
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    thresholds: Thresholds,
    reliability: Reliability,
    bootstrap: Bootstrap,
    knobs: Mapping[str, Mapping[str, Any]],
) -> dict[str, pd.DataFrame]:
    """The rows of every table, by its name, for one data set and family; `knobs` those of an architecture."""
    depths: dict[Any, list[Size]] = {}
    for depth, rows in runs.groupby("depth", dropna=False):
        depths[depth] = sizes_of(rows, curves[curves["architecture"].isin(rows["architecture"])], reliability)
    trainings = reliability.trainings
    samples = {depth: statistics(sizes, bootstrap, i, trainings) for i, (depth, sizes) in enumerate(depths.items())}
    level = bootstrap.confidence
    whole = minimum(list(samples.values()), thresholds, level)
    sizes_tables, minimal_rows = [], []
    for depth, sizes in depths.items():
        table = size_table(sizes, thresholds, reliability, level, whole.best_validation)
        table.insert(0, "depth", depth)
        sizes_tables.append(table)
        if not pd.isna(depth):
            of_depth = minimum([samples[depth]], thresholds, level)
            rules = both_rules([samples[depth]], thresholds, level)
            minimal_rows.append({"depth": depth} | minimal_row(of_depth, rules, [sizes], reliability, level))
    grids = list(depths.values())
    everything = [size for sizes in grids for size in sizes]
    rules = both_rules(list(samples.values()), thresholds, level)
    minimal_rows.append({"depth": "all"} | minimal_row(whole, rules, grids, reliability, level))
    from_p_min = [size for size in everything if size.parameters >= whole.p_min.value]
    course = course_of(runs, curves, reliability)
    return {
        "sizes": pd.concat(sizes_tables),
        "minimal": pd.DataFrame(minimal_rows),
        "sensitivity": sensitivity_table(grids, thresholds, trainings),
        "trend": trend_table(course),
        "early": early_table(course, thresholds, trainings),
        "order": order_table(runs, curves, grids, thresholds, reliability, level),
        "shape": shape_table({"all sizes": everything, "from p_min": from_p_min}, knobs, bootstrap),
    }


def write_table(path: Path, families: list[pd.DataFrame]) -> None:
    """One table of all families' rows; a parameter count that is infinite, beyond the grid, is left empty."""
    table = pd.concat([rows for rows in families if len(rows)] or families[:1])
    for column in [name for name in COUNTS if name in table]:
        table[column] = table[column].replace(np.inf, np.nan).astype("Int64")
    table.to_csv(path, index=False, float_format="%.10g")


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write sizes.csv (a row per architecture), minimal.csv (per depth, and one, depth "all", per family),
    sensitivity.csv (per moved threshold), trend.csv (per epoch and parameter count), early.csv (per epoch),
    order.csv (per family) and shape.csv (per source of variance).
    """
    thresholds, reliability = Thresholds.of(config), Reliability.of(config)
    bootstrap = Bootstrap(resamples=config["bootstrap"], confidence=config["confidence"], seed=config["seed"])
    runs, curves, models = read_runs(inputs["sweep"]), read_curves(inputs["sweep"]), read_model_knobs(inputs["sweep"])
    tables: dict[str, list[pd.DataFrame]] = {}
    for (dataset, family), rows in runs.groupby(["dataset", "family"]):
        of_family = curves[(curves["dataset"] == dataset) & (curves["family"] == family)]
        knobs = {name: models[dataset, family, name] for name in rows["architecture"].unique()}
        for name, table in family_tables(rows, of_family, thresholds, reliability, bootstrap, knobs).items():
            table.insert(0, "dataset", str(dataset))
            table.insert(1, "family", str(family))
            tables.setdefault(name, []).append(table)
    for name, families in tables.items():
        write_table(out / f"{name}.csv", families)


if __name__ == "__main__":
    run_stage("convergence", work)
