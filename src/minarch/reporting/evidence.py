"""What findings are read off: a study's tables, its settings, and what of its run stands in no table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from minarch.analysis.choice import FURTHER
from minarch.analysis.records import MODEL, read_curves
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.compiled import compiler_words
from minarch.reporting.tables.grown import SEARCH_MACS
from minarch.reporting.tables.quantization import read_measurement
from minarch.reporting.tables.read import read_timing
from minarch.reporting.tables.shown import Shown, shown_networks


@dataclass(frozen=True, kw_only=True)
class Run:
    """How the items were made, as far as the report tells it."""

    seconds: float  # that the sweep trained, summed over repeats
    devices: list[str]  # that trained it, each with threads and strategy
    latency: dict[str, str]  # device, threads, rounds and INT8 kernel of its measurement
    compiler: dict[str, str]  # that made the bytes of C, or why there is none
    refined: int  # architectures that were added to the sweep around P_min


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that a finding may read."""

    study: str
    params: dict[str, Any]  # the sections of the study file
    max_drop_points: float  # of accuracy that a recommended model may lose against the best
    tables: Tables
    run: Run
    networks: Sequence[Shown]  # whose weights the figures show
    curves: pd.DataFrame  # of the representatives' repeats, one row per epoch

    @property
    def datasets(self) -> list[str]:
        """The study's data sets in the order in which it lists them."""
        return list(self.tables[Table.DATA]["dataset"])

    @property
    def representatives(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The models that have a role of their own, and their learning curves."""
        table = self.tables[Table.REPRESENTATIVES]
        return table[table["role"] != FURTHER], self.curves

    @property
    def searched(self) -> bool:
        """Whether networks whose structure was found while they were trained are among the final models."""
        return bool(self.tables[Table.MODELS][SEARCH_MACS].notna().any())

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table, as templates read them."""
        return rows_of(self.tables[name])

    def by_family(self, name: str) -> dict[Any, list[dict[str, Any]]]:
        """The rows of a table for each (data set, family)."""
        return {key: rows_of(rows) for key, rows in self.tables[name].groupby(["dataset", "family"], sort=False)}


def read_evidence(config: dict[str, Any], inputs: dict[str, Any], tables: Tables) -> Evidence:
    """Gather what findings are read off.

    Args:
        config: of the report's item: the study's name, its sections under "params", and max_drop_points.
        inputs: the item folders of every stage.
    """
    roles = tables[Table.REPRESENTATIVES]
    chosen = set(" ".join(roles[roles["role"] != FURTHER]["items"]).split())
    return Evidence(
        study=config["study"],
        params=config["params"],
        max_drop_points=config["max_drop_points"],
        tables=tables,
        run=_read_run(inputs, tables[Table.SWEEP]),
        networks=shown_networks(tables, inputs),
        curves=read_curves([item for item in inputs["sweep"] if item.name in chosen]),
    )


def _read_run(inputs: dict[str, Any], sweep: pd.DataFrame) -> Run:
    """How the items of a study were made."""
    seconds, devices = read_timing(inputs["sweep"])
    added = {item.name for item in inputs["sweep"] if item.parent.name == "refined"}
    refined = len(sweep[sweep["item"].isin(added)].drop_duplicates(MODEL))
    latency = read_measurement(inputs["latency"], inputs["quantize"])
    compiler = compiler_words(inputs["latency"])
    return Run(seconds=seconds, devices=devices, latency=latency, compiler=compiler, refined=refined)
