"""Every model a study ends with (original or pruned, in float32 or fewer bits), their front and the recommendation."""

import re

import pandas as pd

from minarch.analysis.front import pareto_front, recommend, reliable
from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.precision import ORIGINAL, VARIANT
from minarch.reporting.quantization import EXPORTED, FLOAT32, NO_METHOD

AGAIN = {"rewound": ", rewound", "fresh": ", trained anew"}  # weights that are not those of the original


def model_name(row: pd.Series, several: bool) -> str:
    """Such as "cnn-depth1-channels8, l1, 50 % of units cut, INT8": what was removed can be less than was asked for.

    A method of quantization that is not called as its precision stands behind it.

    The method is named if it is one of `several`; where its weights are no fine-tuned ones that is always said.
    """
    cut = f"{100 * row['removed_share']:.3g} % of units cut{AGAIN.get(row['weights'], '')}"
    if row["removed_share"] == 0:
        cut = f"nothing cut{AGAIN.get(row['weights'], ', fine-tuned')}"
    pruned = [*([row["method"]] if several else []), cut] if row["method"] != ORIGINAL else []
    return ", ".join([row["architecture"], *pruned, stored_as(row["precision"], row["quantization"])])


def headline_method(quantization: pd.DataFrame) -> tuple[str, str]:
    """(name, precision) of the study's first method in the table of quantization."""
    name, precision = quantization[["quantization", "precision"]].iloc[0]
    return name, precision


def stored_as(precision: str, quantization: str) -> str:
    """Such as "INT8 (controlled)"."""
    named = quantization not in (NO_METHOD, precision)
    return f"{precision.upper()} ({quantization})" if named else precision.upper()


def models_table(
    exports: pd.DataFrame, structured: pd.DataFrame, latencies: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    """One row per final model: sizes (means over repeats), accuracies, latency_<batch>_ms, each with low and high."""
    exports = exports.assign(failed=exports["status"] != "ok")
    grouped = exports.groupby(EXPORTED)
    table = grouped.agg(repeats=("repeat", "size"), failed=("failed", "sum"))
    table = table.join(grouped[["parameters", "macs", "bytes", "weight_bytes"]].mean()).reset_index()
    table = table.merge(with_intervals(exports, EXPORTED, ["validation", "test"], confidence, ACCURACY), on=EXPORTED)
    latencies = latencies.assign(
        quantization=latencies["quantization"].where(latencies["precision"] != FLOAT32, NO_METHOD)
    )
    removed = structured.groupby([*VARIANT, "weights"])["removed_share"].mean()
    table = table.merge(removed.reset_index(), on=VARIANT, how="left").fillna({"removed_share": 0.0, "weights": ""})
    for batch, measured in latencies.groupby("batch"):
        columns = {
            "median": f"latency_{batch}_ms",
            "low": f"latency_{batch}_ms_low",
            "high": f"latency_{batch}_ms_high",
        }
        by_model = measured.groupby(EXPORTED)  # float32 is measured beside every method, and each block of repeats
        merged = by_model.agg(median=("median", "median"), low=("low", "min"), high=("high", "max"))
        table = table.merge(merged.rename(columns=columns).reset_index(), on=EXPORTED, how="left")
    several = structured["method"].nunique() > 1
    table.insert(0, "model", [model_name(row, several) for _, row in table.iterrows()])
    return table


def batches_of(models: pd.DataFrame) -> list[int]:
    """The batch sizes whose latency the models table holds."""
    found = (re.fullmatch(r"latency_(\d+)_ms", str(name)) for name in models)
    return sorted(int(match[1]) for match in found if match)


def front_table(models: pd.DataFrame, *, max_drop_points: float, failure_share: float) -> pd.DataFrame:
    """The models on each data set's front (validation accuracy against bytes), smallest first.

    In a small layer several levels cut the same units; such twins appear once.
    """
    same = ["dataset", "architecture", "precision", "removed_share", "bytes", "validation_mean", "test_mean"]
    models = models.drop_duplicates(same)
    fronts = []
    for _, rows in reliable(models, failure_share).groupby("dataset"):
        recommended, best = recommend(rows, max_drop_points)
        rows = rows.assign(recommended=rows.index == recommended, best=rows.index == best)
        on_front = pareto_front(rows["bytes"].to_numpy(float), rows["validation_mean"].to_numpy(float))
        fronts.append(rows[on_front].sort_values(["bytes", "model"]))
    columns = [*models.columns, "recommended", "best"]
    return pd.concat(fronts, ignore_index=True) if fronts else pd.DataFrame(columns=columns)
