"""What the tables say in few words, read off them for the report; the rules of the verdicts are our inference."""

from typing import Any

import pandas as pd

from minarch.analysis.early import first_certain_epoch
from minarch.analysis.regimes import LEARNING, OVERFITTING, UNSTABLE
from minarch.analysis.sensitivity import AS_SET
from minarch.reporting.tables import rows_of

REGIMES = [UNSTABLE, LEARNING, OVERFITTING]
BLOCKS = ("good-good", "good-poor", "poor-poor")
EVERYTHING = "all networks"  # the scope of the headline
HOLDS, FAILS, OPEN = "holds", "does not hold", "not shown"


def resemblance(blocks: pd.DataFrame, confidence: float) -> list[dict[str, Any]]:
    """Per scope, quantity and scaling: do good networks lie nearer to each other than poor ones do?

    Holds: by every distance, each with p below 1 - confidence; so the largest p counts, and asking several distances
    makes no error more likely. Does not hold: by no distance poor networks lie further apart. `wider` counts those by
    which they do, and `shown` those with so small a p.
    """
    found = []
    for (scope, quantity, scaled), rows in blocks.groupby(["scope", "quantity", "scaled"], sort=False):
        means = rows.pivot(index="distance", columns="block", values="mean")
        means = means.reindex(columns=["good-good", "poor-poor"]).join(rows.groupby("distance")["p_value"].first())
        means = means.dropna()
        wider = means["poor-poor"] > means["good-good"]
        shown = wider & (means["p_value"] < 1 - confidence)
        if means.empty:
            continue
        found.append(
            {
                "scope": scope,
                "quantity": quantity,
                "scaled": bool(scaled),
                "verdict": HOLDS if shown.all() else OPEN if wider.any() else FAILS,
                "wider": int(wider.sum()),
                "shown": int(shown.sum()),
                "distances": len(means),
                "p_value": means["p_value"].max(),
                "networks_good": int(rows["networks_good"].max()),
                "networks_poor": int(rows["networks_poor"].max()),
            }
        )
    return found


def in_blocks(blocks: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per scope, quantity, scaling and distance: the row of each block by its name."""
    by = ["scope", "quantity", "scaled", "distance"]
    return [
        dict(zip(by, key, strict=True))
        | {row["block"]: row for row in rows_of(rows)}
        | {"p_value": rows["p_value"].iloc[0]}
        for key, rows in blocks.groupby(by, sort=False)
    ]


def explained(shape: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per data set, family and scope: the row of each source by its name, and which share is the largest."""
    found = []
    for (dataset, family, scope), rows in shape.groupby(["dataset", "family", "scope"], sort=False):
        sources = {row["source"]: row for row in rows_of(rows)}
        largest = max(sources, key=lambda name: sources[name]["share"])
        counts = {name: sources[largest][name] for name in ("architectures", "runs")}
        found.append({"dataset": dataset, "family": family, "scope": scope, "largest": largest} | counts | sources)
    return found


def certain_epochs(early: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per data set and family: early.csv's at the first epoch from which on there is no false alarm.

    `budget` is the last epoch, `unstable` the number of sizes that it calls unstable, `p_min_end` its P_min.
    """
    found = []
    for _, rows in early.groupby(["dataset", "family"]):
        last = rows.sort_values("epoch").iloc[-1]
        first = rows[rows["epoch"] == first_certain_epoch(rows)]
        end = {"budget": last["epoch"], "unstable": last["called_unstable"], "p_min_end": last["p_min"]}
        found.append(rows_of(first)[0] | end)
    return found


def swings(sensitivity: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per data set and family: P_min as set, and from where to where it moves with any one threshold.

    Of the highest, NaN: beyond the grid. `changed`: the most sizes whose regime one move changes, `threshold` which.
    """
    found = []
    for (dataset, family), rows in sensitivity.groupby(["dataset", "family"]):
        as_set, moved = (rows[(rows["threshold"] == AS_SET) == wanted].reset_index() for wanted in (True, False))
        most = moved.iloc[int(moved["changed"].to_numpy().argmax())]
        row = {"dataset": dataset, "family": family, "sizes": int(most[REGIMES].sum()), "p_min": as_set["p_min"][0]}
        row |= {"p_min_low": rows["p_min"].min(), "p_min_high": rows["p_min"].max(skipna=False)}
        found.append(row | {name: most[name] for name in ("threshold", "factor", "changed")})
    return found
