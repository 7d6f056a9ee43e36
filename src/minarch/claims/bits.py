"""What fewer bits cost small models and hard data (arXiv 2601.17987)."""

import pandas as pd

from minarch.claims.claim import CONFIRMED, REFUTED, UNDECIDED, Claim, Row, smallest_effect
from minarch.claims.reports import Reports

STUDY = "difficulty"
VERDICTS = {"hurt more": CONFIRMED, "hurt less": REFUTED}
TERMS = {"size": "ten times the parameters", "difficulty": "a point of difficulty"}
LOSSES = {"points": "points of accuracy lost", "relative": "% of the accuracy above chance lost"}


def rows(reports: Reports) -> list[Row]:
    """A case for each family, term and loss, over all precisions together."""
    table = reports.table(STUDY, "hurt")
    return [_row(row) for _, row in table[(table["precision"] == "all") & (table["family"] != "all")].iterrows()]


def _row(row: pd.Series) -> Row:
    low, high = float(row["low"]), float(row["high"])
    return Row(
        study=STUDY,
        group=TERMS[row["term"]],
        case=f"{row['family']}, {TERMS[row['term']]}, interval over {row['interval_over']}",
        n=f"{row['models']:.0f} models on {row['datasets']:.0f} data sets",
        effect=float(row["coefficient"]),
        low=low,
        high=high,
        unit=LOSSES[row["loss"]],
        smallest=smallest_effect(low, high),
        verdict=VERDICTS.get(row["verdict_adjusted"], UNDECIDED),
    )


CLAIM = Claim(
    number="C6",
    title="fewer bits hurt small models and hard data more",
    words="quantization impacts models with fewer learnable parameters more severely and has a larger effect on harder"
    " image datasets",
    source="arXiv 2601.17987, abstract",
    rule="The mean loss of simulated parameters of 6 to 2 bits falls with size (within a family and data set) and rises"
    " with difficulty (between data sets, at equal size). P-values are adjusted by Benjamini and Hochberg.",
    studies=(STUDY,),
    limits="Several data sets are made of the same images, so they are less than independent. Precisions are"
    " simulated.",
    rows=rows,
)
