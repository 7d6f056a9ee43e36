"""The tables of structured pruning: networks with their cost, and single layers."""

import numpy as np
import pandas as pd

from minarch.analysis.controls import HOW, accuracy_at
from minarch.analysis.front import pareto_front
from minarch.analysis.intervals import ACCURACY, Columns, of_mean, with_intervals
from minarch.analysis.precision import VARIANT
from minarch.analysis.records import MODEL
from minarch.analysis.reliability import Reliability
from minarch.pruning import STEPS
from minarch.quantization import FLOAT32
from minarch.reporting.tables.magnitude import unpruned
from minarch.reporting.tables.models import batches_of, latency
from minarch.reporting.tables.read import REMOVED_SHARE, SIZES

DROP = of_mean("drop_points")  # on validation images, when a group of units alone is cut
FRONT = "front"
IDLE = "nothing_removed"
FAILED = ["unstable", "diverged"]  # a cut that removed nothing (the layer is too small) is no failure


def accuracy_column(step: str, split: str = "validation") -> Columns:
    """The columns of the mean accuracy at one of STEPS."""
    return of_mean(accuracy_at(split, step))


def pruning_table(
    runs: pd.DataFrame, models: pd.DataFrame, *, reliability: Reliability, confidence: float
) -> pd.DataFrame:
    """One row per model, method and level: what was removed, accuracies on the way, and the FP32 export's cost.

    `front`: no other network of the data set needs at most as many MACs and is at least as accurate on validation
    images, one of the two strictly. The originals compete too; networks of which nothing was removed and those that are
    not reliable (here by the status of their repeats) do not.
    """
    accuracies = [accuracy_at(split, step) for split in ("validation", "test") for step in STEPS]
    runs = runs.assign(
        failed=runs["status"].isin(FAILED),
        nothing_removed=runs["status"] == IDLE,
    )
    grouped = runs.groupby([*VARIANT, *HOW])
    counts = {"repeats": ("repeat", "size"), "failed": ("failed", "sum"), "nothing_removed": ("nothing_removed", "sum")}
    table = grouped.agg(**counts).join(grouped[SIZES].mean()).reset_index()
    table = table.merge(with_intervals(runs, VARIANT, accuracies, confidence, ACCURACY), on=VARIANT)
    cost = ["bytes", "weight_bytes", *(latency(batch).value for batch in batches_of(models))]
    exported = models.loc[models["precision"] == FLOAT32, [*VARIANT, *cost]]
    table = table.merge(exported, on=VARIANT, how="left")
    return table.assign(**{FRONT: on_front(table, reliability)})


def without_idle_cuts(models: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of models that are no mere second training: of those a cut removed nothing in any repeat.

    Args:
        models: with VARIANT.
        runs: one row per structured pruning of a repeat.
    """
    active = runs.loc[runs["status"] != IDLE, VARIANT].drop_duplicates()
    idle = runs[VARIANT].drop_duplicates().merge(active, how="left", indicator=True).query("_merge == 'left_only'")
    merged = models.merge(idle[VARIANT], on=VARIANT, how="left", indicator=True)
    return models[(merged["_merge"] == "left_only").to_numpy()].reset_index(drop=True)


def on_front(table: pd.DataFrame, reliability: Reliability) -> np.ndarray:
    """Mask of the rows on their data set's front of validation accuracy against MACs; see pruning_table."""
    base, finetuned = accuracy_column("base").value, accuracy_column("finetuned").value
    front = np.zeros(len(table), dtype=bool)
    whole = (table[REMOVED_SHARE] > 0) & reliability.mask(table)
    whole &= table[finetuned].notna()
    for dataset in table["dataset"].unique():
        of_set = (table["dataset"] == dataset).to_numpy()
        rows = table[of_set & whole]
        originals = table[of_set].drop_duplicates(MODEL).dropna(subset=[base])
        cost = np.concatenate([rows["macs"], originals["macs_before"]])
        value = np.concatenate([rows[finetuned], originals[base]])
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
