"""Complexity-aware training (arXiv 2411.09127): units and layers pruned together against either alone."""

import pandas as pd

from minarch.analysis.multiplicity import P_VALUE
from minarch.claims.claim import CONFIRMED, REFUTED, Claim, Row, smallest_effect
from minarch.claims.reports import Reports

STUDY = "complexity"
ALONE = {"beta 0": "units alone", "beta 1": "layers alone"}


def rows(reports: Reports) -> list[Row]:
    """Each comparison at equal multiply-accumulates."""
    table = reports.table(STUDY, "tradeoff", [P_VALUE])
    return [_row(row) for _, row in table[table["against"].isin(ALONE)].iterrows()]


def _row(row: pd.Series) -> Row:
    mean, low, high = (float(row[f"test_difference_points_{end}"]) for end in ("mean", "low", "high"))
    return Row(
        study=STUDY,
        group=f"against {ALONE[row['against']]}",
        case=f"{row['dataset']}, {row['whole']}: both against {ALONE[row['against']]}",
        n=f"{row['n']:.0f} repeats of {row['nus']:.0f} prices",
        effect=mean,
        low=low,
        high=high,
        unit="points of test accuracy at equal MACs",
        p=float(row[P_VALUE]),
        verdict=CONFIRMED if mean > 0 else REFUTED,
        smallest=smallest_effect(low, high),
    )


BOTH = Claim(
    number="C10",
    title="units and layers pruned together beat either alone",
    words="our method improves upon layer only or unit only pruning",
    source="arXiv 2411.09127, abstract of version 1",
    rule="The mean difference of test accuracy at equal multiply-accumulates is above 0 (t-test, paired by repeat);"
    " refuted: below.",
    studies=(STUDY,),
    rows=rows,
    of_sweep=False,
)
