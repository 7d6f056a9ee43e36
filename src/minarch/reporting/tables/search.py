"""The tables of stage depth: every depth trained alone, and what each way to a depth ends with and costs.

A network that is not finite guesses: it counts with one right answer in as many as there are classes, and as unstable.
Costs are multiples of one training at full depth: the mean multiply-accumulates of its forward, backward and validation
passes.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from minarch.analysis import published
from minarch.analysis.intervals import ACCURACY, TEST, VALIDATION, of_mean, with_intervals
from minarch.analysis.search import (
    CLAIMS,
    CLIMB_DIFFERENCES,
    DIFFERENCES,
    FULL,
    PARTS,
    RUN,
    SEARCHES,
    TOWER,
    alternatives,
    meets,
    paired,
    verdicts,
)
from minarch.contract import read_test_accuracies
from minarch.depth import ALONE
from minarch.files import read_json
from minarch.reporting.tables import Table, Tables, rows_of

TARGET = ["target", "tolerance_points", "threshold"]
METHOD = ["restart", "warmup_epochs"]  # what a method is, beside its name
COST = of_mean("cost")
DEPTHS = [*TOWER, "depth", "n", "unstable", "parameters", "macs", *VALIDATION, *TEST, "validation_repeats"]
DEPTHS += ["epochs_mean", *COST, *TARGET, "meets", "repeats_meeting"]
ODN = [
    *TOWER,
    "way",
    "architecture",
    "n",
    "met",
    "unstable",
    "depths",
    "full_depth",
    "depth_mean",
    "parameters_mean",
    "macs_mean",
]
ODN += [*VALIDATION, *TEST, *(column for name in DIFFERENCES for column in of_mean(name)), *PARTS]
ODN += ["cost_target", "cost_macs", *(column for name in CLIMB_DIFFERENCES for column in of_mean(name))]
ODN += [*METHOD, *TARGET, *CLAIMS]


def read_runs(items: Iterable[Path]) -> pd.DataFrame:
    """One row of RUN per repeat of each item, with architecture, kind, epochs, full_depth, METHOD, TARGET and levels.

    PARTS are MACs. Of a depth trained alone `way` is ALONE, and `met`, METHOD, TARGET and levels are missing.
    """
    rows, of_items = [], ["kind", "architecture", "full_depth"]
    for item in items:
        record, tests = read_json(item / "results.json"), read_test_accuracies(item)
        of_item: dict[str, Any] = {name: record[name] for name in [*TOWER, "way", *of_items]}
        of_item |= {"levels": len(record["levels"]) if "levels" in record else None}
        search = record.get("search", {})
        of_item |= {name: search.get(name) for name in ["restart", *TARGET]} | {"warmup_epochs": search.get("warmup")}
        for run in record["repeats"]:
            accuracies = {"validation": run["validation_accuracy"], "test": tests[run["repeat"]]}
            row = {name: run[name] for name in ("repeat", "depth", "parameters", "macs")} | {"met": run.get("met")}
            row |= {name: 1 / record["classes"] if share is None else share for name, share in accuracies.items()}
            row |= {"unstable": run["status"] != "ok"} | {f"cost_{part}": macs for part, macs in run["cost"].items()}
            rows.append(of_item | row | {"epochs": sum(training["epochs"] for training in run["trainings"])})
    table = pd.DataFrame(
        rows, columns=[*RUN, "kind", "architecture", "epochs", "levels", "full_depth", *METHOD, *TARGET]
    )
    table = table.astype({"met": "boolean", "warmup_epochs": "Int64", "tolerance_points": float, "threshold": float})
    return table.sort_values([*TOWER, "way", "depth", "repeat"], ignore_index=True)


def search_tables(items: Iterable[Path], confidence: float) -> Tables:
    """The tables DEPTHS, ODN and PUBLISHED, without a row if the study searched for no depth.

    What repeats must reach is known where a method searched: elsewhere TARGET and `met` are missing.
    """
    runs = read_runs(items)
    if runs.empty:
        nothing = {Table.DEPTHS: DEPTHS, Table.ODN: ODN, Table.PUBLISHED: published.COLUMNS}
        return {name: pd.DataFrame(columns=columns) for name, columns in nothing.items()}
    alone, searched = runs[runs["kind"] == ALONE], runs[runs["kind"] != ALONE]
    targets = searched[[*TOWER, *TARGET, "levels"]].drop_duplicates()
    alone = alone.drop(columns=[*TARGET, "levels"]).merge(targets, on=TOWER, how="left", validate="many_to_one")
    alone["met"] = meets(alone["validation"], alone["threshold"]).where(alone["threshold"].notna())
    full = alone[alone["depth"] == alone["full_depth"]].assign(way=FULL)
    assert set(map(tuple, full[TOWER].to_numpy())) == set(map(tuple, runs[TOWER].to_numpy())), "no full depth alone"
    depths = depths_table(alone, full, confidence)
    ways = [full, searched]
    for _, rows in alone.groupby(TOWER):
        if rows["depth"].nunique() == rows["levels"].iloc[0] and rows["threshold"].notna().all():
            of_tower = rows[[*TOWER, "full_depth", *TARGET]].drop_duplicates()
            ways.append(alternatives(rows, rows["threshold"].iloc[0]).merge(of_tower, on=TOWER))
    odn = odn_table(pd.concat(ways), depths, confidence)
    return {Table.DEPTHS: depths, Table.ODN: odn, Table.PUBLISHED: published.published_table(odn)}


def depths_table(alone: pd.DataFrame, full: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row per tower and depth trained alone.

    `meets`: the mean does; `repeats_meeting`: so many repeats do. `validation_repeats` is text, a number per repeat.
    """
    key = [*TOWER, "depth"]
    unit = full.assign(unit=full[PARTS].sum(axis=1)).groupby(TOWER)["unit"].mean().reset_index()
    alone = alone.merge(unit, on=TOWER)
    alone["cost"] = alone[PARTS].sum(axis=1) / alone["unit"]
    grouped = alone.groupby(key)
    table = grouped[["parameters", "macs", *TARGET]].first().join(grouped["unstable"].sum())
    table = table.join(grouped["met"].sum(min_count=1).rename("repeats_meeting"))
    table = table.join(grouped["epochs"].mean().rename("epochs_mean"))
    table = table.join(grouped["validation"].agg(as_text).rename("validation_repeats")).reset_index()
    table = table.merge(with_intervals(alone, key, ["validation", "test"], confidence, ACCURACY), on=key)
    table = table.merge(with_intervals(alone, key, ["cost"], confidence).drop(columns="n"), on=key)
    met = meets(table[VALIDATION.value], table["threshold"])
    return table.assign(meets=met.map({True: "yes", False: "no"}).where(table["threshold"].notna(), ""))[DEPTHS]


