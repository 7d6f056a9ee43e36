"""What the tables of models in fewer bits say, in counts."""

from typing import Any

import pandas as pd

from minarch.analysis.precision import HURT_LESS, HURT_MORE, LESS, MORE, OPEN, ORIGINAL
from minarch.analysis.regimes import EDGE
from minarch.reporting.tables import rows_of


def named(table: pd.DataFrame) -> pd.Series:
    """Of each row, whether it is an original or a pruned model, in words."""
    return table["method"].eq(ORIGINAL).map({True: "as trained", False: "pruned"})


def methods_of(table: pd.DataFrame, max_drop_points: float) -> list[dict[str, Any]]:
    """Per method, for originals and pruned models: how many lose at most so much, and medians of what it brings."""
    table = table.assign(
        models=named(table),
        within=table["validation_drop_points_mean"] <= max_drop_points + 100 * EDGE,
        smaller=table["bytes"] / table["bytes_fp32"],
        weights=table["weight_bytes"] / table["weight_bytes_fp32"],
        changed=table["reverted"] > 0,
        taught=table["trained"] > 0,
    )
    found = table.groupby(["quantization", "precision", "models"], sort=False).agg(
        cases=("within", "size"),
        within=("within", "sum"),
        lost=("test_drop_points_mean", "median"),
        most=("test_drop_points_mean", "max"),
        smaller=("smaller", "median"),
        weights=("weights", "median"),
        reverted=("changed", "sum"),
        trained=("taught", "sum"),
        **{str(name): (name, "median") for name in table if str(name).startswith("faster_")},
    )
    return rows_of(found.reset_index())


def fewest_counts(fewest: pd.DataFrame) -> list[dict[str, Any]]:
    """Per scheme, for originals and pruned models: `bits` -> how many need as many; `none`: all are too few."""
    found = []
    for (scheme, models), rows in fewest.groupby([fewest["scheme"], named(fewest)]):
        reached = rows["fewest_bits"].dropna().astype(int).tolist()
        bits = {number: reached.count(number) for number in sorted(set(reached))}
        none = int(rows["fewest_bits"].isna().sum())
        found.append({"scheme": scheme, "models": models, "cases": len(rows), "bits": bits, "none": none})
    return found


def hurt_at(hurt: pd.DataFrame) -> list[dict[str, Any]]:
    """Per term of the regression: the precisions and schemes where it hurts more, where less; `open`: how many."""
    hurt = hurt.assign(at=hurt["precision"] + " per " + hurt["scheme"].replace("channel", "row"))
    found = []
    for term, rows in hurt.groupby("term", sort=False):
        at = {verdict: ", ".join(own["at"]) for verdict, own in rows.groupby("verdict")}
        about = {"term": term, "more": at.get(HURT_MORE, ""), "less": at.get(HURT_LESS, "")}
        found.append(about | {"open": int((rows["verdict"] == OPEN).sum())})
    return found


def fragility(fragile: pd.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    """Of each group of pruned models and precisions: how many are more, or less, fragile than their originals."""
    fragile = fragile.assign(more=fragile["verdict"] == MORE, less=fragile["verdict"] == LESS)
    found = fragile.groupby(by).agg(
        cases=("more", "size"),
        more=("more", "sum"),
        less=("less", "sum"),
        median=("test_difference_points_mean", "median"),
    )
    return rows_of(found.reset_index().sort_values(by, ascending=[name != "bits" for name in by]))
