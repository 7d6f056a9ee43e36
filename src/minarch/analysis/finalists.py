"""Finalists: the networks that can be a study's answer, so that they must be exported (docs/methods.md 1.5).

The answer, and the model of a route, has the fewest bytes of all that are nearly as good as the best. Bytes are known
of an exported network only, but within a family they rise with the parameters: who has more of them and is no better
than another that was made in the same way cannot be chosen. By validation accuracy alone.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from minarch.analysis.front import pareto_front
from minarch.analysis.intervals import ACCURACY, EDGE, VALIDATION, with_intervals
from minarch.analysis.precision import VARIANT
from minarch.analysis.records import MODEL
from minarch.analysis.reliability import Reliability
from minarch.contract import ORIGINAL, read_networks, variant_of

FINE = ("ok", "nothing_removed")  # the statuses of networks that did not fail, whichever stage made them
FINALIST = "finalist"
ALIKE = ["family", "made"]  # models of a data set whose bytes rise with their parameters, made in one way


def read_repeats(items: Iterable[Path], classes: Mapping[str, int], reliability: Reliability) -> pd.DataFrame:
    """One row per network: VARIANT, `stage` and `item` that hold it, the `way` of its stage, repeat, parameters, macs,
    its validation accuracy (a fraction, NaN where it gives none) and whether it `failed`: by its stage, or because it
    ends below the lowest accuracy that is no failure.

    Args:
        items: that keep the contract of networks.
        classes: of each data set, by its name.
    """
    rows = []
    for item in items:
        record = read_networks(item)
        of_item = dict(variant_of(record)) | {"stage": item.parent.name, "way": record.get("way", "")}
        of_item["item"] = item.name
        limit = reliability.lowest(classes[record["dataset"]])
        for run in record["repeats"]:
            accuracy = run["validation_accuracy"]
            failed = run["status"] not in FINE or accuracy is None or accuracy < limit
            sizes = {name: run[name] for name in ("repeat", "parameters", "macs")}
            rows.append(of_item | sizes | {"validation": accuracy, "failed": failed})
    table = pd.DataFrame(rows).astype(dict.fromkeys(["parameters", "macs", "validation", "level"], float))
    return table.sort_values([*VARIANT, "repeat"], ignore_index=True)


def candidates(repeats: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row per model: how many `repeats` there are and how many `failed`, mean sizes, and validation accuracy with
    its interval; `items` are the folders that hold it, and `made` says in which way it was made: stage and way of the
    network as it was trained, and the method that cut it.

    Args:
        repeats: of `read_repeats`.
    """
    grouped = repeats.groupby(VARIANT)
    firsts = {name: (name, "first") for name in ("stage", "way")}
    table = grouped.agg(**firsts, repeats=("repeat", "size"), failed=("failed", "sum"))
    table = table.join(grouped[["parameters", "macs"]].mean()).join(grouped["item"].unique().rename("items"))
    table = table.reset_index()
    table["made"] = (table["stage"] + " " + table["way"]).str.strip()
    origins = table[table["method"] == ORIGINAL].set_index(MODEL)["made"].rename("origin")
    cut = table["method"] != ORIGINAL
    origin = table.join(origins, on=MODEL)["origin"]
    table.loc[cut, "made"] = origin[cut] + ", " + table.loc[cut, "method"]
    intervals = with_intervals(repeats, VARIANT, ["validation"], confidence, ACCURACY)
    return table.drop(columns="way").merge(intervals, on=VARIANT)


def are_finalists(models: pd.DataFrame, reliability: Reliability, within_points: float) -> pd.Series:
    """Mask of the models that can be the answer.

    They are reliable; of their data set and ALIKE no reliable model beats them, by fewer parameters or by a higher mean
    accuracy; and they are at most `within_points` below the best of the data set.

    With a target they are all that are reliable: each is good enough, however far below the best, and which of them
    still reach it in fewer bits is known of exported files only. Of a data set of which none is reliable the one that
    comes closest is exported, to be looked at: the one of which the smallest share fails.

    Args:
        models: of `candidates`.
    """
    chosen = pd.Series(False, models.index)
    fit = reliability.reliable(models)
    if reliability.target is not None:
        lacking = models[~models["dataset"].isin(fit["dataset"]) & models[VALIDATION.value].notna()]
        lacking = lacking.assign(share=lacking["failed"] / lacking["repeats"])
        lacking = lacking.sort_values(["share", VALIDATION.value, "parameters"], ascending=[True, False, True])
        chosen[fit.index.union(lacking.drop_duplicates("dataset").index)] = True
        return chosen
    for _, rows in fit.groupby("dataset"):
        near = rows[VALIDATION.value] >= rows[VALIDATION.value].max() - within_points / 100 - EDGE
        for _, alike in rows.groupby(ALIKE):
            front = pareto_front(alike["parameters"].to_numpy(float), alike[VALIDATION.value].to_numpy(float))
            chosen[alike.index] = front & near[alike.index]
    return chosen