def odn_table(ways: pd.DataFrame, depths: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row per tower and way: FULL, SEARCHES where they are known, then the methods.

    Args:
        ways: one row of RUN per repeat, with full_depth and TARGET.
        depths: of `depths_table`, whose costs are those of a target that asks for trainings.
    """
    key = [*TOWER, "way"]
    ways = ways.sort_values([*key, "repeat"], ignore_index=True)
    grouped = ways.groupby(key)
    table = grouped[["architecture", "full_depth", *METHOD, *TARGET]].first().join(grouped["met"].sum(min_count=1))
    table = table.join(grouped["unstable"].sum()).join(grouped["depth"].agg(as_text).rename("depths"))
    table = table.join(grouped[["depth", "parameters", "macs"]].mean().add_suffix("_mean"))
    table = table.join(ways.assign(cost_macs=ways[PARTS].sum(axis=1)).groupby(key)["cost_macs"].mean())
    runs = paired(ways)
    table = table.join(runs.groupby(key)[PARTS].mean()).reset_index()
    accuracies = with_intervals(ways, key, ["validation", "test"], confidence, ACCURACY)
    table = table.merge(accuracies, on=key)
    table = table.merge(verdicts(runs, confidence).drop(columns=["n", "tolerance_points"]), on=key)
    whole = depths.groupby(TOWER)[COST.value].sum().rename("cost_target").reset_index()
    table = table.merge(whole, on=TOWER)
    whole_or_one = table["cost_target"].where(table["target"] == "best", 1.0)
    measured = (table["way"] != FULL) & table["target"].isin(["full", "best"])
    table["cost_target"] = whole_or_one.where(measured, 0.0)  # a share is known beforehand
    order = table["way"].map({way: i for i, way in enumerate([FULL, *SEARCHES])}).fillna(len(SEARCHES) + 1)
    return table.assign(order=order).sort_values([*TOWER, "order", "way"], ignore_index=True)[ODN]


def as_text(values: pd.Series) -> str:
    """The numbers of a group in their order, such as "3 3 4"."""
    return " ".join(f"{value:.6g}" for value in values)


def by_tower(odn: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The rows of ODN of each tower, by the words for its data set and name."""
    return {f"{dataset}, {tower}": rows_of(rows) for (dataset, _, tower), rows in odn.groupby(TOWER, sort=False)}


def methods_of(odn: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of ODN that are methods."""
    return rows_of(odn[odn["restart"].notna()])
