"""Every model a study ends with (original or pruned, in float32 or fewer bits), their front and the recommendation."""

import re

import pandas as pd

from minarch.analysis.front import pareto_front, recommend, worthwhile
from minarch.analysis.intervals import ACCURACY, TEST, VALIDATION, Columns, of_estimate, with_intervals
from minarch.analysis.precision import VARIANT
from minarch.analysis.reliability import Reliability
from minarch.contract import ORIGINAL
from minarch.reporting.tables.quantization import EXPORTED, NO_METHOD, deployed
from minarch.reporting.tables.read import REMOVED_SHARE

ITEMS = "items"  # names of the folders of stage quantize that hold the model's files, one per block of repeats
RECOMMENDED, BEST = "recommended", "best"
AGAIN = {"rewound": ", rewound", "fresh": ", trained anew"}  # weights that are not those of the original


def model_name(row: pd.Series, several: bool) -> str:
    """A name such as "cnn-depth1-channels8, l1, 50 % of units cut, INT8": what was removed, not what was asked for.

    A method of quantization that is not called as its precision stands behind it.

    The method is named if it is one of `several`; where its weights are no fine-tuned ones that is always said.
    """
    cut = f"{100 * row[REMOVED_SHARE]:.3g} % of units cut{AGAIN.get(row['weights'], '')}"
    if row[REMOVED_SHARE] == 0:
        cut = f"nothing cut{AGAIN.get(row['weights'], ', fine-tuned')}"
    pruned = [*([row["method"]] if several else []), cut] if row["method"] != ORIGINAL else []
    return ", ".join([row["architecture"], *pruned, stored_as(row["precision"], row["quantization"])])


def headline_method(quantization: pd.DataFrame) -> tuple[str, str]:
    """The study's first method in the table of quantization: (name, precision)."""
    name, precision = quantization[["quantization", "precision"]].iloc[0]
    return name, precision


def stored_as(precision: str, quantization: str) -> str:
    """The words for how a model is stored, such as "INT8 (controlled)"."""
    named = quantization not in (NO_METHOD, precision)
    return f"{precision.upper()} ({quantization})" if named else precision.upper()


def latency(batch: int) -> Columns:
    """The columns of the latency of a batch, in milliseconds."""
    return of_estimate(f"latency_{batch}_ms")


def batches_of(models: pd.DataFrame) -> list[int]:
    """The batch sizes whose latency the models table holds."""
    matches = (re.fullmatch(r"latency_(\d+)_ms", str(name)) for name in models)
    return sorted(int(match[1]) for match in matches if match)


def with_failures(
    exports: pd.DataFrame, networks: pd.DataFrame, classes: pd.Series, reliability: Reliability
) -> pd.DataFrame:
    """The exports with the column `failed`: there is no file, it is below the lowest accuracy that is no failure, or
    its network had failed.

    Args:
        networks: one row per network, with VARIANT, repeat and `failed`.
        classes: of each data set, by its name.
    """
    at = [*VARIANT, "repeat"]
    before = exports[at].merge(networks[[*at, "failed"]], on=at, how="left")["failed"].eq(True).to_numpy()
    lowest = exports["dataset"].map(classes.map(reliability.lowest))
    return exports.assign(failed=before | (exports["status"] != "ok") | (exports["validation"] < lowest))


def models_table(
    exports: pd.DataFrame, structured: pd.DataFrame, latencies: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    """One row per final model: sizes (means over repeats), accuracies and latencies with their intervals, ITEMS.

    Args:
        exports: with the column `failed`.
    """
    grouped = exports.groupby(EXPORTED)
    table = grouped.agg(repeats=("repeat", "size"), failed=("failed", "sum"))
    table = table.join(grouped[["parameters", "macs"]].mean()).reset_index().merge(deployed(exports), on=EXPORTED)
    table = table.merge(with_intervals(exports, EXPORTED, ["validation", "test"], confidence, ACCURACY), on=EXPORTED)
    removed = structured.groupby([*VARIANT, "weights"])[REMOVED_SHARE].mean()
    table = table.merge(removed.reset_index(), on=VARIANT, how="left").fillna({REMOVED_SHARE: 0.0, "weights": ""})
    for batch in sorted(set(latencies["batch"])):
        columns = dict(zip(("median", "low", "high"), latency(batch), strict=True))
        measured = latencies[latencies["batch"] == batch]
        by_model = measured.groupby(EXPORTED)  # several rows where the repeats came in blocks
        merged = by_model.agg(median=("median", "median"), low=("low", "min"), high=("high", "max"))
        table = table.merge(merged.rename(columns=columns).reset_index(), on=EXPORTED, how="left")
    items = grouped["item"].unique().str.join(" ").rename(ITEMS)
    table = table.merge(items.reset_index(), on=EXPORTED)
    several = structured["method"].nunique() > 1
    table.insert(0, "model", [model_name(row, several) for _, row in table.iterrows()])
    return table


def front_table(models: pd.DataFrame, *, max_drop_points: float, reliability: Reliability) -> pd.DataFrame:
    """The reliable models on each data set's front (validation accuracy against bytes), smallest first.

    In a small layer several levels cut the same units; such twins appear once. What fewer bits made no smaller is left
    out.
    """
    same = ["dataset", "architecture", "precision", REMOVED_SHARE, "bytes", VALIDATION.value, TEST.value]
    fronts = []
    for _, rows in worthwhile(reliability.reliable(models)).drop_duplicates(same).groupby("dataset"):
        recommended, best = recommend(rows, reliability.within(max_drop_points))
        rows = rows.assign(**{RECOMMENDED: rows.index == recommended, BEST: rows.index == best})
        on_front = pareto_front(rows["bytes"].to_numpy(float), rows[VALIDATION.value].to_numpy(float))
        fronts.append(rows[on_front].sort_values(["bytes", "model"]))
    columns = [*models.columns, RECOMMENDED, BEST]
    return pd.concat(fronts, ignore_index=True) if fronts else pd.DataFrame(columns=columns)
