"""Searching for a depth: what two plain searches would have found and cost, and what can be said of any search.

The alternatives train nothing: networks of every depth trained alone, from new weights, say what a climb and a binary
search would have met on their way. Choices look at validation accuracy; test accuracy is carried along and compared at
the end. The alternatives, the claims and their rules are our inference (docs/methods.md 3.2).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from minarch.analysis.intervals import EDGE, of_mean, with_intervals

TOWER = ["dataset", "family", "tower"]  # the network at full depth
FULL, CLIMB, BINARY = "full depth", "each depth from scratch", "binary search"  # ways that are no method
PARTS = ["cost_warmup", "cost_search", "cost_fine_tuning", "cost_validation"]
CARRIED = ["parameters", "macs", "validation", "test", "unstable"]
RUN = [*TOWER, "way", "repeat", "depth", "met", *CARRIED, *PARTS]  # of one way and repeat
HOLDS, FAILS, NOT_SHOWN, NOT_ASKED = "holds", "fails", "not shown", ""
DIFFERENCES = ["test_difference_points", "parameters_share", "macs_share", "cost", "cost_difference"]
CLIMB_DIFFERENCES = ["climb_test_difference_points", "climb_cost_difference"]
OF_CLIMB = ["better_than_climb", "cheaper_than_climb"]
CLAIMS = ["as_good", "fewer_parameters", "fewer_macs", "cheaper", *OF_CLIMB, "one_depth"]


class Search(NamedTuple):
    """What a search did in one repeat."""

    trained: list[int]  # depths, in their order
    depth: int  # of the network that it ends with
    met: bool


def meets(accuracy: Any, threshold: Any) -> Any:
    """Whether an accuracy (fraction) is at least the threshold, exactly on it too; of numbers, or of Series."""
    return accuracy >= threshold - EDGE


def depths_of(text: str) -> list[int]:
    """The depths that the repeats of a way ended with, from a cell of a table such as "3 3 4"."""
    return [int(depth) for depth in text.split()]


def best_depth(accuracies: Mapping[int, float], depths: list[int]) -> int:
    """The depth of the highest accuracy; of equal ones the shallowest."""
    return max(depths, key=lambda depth: (accuracies[depth], -depth))


def climb(accuracies: Mapping[int, float], threshold: float) -> Search:
    """Train each depth from new weights, shallowest first, until one meets the threshold.

    If none does the best of all is taken. `accuracies`: depth -> validation accuracy of one repeat.
    """
    depths = sorted(accuracies)
    for i, depth in enumerate(depths):
        if meets(accuracies[depth], threshold):
            return Search(depths[: i + 1], depth, met=True)
    return Search(depths, best_depth(accuracies, depths), met=False)


def binary(accuracies: Mapping[int, float], threshold: float) -> Search:
    """Halve the list of depths at each training, as if all depths beyond one that meets the threshold met it, too.

    Where accuracy does not rise with depth it may miss a shallower depth, or any that meets. If none that it trained
    does the best of those is taken.
    """
    depths, trained = sorted(accuracies), []
    first, end = 0, len(depths)
    while first < end:
        middle = (first + end) // 2
        trained.append(depths[middle])
        first, end = (first, middle) if meets(accuracies[depths[middle]], threshold) else (middle + 1, end)
    met = first < len(depths)
    return Search(trained, depths[first] if met else best_depth(accuracies, trained), met=met)


SEARCHES: dict[str, Callable[[Mapping[int, float], float], Search]] = {CLIMB: climb, BINARY: binary}


def alternatives(alone: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """One row of RUN for each of SEARCHES and repeat of a tower of which every depth was trained alone.

    Args:
        alone: one row of RUN per depth and repeat; PARTS are MACs.
        threshold: validation accuracy (fraction) that meets the target.
    """
    rows = []
    for way, search in SEARCHES.items():
        for _, runs in alone.groupby("repeat"):
            runs = runs.set_index("depth", drop=False)
            accuracies = dict(zip(runs["depth"], runs["validation"], strict=True))
            trained, depth, met = search(accuracies, threshold)
            rows.append(runs.loc[depth].to_dict() | {"way": way, "met": met} | runs.loc[trained, PARTS].sum().to_dict())
    return pd.DataFrame(rows, columns=RUN)


def at_least(low: float, high: float, limit: float) -> str:
    """HOLDS if the whole interval is at least `limit`, FAILS if none of it, else (and without interval) NOT_SHOWN."""
    return HOLDS if low >= limit - EDGE else FAILS if high < limit - EDGE else NOT_SHOWN


def below(low: float, high: float, limit: float) -> str:
    """HOLDS if the whole interval is below `limit`, FAILS if none of it, else (and without interval) NOT_SHOWN."""
    return {HOLDS: FAILS, FAILS: HOLDS, NOT_SHOWN: NOT_SHOWN}[at_least(low, high, limit)]


def one_depth(depths: pd.Series) -> str:
    """Whether all repeats ended with one depth; one repeat shows nothing."""
    return NOT_SHOWN if len(depths) < 2 else HOLDS if depths.nunique() == 1 else FAILS


def paired(runs: pd.DataFrame) -> pd.DataFrame:
    """`runs` with DIFFERENCES to the same repeat at full depth and CLIMB_DIFFERENCES to what the climb gave it.

    Costs become multiples of the tower's mean full-depth training. Without a climb its differences are NaN.
    """
    compared = [*TOWER, "repeat", "parameters", "macs", "test", "cost"]
    runs = runs.assign(cost=runs[PARTS].sum(axis=1))
    full = runs.loc[runs["way"] == FULL, compared]
    unit = full.groupby(TOWER)["cost"].mean().rename("unit").reset_index()
    runs = runs.merge(unit, on=TOWER)
    runs = runs.merge(full, on=[*TOWER, "repeat"], suffixes=("", "_full"), validate="many_to_one")
    climbs = runs.loc[runs["way"] == CLIMB, compared]
    runs = runs.merge(climbs, on=[*TOWER, "repeat"], suffixes=("", "_climb"), how="left")
    shares = {f"{name}_share": runs[name] / runs[f"{name}_full"] for name in ("parameters", "macs")}
    return runs.assign(
        **shares,
        **{part: runs[part] / runs["unit"] for part in PARTS},
        cost=runs["cost"] / runs["unit"],
        test_difference_points=100 * (runs["test"] - runs["test_full"]),
        cost_difference=(runs["cost"] - runs["cost_full"]) / runs["unit"],
        climb_test_difference_points=100 * (runs["test"] - runs["test_climb"]),
        climb_cost_difference=(runs["cost"] - runs["cost_climb"]) / runs["unit"],
    )


def judged(row: pd.Series) -> dict[str, str]:
    """CLAIMS of a way from the intervals of its differences, and its tolerance_points."""
    differences = DIFFERENCES + CLIMB_DIFFERENCES
    ends = {name: (row[of_mean(name).low], row[of_mean(name).high]) for name in differences}
    low, high = ends["climb_test_difference_points"]
    claims = {
        "as_good": at_least(*ends["test_difference_points"], -row["tolerance_points"]),
        "fewer_parameters": below(*ends["parameters_share"], 1.0),
        "fewer_macs": below(*ends["macs_share"], 1.0),
        "cheaper": below(*ends["cost_difference"], 0.0),
        "better_than_climb": below(-high, -low, 0.0),
        "cheaper_than_climb": below(*ends["climb_cost_difference"], 0.0),
        "one_depth": row["one_depth"],
    }
    climbed = row["way"] != CLIMB and pd.notna(row[of_mean("climb_cost_difference").value])
    unasked = claims if row["way"] == FULL else [] if climbed else OF_CLIMB
    return claims | dict.fromkeys(unasked, NOT_ASKED)


def verdicts(runs: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row per tower and way: DIFFERENCES and CLIMB_DIFFERENCES with Student-t intervals, n, and CLAIMS.

    A claim is judged alone. It is NOT_ASKED of the full depth, and against the climb where there is none.

    Args:
        runs: of `paired`, with tolerance_points: of test accuracy that a network as good as the full depth may lose.
    """
    key = [*TOWER, "way", "tolerance_points"]
    table = with_intervals(runs, key, DIFFERENCES, confidence)
    table = table.merge(with_intervals(runs, key, CLIMB_DIFFERENCES, confidence).drop(columns="n"), on=key)
    agreed = runs.groupby(key, dropna=False)["depth"].agg(one_depth).rename("one_depth").reset_index()
    table = table.merge(agreed, on=key)
    return table.assign(**pd.DataFrame([judged(row) for _, row in table.iterrows()], columns=CLAIMS))
