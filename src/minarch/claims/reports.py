"""The committed reports of studies: their tables and settings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from minarch.errors import UserError


@dataclass(frozen=True)
class Reports:
    """The reports in a folder, one per study."""

    folder: Path
    _tables: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict)

    def has(self, study: str) -> bool:
        """Whether there is a report of a study."""
        return (self.folder / study).is_dir()

    def table(self, study: str, name: str, columns: Sequence[str] = ()) -> pd.DataFrame:
        """A table of a study's report.

        Raises:
            UserError: the study has no such table here, or one without some of the `columns`.
        """
        if (study, name) not in self._tables:
            path = self.folder / study / "tables" / f"{name}.csv"
            try:
                self._tables[study, name] = pd.read_csv(path)
            except (OSError, ValueError) as error:
                raise UserError(
                    f"{path}: cannot be read ({error}); allowed: the report of a study that was run: make study"
                    f" STUDY={study}"
                ) from None
        table = self._tables[study, name]
        if lacking := [column for column in columns if column not in table]:
            raise UserError(
                f"{name}.csv of study {study} has no column {lacking[0]}; allowed: a report made by today's code: make"
                f" study STUDY={study}"
            )
        return table

    def run(self, study: str) -> dict[str, Any]:
        """What a study ran: its data sets, images to train (fewest and most), networks and trainings of the sweep, and
        core-hours.
        """
        data, sweep = self.table(study, "data"), self.table(study, "sweep")
        return {
            "datasets": list(data["dataset"]),
            "images": (int(data["train"].min()), int(data["train"].max())),
            "networks": len(sweep[["dataset", "architecture"]].drop_duplicates()),
            "trainings": len(sweep),
            "hours": float(self.table(study, "run")["seconds"].sum()) / 3600,
        }

    def processors(self, study: str) -> set[str]:
        """The names of the processors that computed a study."""
        named = self.table(study, "run")["processors"].dropna()
        return {name for names in named for name in str(names).split("; ") if name}

    def p_min(self, study: str, dataset: str, family: str, depth: str = "all") -> float:
        """P_min of a family, or of one of its depths, on a data set; NaN if it is beyond the grid or there is none."""
        row = self._minimal(study, dataset, family, depth)
        return math.nan if row.empty else float(row["p_min"].iloc[0])

    def p_min_at_most(self, study: str, dataset: str, family: str) -> bool:
        """Whether that P_min is the smallest size that was run, so that it may be smaller."""
        return bool(self._minimal(study, dataset, family)["p_min_at_most"].eq(True).any())

    def _minimal(self, study: str, dataset: str, family: str, depth: str = "all") -> pd.DataFrame:
        """Its row of minimal.csv, if there is one."""
        table = self.table(study, "minimal")
        of_family = (table["dataset"] == dataset) & (table["family"] == family)
        return table[of_family & (table["depth"].astype(str) == depth)]
