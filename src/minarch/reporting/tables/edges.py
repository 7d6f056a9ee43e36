"""Minimal sizes with the signs that they need where they lie at the edge of the sizes that were run."""

from typing import Any

import pandas as pd

from minarch.analysis.intervals import Columns
from minarch.analysis.minimal import BY_GAIN, BY_POINTS, P_MIN, P_NEAR_BEST
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.wording import span

AT_MOST, AT_LEAST, MORE = "≤ ", "≥ ", "> "
ALL = "all"  # depths of a family together


def minimal_rows(tables: Tables) -> list[dict[str, Any]]:
    """The rows of the table of minimal sizes, with `p_min_sign` and `p_near_best_sign` before their numbers, and with
    the `repeats` of its sizes in words: "5", or "1 to 20" where they differ.

    AT_MOST: no smaller size was run of the depth that the number comes from. AT_LEAST: no larger one of the depth, or
    of the family, was. Where no size is large enough the number is the largest that was run, and the sign MORE. A depth
    or family of one size has no numbers: they would only say which size was run. The rule is our inference.
    """
    rows = []
    for (dataset, family), depths in tables[Table.MINIMAL].groupby(["dataset", "family"], sort=False):
        sizes = tables[Table.SIZES]
        sizes = sizes[(sizes["dataset"] == dataset) & (sizes["family"] == family)]
        repeats = {ALL: span(sizes["repeats"])}
        repeats |= {str(depth): span(counts) for depth, counts in sizes.groupby("depth")["repeats"]}
        of_depth = {ALL: sizes["parameters"]}
        of_depth |= {str(depth): grid for depth, grid in sizes.groupby("depth")["parameters"]}
        for row in rows_of(depths):
            row["repeats"] = repeats[row["depth"]]
            if of_depth[row["depth"]].nunique() == 1:
                row |= dict.fromkeys([*BY_GAIN, *BY_POINTS], pd.NA)
            for columns in (P_MIN, P_NEAR_BEST):
                row |= _with_sign(
                    row, columns, [*of_depth.values()] if row["depth"] == ALL else [of_depth[row["depth"]]]
                )
            rows.append(row)
    return rows


def _with_sign(row: dict[str, Any], columns: Columns, grids: list[pd.Series]) -> dict[str, Any]:
    """A number, its interval and its sign; `grids`: the row's parameter counts, then those of each depth in it."""
    value, sign = row[columns.value], f"{columns.value}_sign"
    if grids[0].nunique() == 1:
        return dict.fromkeys(columns, pd.NA) | {sign: ""}
    if pd.isna(value):
        return {columns.value: grids[0].max(), sign: MORE}
    if any(value == grid.min() for grid in grids):
        return {sign: AT_MOST}
    return {sign: AT_LEAST if value == grids[0].max() else ""}
