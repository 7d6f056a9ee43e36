"""The models that a search for depth found, and what it cost to find them."""

from collections.abc import Iterable
from math import nan
from pathlib import Path
from statistics import fmean
from typing import Any, NotRequired, TypedDict

import pandas as pd

from minarch.analysis.choice import FURTHER, ROLES
from minarch.analysis.records import MODEL
from minarch.contract import Model, model_of
from minarch.depth import SEARCH
from minarch.files import read_json

SEARCH_MACS, SEARCH_TRAININGS = "search_macs", "search_trainings"


class Repeat(TypedDict):
    """A repeat in the results.json of an item of stage depth, as far as it is read here."""

    parameters: int
    cost: dict[str, int]  # MACs by what they were spent on


class DepthRecord(Model):
    """results.json of an item of stage depth, as far as it is read here."""

    tower: str  # the architecture at its full depth
    kind: str
    full_depth: int
    depth: NotRequired[int]  # of a training alone
    repeats: list[Repeat]


def searched_models(items: Iterable[Path]) -> pd.DataFrame:
    """One row per search: MODEL, its role, and the means over its repeats of parameters and of the MACs that it took.

    SEARCH_TRAININGS are these MACs over those of one training at full depth, the mean of its repeats; NaN where nothing
    was trained at full depth. What a search's target is read off is not in its cost.
    """
    searches, alone = list[dict[str, Any]](), dict[tuple[str, str, int], float]()
    for item in items:
        record: DepthRecord = read_json(item / "results.json")
        model, repeats = model_of(record), record["repeats"]
        cost = fmean(sum(run["cost"].values()) for run in repeats)
        if record["kind"] != SEARCH:
            alone[record["dataset"], record["tower"], record["depth"]] = cost
            continue
        full = record["dataset"], record["tower"], record["full_depth"]
        size = fmean(run["parameters"] for run in repeats)
        searches.append({**model, "role": FURTHER, "parameters": size, SEARCH_MACS: cost, "full": full})
    for search in searches:
        search[SEARCH_TRAININGS] = search[SEARCH_MACS] / alone.get(search["full"], nan)
    columns = [*MODEL, "role", "parameters", SEARCH_MACS, SEARCH_TRAININGS]
    table = pd.DataFrame(searches, columns=columns).astype(dict.fromkeys(columns[-3:], float))
    table["role"] = pd.Categorical(table["role"], ROLES)
    return table.sort_values(MODEL, ignore_index=True)


def named_models(representatives: pd.DataFrame, searched: pd.DataFrame) -> pd.DataFrame:
    """MODEL and role of all that may be pruned and quantized, by data set, family and role.

    Args:
        representatives: in this order.
    """
    columns = [*MODEL, "role"]
    named = pd.concat([representatives[columns], searched[columns]])
    return named.sort_values(["dataset", "family", "role"], kind="stable", ignore_index=True)
