"""The committed reports of studies: their tables and settings."""

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

    def table(self, study: str, name: str) -> pd.DataFrame:
        """A table of a study's report.

        Raises:
            UserError: the study has no such table here.
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
        return self._tables[study, name]

    def hours(self, study: str) -> float:
        """Core-hours that the items of a study took, as its report says."""
        return float(self.table(study, "run")["seconds"].sum()) / 3600

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
            "hours": self.hours(study),
        }

    def processors(self, study: str) -> set[str]:
        """The processors that computed a study."""
        named = self.table(study, "run")["processors"].dropna()
        return {name for names in named for name in str(names).split("; ") if name}

    def p_min_at_most(self, study: str) -> set[tuple[str, str]]:
        """Data sets and families whose P_min is the smallest size that was run, so that it may be smaller."""
        table = self.table(study, "minimal").query("depth == 'all' and p_min_at_most")
        return set(zip(table["dataset"], table["family"], strict=True))

    def p_min(self, study: str) -> dict[tuple[str, str], float]:
        """P_min by (data set, family), NaN where it lies beyond the grid."""
        table = self.table(study, "minimal").query("depth == 'all'")
        return {(row["dataset"], row["family"]): float(row["p_min"]) for _, row in table.iterrows()}
