"""The models that a search for depth found, and what it cost to find them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pandas as pd

from minarch.analysis.choice import FURTHER, ROLES
from minarch.analysis.records import MODEL
from minarch.contract import Model, model_of
from minarch.files import read_json

SEARCH = "search"  # as the kind of an item: a search; others trained one depth alone
SEARCH_MACS, SEARCH_TRAININGS = "search_macs", "search_trainings"


class Repeat(TypedDict):
    """A repeat in the results.json of an item of stage depth, as far as it is read here."""

    parameters: int
    cost: dict[str, int]  # MACs by what they were spent on


class DepthRecord(Model):
    """results.json of an item of stage depth, as far as it is read here."""

    tower: str  # the architecture at its full depth
    kind: str
    levels: list[int]  # the depths of the study, the last is the full one
    depth: NotRequired[int]  # that was trained alone
    repeats: list[Repeat]


def searched_models(items: Iterable[Path]) -> pd.DataFrame:
    """One row per search: MODEL, its role, and the means over its repeats of parameters and of the MACs that it took.

    SEARCH_TRAININGS are these MACs over those of one training at full depth, the mean of its repeats; NaN where nothing
    was trained at full depth. What a search's target is read off is not in its cost.
    """
    searches, full = list[dict[str, Any]](), dict[tuple[str, str], float]()
    for item in items:
        record: DepthRecord = read_json(item / "results.json")
        repeats = record["repeats"]
        cost = sum(sum(run["cost"].values()) for run in repeats) / len(repeats)
        if record["kind"] == SEARCH:
            size = {"parameters": sum(run["parameters"] for run in repeats) / len(repeats)}
            searches.append({**model_of(record), "tower": record["tower"], "role": FURTHER, SEARCH_MACS: cost, **size})
        elif record["depth"] == record["levels"][-1]:
            full[record["dataset"], record["tower"]] = cost
    columns = [*MODEL, "role", "parameters", SEARCH_MACS, SEARCH_TRAININGS]
    for row in searches:
        row[SEARCH_TRAININGS] = row[SEARCH_MACS] / full.get((row["dataset"], row["tower"]), float("nan"))
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
