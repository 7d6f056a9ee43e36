"""Weights of good and of poor networks (arXiv 2408.11720)."""

import pandas as pd

from minarch.claims.claim import CONFIRMED, REFUTED, UNDECIDED, Claim, Row
from minarch.claims.reports import Reports

STUDY = "seeds"
SCOPES = {
    "within architecture": "of one architecture",
    "within data set and family": "of one data set and family",
    "across data sets": "of different data sets",
    "across families": "of different families",
    "across both": "of different data sets and families",
}
COMPARED = {"within architectures": "good and poor seeds of each architecture"}
DISTANCES = {"kl": "symmetrised KL", "js": "Jensen-Shannon distance", "wasserstein": "Wasserstein-1"}


def rows(reports: Reports) -> list[Row]:
    """A case for each scope, quantity and distance."""
    return [_row(row) for _, row in reports.table(STUDY, "similarity_verdicts").iterrows()]


def _row(row: pd.Series) -> Row:
    comparison = row["comparison"]
    compared = "cannot be compared" if pd.isna(comparison) else COMPARED.get(comparison, comparison)
    divided = ", divided by their standard deviation" if row["scaled"] else ""
    trained, difference = float(row["log_ratio"]), float(row["difference"])
    verdict = CONFIRMED if min(trained, difference) > 0 else REFUTED if max(trained, difference) < 0 else UNDECIDED
    return Row(
        study=STUDY,
        group=str(row["quantity"]),
        case=f"{row['quantity']}, pairs of networks {SCOPES.get(row['scope'], row['scope'])},"
        f" {DISTANCES[row['distance']]}{divided}; {compared}",
        n=f"{row['networks']:,.0f} networks of {row['architectures']:.0f} architectures",
        effect=difference,
        low=float(row["difference_low"]),
        high=float(row["difference_high"]),
        unit="log of the ratio poor to good, trained less untrained",
        p=float(row["p_value"]),
        verdict=verdict,
        smallest=float(row["detectable"]),
    )


CLAIM = Claim(
    number="C7",
    title="good networks have alike weights, poor ones do not",
    words="successful networks, irrespective of datasets or models, are invariably similar to other successful networks"
    " in their converged weights statistics and distribution, while poor-performing networks vary in their weights",
    source="arXiv 2408.11720, abstract",
    rule="Poor networks lie further apart than good ones of the same architectures, and more so than the same networks"
    " before they were trained: the larger of both p-values, by permutation, counts, while the effect shown is the"
    " second. Refuted: both are the other way round.",
    studies=(STUDY,),
    limits="The six distances of a quantity and scope are of the same networks. Good and poor are at most the best and"
    " the worst quarter of the seeds of an architecture, as many of both; an architecture whose repeats are too alike"
    " for that is left out. The abstract says nothing of node strengths: they are another quantity of the paper.",
    rows=rows,
)
