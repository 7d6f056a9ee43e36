"""How many epochs show that a size will stay unstable."""

from typing import Any

import pandas as pd

from minarch.analysis.early import first_certain_epoch
from minarch.reporting.figures.trend import draw_early
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables import rows_of


def certain_epochs(early: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per data set and family: that of early.csv at the first epoch from which on there is no false alarm.

    `budget` is the last epoch, `unstable` the number of sizes that it calls unstable, `p_min_end` its P_min.
    """
    epochs = []
    for _, rows in early.groupby(["dataset", "family"], sort=False):
        last = rows.sort_values("epoch").iloc[-1]
        first = rows[rows["epoch"] == first_certain_epoch(rows)]
        end = {"budget": last["epoch"], "unstable": last["called_unstable"], "p_min_end": last["p_min"]}
        epochs.append(rows_of(first)[0] | end)
    return epochs


FINDING = Finding(
    name="early",
    title="How early",
    heading="How early does a hopeless size show?",
    tables={"early": "one epoch of a family: sizes called unstable, rightly and wrongly"},
    figures={
        "early": lambda evidence: draw_early(evidence.tables, certain_epochs(evidence.tables["early"])),
    },
    facts=lambda evidence: {"certain_epochs": certain_epochs(evidence.tables["early"])},
)
