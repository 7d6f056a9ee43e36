"""The committed reports of studies: their tables and settings."""

from dataclasses import dataclass, field
from pathlib import Path

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

    def processors(self, study: str) -> set[str]:
        """The processors that computed a study."""
        named = self.table(study, "run")["processors"].dropna()
        return {name for names in named for name in str(names).split("; ") if name}

    def p_min(self, study: str) -> dict[tuple[str, str], float]:
        """P_min by (data set, family), NaN where it lies beyond the grid."""
        table = self.table(study, "minimal").query("depth == 'all'")
        return {(row["dataset"], row["family"]): float(row["p_min"]) for _, row in table.iterrows()}
