"""The tables of pruning: unstructured curves with their phases, structured networks with their cost, single layers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.controls import HOW
from minarch.analysis.front import pareto_front
from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.phases import find_phases, plateau_end
from minarch.analysis.precision import VARIANT
from minarch.analysis.records import MODEL
from minarch.reporting.models import batches_of
from minarch.reporting.records import SIZES, STEPS

CURVE = [*MODEL, "scope", "finetuned"]  # one curve of unstructured pruning
SHARE = 0.6  # of redundant parameters, as the paper finds
REACHES, FALLS_SHORT, OPEN = "yes", "no", "open"
LEVELS = 3  # a fine-tuned curve with fewer says nothing of phases
FAILED = ["unstable", "diverged"]  # a cut that removed nothing (the layer is too small) is no failure
REDUNDANCY = [*CURVE, "n", "base_validation", "redundancy", "redundancy_low", "redundancy_high", "collapse", "sixty"]


def unpruned(curves: pd.DataFrame) -> pd.DataFrame:
    """The rows of level 0, one per model, scope and repeat; they are in the curves without fine-tuning."""
    return curves[~curves["finetuned"].astype(bool) & (curves["level"] == 0)]


def whole_curves(curves: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """CURVE and validation accuracies [repeats x levels] of each curve that has phases, level 0 first.

    A fine-tuned curve starts at the unpruned network, which was not trained on.
    """
    bases = unpruned(curves)
    for key, rows in curves.groupby(CURVE):
        curve = dict(zip(CURVE, key, strict=True))
        if curve["finetuned"]:
            rows = rows[rows["level"] > 0]
            if rows["level"].nunique() < LEVELS:
                continue
            own = (bases[[*MODEL, "scope"]] == [curve[name] for name in [*MODEL, "scope"]]).all(axis=1)
            rows = pd.concat([bases[own], rows])
        wide = rows.pivot(index="repeat", columns="level", values="validation").dropna()
        if len(wide):
            yield curve, wide


def sixty(low: float, high: float) -> str:
    """Whether the plateau reaches SHARE of the weights, by its interval."""
    return REACHES if low >= SHARE else FALLS_SHORT if high < SHARE else OPEN


def magnitude_tables(
    curves: pd.DataFrame, classes: pd.Series, bootstrap: Bootstrap
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mean curves of unstructured pruning with their phases, and what the phases say: redundancy and collapse.

    Args:
        curves: of records.read_magnitude.
        classes: of each data set, by its name.
    """
    labels, rows = [pd.DataFrame(columns=[*CURVE, "level", "phase"])], []
    for curve, wide in whole_curves(curves):
        found = find_phases(wide.columns.to_numpy(), wide.to_numpy(), 1 / classes[curve["dataset"]], bootstrap)
        labels.append(pd.DataFrame({"level": wide.columns, "phase": found.labels}).assign(**curve))
        share = found.redundancy
        row = {"n": len(wide), "base_validation": wide[0].mean(), "redundancy": share.value}
        row |= {"redundancy_low": share.low, "redundancy_high": share.high, "collapse": found.collapse}
        rows.append(curve | row | {"sixty": sixty(share.low, share.high)})
    accuracies = with_intervals(curves, [*CURVE, "level"], ["validation", "test"], bootstrap.confidence, ACCURACY)
    phases = pd.concat(labels[1:] or labels)
    return accuracies.merge(phases, on=[*CURVE, "level"], how="left"), pd.DataFrame(rows, columns=REDUNDANCY)


def plateau_ends(curves: pd.DataFrame) -> pd.DataFrame:
    """One row per model, scope and repeat: the redundancy that the repeat's own curve without fine-tuning shows."""
    tables = [pd.DataFrame(columns=[*CURVE, "repeat", "redundancy"])]
    for curve, wide in whole_curves(curves[~curves["finetuned"].astype(bool)]):
        ends = plateau_end(wide.columns.to_numpy(), wide.to_numpy())
        tables.append(pd.DataFrame({"repeat": wide.index, "redundancy": ends}).assign(**curve))
    return pd.concat(tables[1:] or tables)


def pruning_table(runs: pd.DataFrame, models: pd.DataFrame, *, failure_share: float, confidence: float) -> pd.DataFrame:
    """One row per model, method and level: what was removed, accuracies on the way, and the FP32 export's cost.

    `front`: no other network of the data set needs at most as many MACs and is at least as accurate on validation
    images, one of the two strictly. The originals compete too; networks of which nothing was removed and those of which
    more than `failure_share` of the repeats failed do not.
    """
    accuracies = [f"{split}_{step}" for split in ("validation", "test") for step in STEPS]
    runs = runs.assign(
        failed=runs["status"].isin(FAILED),
        nothing_removed=runs["status"] == "nothing_removed",
    )
    grouped = runs.groupby([*VARIANT, *HOW])
    counts = {"repeats": ("repeat", "size"), "failed": ("failed", "sum"), "nothing_removed": ("nothing_removed", "sum")}
    table = grouped.agg(**counts).join(grouped[SIZES].mean()).reset_index()
    table = table.merge(with_intervals(runs, VARIANT, accuracies, confidence, ACCURACY), on=VARIANT)
    cost = ["bytes", "weight_bytes", *(f"latency_{batch}_ms" for batch in batches_of(models))]
    exported = models.loc[models["precision"] == "fp32", [*VARIANT, *cost]]
    table = table.merge(exported, on=VARIANT, how="left")
    return table.assign(front=on_front(table, failure_share))


def on_front(table: pd.DataFrame, failure_share: float) -> np.ndarray:
    """Mask of the rows on their data set's front of validation accuracy against MACs; see pruning_table."""
    front = np.zeros(len(table), dtype=bool)
    whole = (table["removed_share"] > 0) & (table["failed"] <= failure_share * table["repeats"])
    whole &= table["validation_finetuned_mean"].notna()
    for dataset in table["dataset"].unique():
        of_set = (table["dataset"] == dataset).to_numpy()
        rows = table[of_set & whole]
        originals = table[of_set].drop_duplicates(MODEL).dropna(subset=["validation_base_mean"])
        cost = np.concatenate([rows["macs"], originals["macs_before"]])
        value = np.concatenate([rows["validation_finetuned_mean"], originals["validation_base_mean"]])
        front[of_set & whole] = pareto_front(cost, value)[: len(rows)]
    return front


def layerwise_table(sensitivity: pd.DataFrame, curves: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row per model, group of units and level: points lost when this group alone is cut, and nothing retrained.

    Paired by repeat with the unpruned network, the level 0 of `curves`.
    """
    by = [*MODEL, "importance", "position", "group", "units", "level"]
    bases = unpruned(curves).drop_duplicates([*MODEL, "repeat"])[[*MODEL, "repeat", "validation", "test"]]
    runs = sensitivity.merge(bases, on=[*MODEL, "repeat"], suffixes=("", "_base"))
    runs["drop_points"] = 100 * (runs["validation_base"] - runs["validation"]).astype(float)
    runs["test_drop_points"] = 100 * (runs["test_base"] - runs["test"]).astype(float)
    removed = runs.groupby(by)["removed"].mean().reset_index()
    drops = with_intervals(runs, by, ["drop_points", "test_drop_points"], confidence)
    return removed.merge(drops, on=by).drop(columns="position")
