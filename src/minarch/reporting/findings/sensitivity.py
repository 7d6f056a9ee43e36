"""How far the minimal sizes move when a threshold of the regimes does."""

from typing import Any

import pandas as pd

from minarch.analysis.regimes import LEARNING, OVERFITTING, UNSTABLE
from minarch.analysis.sensitivity import AS_SET, NEAR_ONE
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.sensitivity import draw_sensitivity
from minarch.reporting.findings.finding import Finding

REGIMES = [UNSTABLE, LEARNING, OVERFITTING]


def swings(sensitivity: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per data set and family: P_min as set, and from where to where it moves with any one threshold.

    `p_min_high` is NaN where a move takes P_min beyond the grid. `changed` is the largest number of sizes whose regime
    one move changes; `threshold` and `factor` name that move.
    """
    swings = []
    for (dataset, family), rows in sensitivity.groupby(["dataset", "family"], sort=False):
        as_set, moved = (rows[(rows["threshold"] == AS_SET) == wanted].reset_index() for wanted in (True, False))
        most = moved.iloc[int(moved["changed"].to_numpy().argmax())]
        swing = {"dataset": dataset, "family": family, "sizes": int(most[REGIMES].sum()), "p_min": as_set["p_min"][0]}
        swing |= {"p_min_low": rows["p_min"].min(), "p_min_high": rows["p_min"].max(skipna=False)}
        swings.append(swing | {name: most[name] for name in ("threshold", "factor", "changed")})
    return swings


def facts(evidence: Evidence) -> dict[str, Any]:
    return {"near_one": NEAR_ONE, "swings": swings(evidence.tables["sensitivity"])}


FINDING = Finding(
    name="sensitivity",
    title="Sensitivity",
    heading="How much hangs on the thresholds?",
    tables={"sensitivity": "one threshold, moved or as set: where the borders of the regimes lie then"},
    figures={
        "sensitivity": lambda evidence: draw_sensitivity(evidence.tables),
    },
    facts=facts,
)
