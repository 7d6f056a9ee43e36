"""The tables of stage complexity: what every point of every curve ends with, its controls, and verdicts on them.

A network that is not finite guesses: it counts with one right answer in as many as there are classes, and as diverged.
Costs are multiples of one training of the whole network: the mean multiply-accumulates of its forward, backward and
validation passes. Parameters and MACs are shares of the whole network's.
"""

from collections.abc import Collection, Iterable
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.complexity import (
    CONTROLS,
    DIFFERENCE,
    JUDGED,
    OK,
    POINT,
    TRADEOFF,
    WHOLE,
    between_betas,
    of_curves,
    of_points,
    pairs,
)
from minarch.analysis.controls import FINAL_ACCURACY
from minarch.analysis.intervals import ACCURACY, TEST, VALIDATION, of_mean, with_intervals
from minarch.analysis.multiplicity import VERDICT, adjusted_name
from minarch.analysis.records import MODEL
from minarch.analysis.search import below
from minarch.complexity import FULL, GATED, L1, SHORT, SWEPT
from minarch.contract import read_test_accuracies
from minarch.files import read_json
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.search import COST, as_text

COLLAPSED, DIVERGED, UNREACHABLE = "collapsed", "diverged", "unreachable"  # what becomes of networks that are not OK
STATUSES = [COLLAPSED, DIVERGED, UNREACHABLE]
SHARES = {name: of_mean(f"{name}_share") for name in ("parameters", "macs")}
REPEATS = ["test", *(f"{name}_share" for name in SHARES)]  # of the networks that are OK, as text
WHOLES = {name: f"whole_{name}" for name in SHARES}  # sizes of the whole network
RUN = [*POINT, *WHOLES.values(), "way", "architecture", "classes", "repeat", "status"]  # of a repeat, and MEASURED
MEASURED = ["parameters", "macs", "validation", "test", "cost_macs", "deterministic", "left_out"]
COLUMNS = [*POINT, "way", "architecture", "repeats", "n", *STATUSES, "parameters_mean", "macs_mean"]
COLUMNS += [*SHARES["parameters"], *SHARES["macs"], *VALIDATION, *TEST, "cost_macs", *COST, "cheaper"]
COLUMNS += ["deterministic_mean", "left_out_mean", "pairs", *DIFFERENCE, *JUDGED, *(f"{n}_repeats" for n in REPEATS)]


def read_runs(items: Iterable[Path]) -> pd.DataFrame:
    """One row of RUN and MEASURED per repeat of each item; `left_out` counts layers.

    What l1 starts from, the repeat's shorter training, is in its cost. Without a network accuracies are NaN.
    """
    rows, short = list[dict[str, Any]](), dict[tuple[Any, ...], int]()
    for item in items:
        record, tests = read_json(item / "results.json"), read_test_accuracies(item)
        of_item = {name: record[name] for name in [*WHOLE, "way", "architecture", "classes"]}
        of_item |= {name: record.get(name, nan) for name in ("alpha", "beta", "nu")}
        of_item |= {column: record["full"][name] for name, column in WHOLES.items()}
        for run in record["repeats"]:
            row = of_item | {name: run[name] for name in ("repeat", "status", "parameters", "macs")}
            guess = nan if run["spec"] is None else 1 / record["classes"]
            accuracies = {"validation": run["validation_accuracy"], "test": tests[run["repeat"]]}
            row |= {name: guess if share is None else share for name, share in accuracies.items()}
            row |= {"cost_macs": sum(run["cost"].values()), "deterministic": run.get("deterministic")}
            row |= {"left_out": sum(not layer["kept"] for layer in run["layers"]) if run.get("layers") else None}
            rows.append(row)
            if record["way"] == SHORT:
                short[*(record[name] for name in WHOLE), run["repeat"]] = row["cost_macs"]
    for row in rows:
        if row["way"] == L1:
            row["cost_macs"] += short[*(row[name] for name in WHOLE), row["repeat"]]
    table = pd.DataFrame(rows, columns=[*RUN, *MEASURED])
    table = table.astype(dict.fromkeys([*MEASURED, "alpha", "beta", "nu"], float))
    return table[table["way"] != SHORT].sort_values([*POINT, "way", "repeat"], ignore_index=True)


