"""Three regimes along the parameter count (arXiv 2601.17987)."""

import math

import pandas as pd

from minarch.analysis.multiplicity import P_ADJUSTED, adjust
from minarch.claims.claim import CONFIRMED, POWERED, REFUTED, UNDECIDED, Claim, Row
from minarch.claims.reports import Reports

STUDIES = ("phase1", "difficulty")
REGIMES = ["unstable", "learning", "overfitting"]
REACH = 16  # times P_min, up to where a grid has to go for a regime that is missing to count
HELD = 0.9  # of the sizes from P_min on, on the other half of the repeats
ALPHA = 0.05


def rows(reports: Reports) -> list[Row]:
    """A case for each data set and family; their p-values are one family."""
    orders = pd.concat([reports.table(study, "order").assign(study=study) for study in STUDIES], ignore_index=True)
    cases = []
    for _, row in orders.assign(**{P_ADJUSTED: adjust(orders["p_value"])}).iterrows():
        study, key = str(row["study"]), (row["dataset"], row["family"])
        largest = reports.table(study, "sizes").groupby(["dataset", "family"])["parameters"].max()
        cases.append(_row(study, row, float(largest[key]), reports.p_min(study).get(key, math.nan)))
    return cases


def _row(study: str, row: pd.Series, largest: float, p_min: float) -> Row:
    counts = ", ".join(f"{row[name]:.0f} {name}" for name in REGIMES)
    held = (
        f"{row['held']:.0f} of {row['checked']:.0f} hold (surely {row['held_low']:.0%})"
        if row["checked"] > 0
        else "none to check"
    )
    return Row(
        study=study,
        group=str(row["family"]),
        case=f"{row['dataset']}, {row['family']}: {counts}; from P_min on by half of the repeats, {held} on the other",
        n=f"{row['sizes']:.0f} sizes",
        effect=float(row["tau"]),
        low=None,
        high=None,
        unit="Kendall's tau of regime and parameters",
        smallest=smallest_tau(int(row["sizes"])),
        verdict=verdict(row, largest, p_min),
    )


def verdict(row: pd.Series, largest: float, p_min: float) -> str:
    """What a data set and family say."""
    missing = any(row[name] == 0 for name in REGIMES)
    if row[P_ADJUSTED] <= ALPHA and row["tau"] < 0:
        return REFUTED
    if missing:
        return REFUTED if row["unstable"] > 0 and largest >= REACH * p_min else UNDECIDED
    ordered = row[P_ADJUSTED] <= ALPHA and row["tau"] > 0
    return CONFIRMED if ordered and row["held_share"] >= HELD else UNDECIDED


def smallest_tau(sizes: int) -> float:
    """Of Kendall's tau between that many sizes, by the variance that it has without an association."""
    return min(POWERED * math.sqrt(2 * (2 * sizes + 5) / (9 * sizes * (sizes - 1))), 1.0)


CLAIM = Claim(
    number="C1",
    title="three regimes, one after the other",
    words="learning dynamics consistently exhibit three regimes: unstable, learning, and overfitting",
    source="arXiv 2601.17987, abstract",
    rule="Of a data set and family all three regimes occur, the later ones at larger sizes (Kendall's tau, p adjusted"
    " by Benjamini and Hochberg over all cases at most 5 %), and of the sizes from the P_min on that half of the"
    f" repeats names, at least {HELD:.0%} do not fail on the other half. Refuted: the order is the reverse, or a regime"
    f" is missing on a grid with unstable sizes that reaches {REACH} P_min.",
    studies=STUDIES,
    rows=rows,
)
