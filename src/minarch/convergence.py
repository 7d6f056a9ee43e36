"""Stage convergence: the regime of every size and the minimal learnable parameters, from validation records only."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.minimal import Bootstrap, Minimum, minimum, statistics
from minarch.analysis.records import read_curves, read_runs
from minarch.analysis.regimes import Thresholds, classify, is_near, standard_deviation
from minarch.analysis.sizes import Size, sizes_of
from minarch.flow.job import run_stage


def size_table(sizes: list[Size], thresholds: Thresholds, confidence: float, family_best: float) -> pd.DataFrame:
    """Rows of sizes.csv for one depth; validation_low and _high are the Student-t interval of the mean."""
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
            "validation_mean": size.validation.mean(),
            "validation_std": standard_deviation(size.validation),
            "validation_low": interval.at[size.architecture, "validation_low"],
            "validation_high": interval.at[size.architecture, "validation_high"],
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
    return pd.DataFrame(rows)


def minimal_row(found: Minimum, sizes: list[Size]) -> dict[str, Any]:
    """Row of minimal.csv; counts beyond the grid are left empty and the note says so."""
    smallest, largest = min(size.parameters for size in sizes), max(size.parameters for size in sizes)
    row: dict[str, Any] = {"sizes": len(sizes), "repeats": min(len(size.validation) for size in sizes)}
    notes = []
    for name, estimate in [("p_min", found.p_min), ("p_near_best", found.p_near_best)]:
        for suffix, value in [("", estimate.value), ("_low", estimate.low), ("_high", estimate.high)]:
            row[name + suffix] = int(value) if np.isfinite(value) else None
        if not np.isfinite(estimate.value):
            notes.append(f"{name} not found up to {largest:,} parameters: widen the sweep upwards")
        elif not np.isfinite(estimate.high):
            notes.append(f"the upper bound of {name} is beyond {largest:,} parameters: more repeats or larger sizes")
    if found.p_min.value == smallest:
        notes.append("p_min is the smallest size of the grid: widen the sweep downwards")
    return row | {"best_validation": found.best_validation, "note": "; ".join(notes)}


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write sizes.csv (one row per architecture) and minimal.csv (one per depth and one, depth "all", per family)."""
    thresholds = Thresholds.of(config)
    bootstrap = Bootstrap(resamples=config["bootstrap"], confidence=config["confidence"], seed=config["seed"])
    runs, curves = read_runs(inputs["sweep"]), read_curves(inputs["sweep"])
    sizes_tables, minimal_rows = [], []
    for (dataset, name), family_runs in runs.groupby(["dataset", "family"]):
        family: dict[str, Any] = {"dataset": dataset, "family": name}
        family_curves = curves[(curves["dataset"] == dataset) & (curves["family"] == name)]
        depths: dict[Any, list[Size]] = {}
        for depth, rows in family_runs.groupby("depth", dropna=False):
            depths[depth] = sizes_of(rows, family_curves[family_curves["architecture"].isin(rows["architecture"])])
        samples = {depth: statistics(sizes, bootstrap, i) for i, (depth, sizes) in enumerate(depths.items())}
        whole = minimum(list(samples.values()), thresholds, bootstrap.confidence)
        for depth, sizes in depths.items():
            table = size_table(sizes, thresholds, bootstrap.confidence, whole.best_validation)
            sizes_tables.append(table.assign(**family, depth=depth))
            if not pd.isna(depth):
                found = minimum([samples[depth]], thresholds, bootstrap.confidence)
                minimal_rows.append(family | {"depth": depth} | minimal_row(found, sizes))
        everything = [size for sizes in depths.values() for size in sizes]
        minimal_rows.append(family | {"depth": "all"} | minimal_row(whole, everything))
    sizes_table = pd.concat(sizes_tables).set_index(["dataset", "family", "depth"])
    sizes_table.to_csv(out / "sizes.csv", float_format="%.10g")
    minimal_table = pd.DataFrame(minimal_rows)
    counts = {column: "Int64" for column in map(str, minimal_table) if column.startswith("p_")}
    minimal_table.astype(counts).to_csv(out / "minimal.csv", index=False, float_format="%.10g")


if __name__ == "__main__":
    run_stage("convergence", work)
