"""What findings are read off: a study's tables, its settings, and what of its run stands in no table."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from minarch.analysis.records import MODEL
from minarch.reporting.tables import Tables, rows_of
from minarch.reporting.tables.quantization import read_measurement
from minarch.reporting.tables.read import read_timing


@dataclass(frozen=True, kw_only=True)
class Run:
    """How the items were made, as far as the report tells it."""

    seconds: float  # that the sweep trained, summed over repeats
    devices: list[str]  # that trained it, each with threads and strategy
    latency: dict[str, str]  # device, threads, rounds and INT8 kernel of its measurement
    refined: int  # architectures that were added to the sweep around P_min


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that a finding may read."""

    study: str
    params: dict[str, Any]  # the sections of the study file
    max_drop_points: float  # of accuracy that a recommended model may lose against the best
    tables: Tables
    run: Run

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table, as templates read them."""
        return rows_of(self.tables[name])

    def by_family(self, name: str) -> dict[Any, list[dict[str, Any]]]:
        """The rows of a table for each (data set, family)."""
        return {key: rows_of(rows) for key, rows in self.tables[name].groupby(["dataset", "family"])}


def read_run(inputs: dict[str, Any], sweep: pd.DataFrame) -> Run:
    """The run behind a study's items.

    Args:
        inputs: the item folders of every stage.
        sweep: the table of trainings.
    """
    seconds, devices = read_timing(inputs["sweep"])
    added = {item.name for item in inputs["sweep"] if item.parent.name == "refined"}
    refined = len(sweep[sweep["item"].isin(added)].drop_duplicates(MODEL))
    return Run(seconds=seconds, devices=devices, latency=read_measurement(inputs["quantize"]), refined=refined)
