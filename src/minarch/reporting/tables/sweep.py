"""The tables of the sweep: its sizes, their regimes and borders, and the models that go on."""

from pathlib import Path

import pandas as pd

from minarch.analysis.choice import ROLES
from minarch.analysis.controls import FINAL_ACCURACY
from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.minimal import BY_GAIN, BY_POINTS, P_MIN, P_NEAR_BEST
from minarch.analysis.order import INTEGERS
from minarch.analysis.records import MODEL
from minarch.analysis.sensitivity import OVERFITTING_FROM
from minarch.files import read_json
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.read import FINAL_TEST

COUNTS = [*P_MIN, *P_NEAR_BEST]
BORDERS = dict.fromkeys([P_MIN.value, P_NEAR_BEST.value, OVERFITTING_FROM], "Int64")  # empty: not on this grid
ROLE = ["dataset", "family", "role", "architecture", "parameters", "regime", "rule", "items"]  # of a representative
TYPES = {
    Table.SIZES: {"depth": "Int64"},
    Table.MINIMAL: {"depth": "string", "note": "string"} | dict.fromkeys([*COUNTS, *BY_GAIN, *BY_POINTS], "Int64"),
    Table.ORDER: dict.fromkeys(INTEGERS, "Int64"),
    **dict.fromkeys([Table.SENSITIVITY, Table.TREND, Table.EARLY, Table.SHAPE], BORDERS),
}


def read_convergence(folder: Path) -> Tables:
    """The tables of the convergence stage; counts that may lie beyond the grid are integers or missing."""
    return {name: pd.read_csv(folder / f"{name}.csv", dtype=types) for name, types in TYPES.items()}


def read_roles(folder: Path) -> pd.DataFrame:
    """One row per representative, from the item of stage representatives; there may be none."""
    return pd.DataFrame(read_json(folder / "representatives.json"), columns=ROLE)


def sizes_table(sizes: pd.DataFrame, sweep: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The convergence stage's sizes with the last epoch's test accuracy beside them."""
    tests = sweep.rename(columns={FINAL_TEST: "test"})
    return sizes.merge(with_intervals(tests, MODEL, ["test"], confidence, ACCURACY).drop(columns="n"), on=MODEL)


def representatives_table(roles: pd.DataFrame, sweep: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The chosen models by data set, family and role, with their accuracies."""
    best = sweep.rename(columns={column: split for split, column in FINAL_ACCURACY.items()})
    accuracies = with_intervals(best, MODEL, list(FINAL_ACCURACY), confidence, ACCURACY)
    roles = roles.assign(items=roles["items"].str.join(" "), role=pd.Categorical(roles["role"], ROLES))
    return roles.merge(accuracies, on=MODEL).sort_values(["dataset", "family", "role", "parameters"], ignore_index=True)