def swept_runs(runs: pd.DataFrame, sweep: pd.DataFrame) -> pd.DataFrame:
    """For every point the repeats of the same numbers of the sweep's architecture of its data set and family that is
    nearest in MACs to the mean of the point's networks (in log; of equally near ones the smaller).

    Args:
        runs: of `read_runs`.
        sweep: one row per trained repeat, as in the table SWEEP.
    """
    sizes = sweep[[*MODEL, "macs"]].drop_duplicates().sort_values(["macs", "architecture"])
    tables = []
    for _, gated in runs[runs["way"] == GATED].groupby(POINT):
        point = {name: gated[name].iloc[0] for name in [*POINT, *WHOLES.values()]}
        others = sizes[(sizes[["dataset", "family"]] == [point["dataset"], point["family"]]).all(axis=1)]
        if others.empty:
            continue
        near = others.iloc[int(np.abs(np.log(others["macs"] / gated["macs"].mean())).to_numpy().argmin())]
        trained = sweep[(sweep[MODEL] == near[MODEL]).all(axis=1) & sweep["repeat"].isin(gated["repeat"])]
        finite = trained[FINAL_ACCURACY["test"]].notna()
        status = pd.Series(np.where(finite, COLLAPSED, DIVERGED), trained.index).where(trained["status"] != OK, OK)
        rows = trained[["architecture", "classes", "repeat", "parameters", "macs"]]
        rows = rows.assign(**point, way=SWEPT, status=status)
        guess = 1 / trained["classes"]
        tables.append(rows.assign(**{split: trained[name].fillna(guess) for split, name in FINAL_ACCURACY.items()}))
    return pd.concat(tables).reindex(columns=runs.columns) if tables else runs[:0]


def complexity_tables(
    items: Iterable[Path], sweep: pd.DataFrame, confidence: float, controls: Collection[str] = CONTROLS
) -> Tables:
    """The tables COMPLEXITY and TRADEOFF, without a row if the study trained nothing with gates.

    Args:
        sweep: one row per trained repeat, as in the table SWEEP.
        controls: those that the study asks for; SWEPT has no items.
    """
    runs = read_runs(items)
    if runs.empty:
        return {Table.COMPLEXITY: pd.DataFrame(columns=COLUMNS), Table.TRADEOFF: pd.DataFrame(columns=TRADEOFF)}
    swept = swept_runs(runs, sweep) if SWEPT in controls else runs[:0]
    runs = pd.concat([table for table in (runs, swept) if len(table)], ignore_index=True)
    unit = runs[runs["way"] == FULL].groupby(WHOLE)["cost_macs"].mean().rename("unit").reset_index()
    runs = runs.merge(unit, on=WHOLE, validate="many_to_one")
    runs = runs.assign(**{f"{name}_share": runs[name] / runs[whole] for name, whole in WHOLES.items()})
    runs["cost"] = runs["cost_macs"] / runs["unit"]
    paired = pairs(runs)
    curves = [of_curves(paired, confidence), between_betas(runs, confidence)]
    tradeoff = pd.concat([table for table in curves if len(table)] or curves[:1], ignore_index=True)
    return {Table.COMPLEXITY: points_table(runs, paired, confidence), Table.TRADEOFF: tradeoff}


def points_table(runs: pd.DataFrame, paired: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row per point and way, and one of each whole network: the first.

    `cheaper` says whether training cost less than that of the whole network; `pairs` counts the differences.
    """
    key = [*POINT, "way"]
    runs = runs.assign(**{status: runs["status"] == status for status in STATUSES})
    grouped = runs.groupby(key, dropna=False)
    table = grouped[STATUSES].sum().join(grouped.size().rename("repeats")).join(grouped["architecture"].first())
    table = table.join(grouped[["parameters", "macs", "deterministic", "left_out"]].mean().add_suffix("_mean"))
    table = table.join(grouped["cost_macs"].mean()).reset_index()
    table = table.merge(with_intervals(runs, key, ["validation", "test"], confidence, ACCURACY), on=key)
    sizes = ["parameters_share", "macs_share", "cost"]
    table = table.merge(with_intervals(runs, key, sizes, confidence, (0.0, np.inf)).drop(columns="n"), on=key)
    ok = runs[runs["status"] == OK].sort_values([*key, "repeat"])
    texts = ok.groupby(key, dropna=False)[REPEATS].agg(as_text).add_suffix("_repeats")
    table = table.merge(texts.reset_index(), on=key, how="left")
    differences = of_points(paired, confidence).rename(columns={"n": "pairs"})
    table = table.merge(differences, on=key, how="left").fillna({f"{name}_repeats": "" for name in REPEATS})
    judged = (table["way"] != FULL) & table[COST.value].notna()
    cheaper = [below(low, high, 1.0) for low, high in zip(table[COST.low], table[COST.high], strict=True)]
    table["cheaper"] = pd.Series(cheaper, table.index).where(judged, "")
    order = table["way"].map([FULL, GATED, *CONTROLS].index)
    said = [VERDICT, adjusted_name()]
    table = table.assign(order=order, **table[said].fillna("")).astype({"pairs": "Int64"})
    ordered = table.sort_values([*POINT, "order"], na_position="first", ignore_index=True)
    return ordered[COLUMNS]
