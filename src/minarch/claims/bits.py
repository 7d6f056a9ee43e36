"""What fewer bits cost small models and hard data (arXiv 2601.17987)."""

import pandas as pd

from minarch.analysis.hurt import POINTS, RELATIVE
from minarch.analysis.multiplicity import P_ADJUSTED, P_VALUE
from minarch.claims.claim import CONFIRMED, REFUTED, Claim, Row, smallest_effect
from minarch.claims.reports import Reports

STUDY = "difficulty"
TERMS = {"size": "ten times the parameters", "difficulty": "a point of difficulty"}
MORE = {"size": -1, "difficulty": 1}  # the sign of a coefficient by which the claim holds


def rows(reports: Reports) -> list[Row]:
    """A case for each family and term, over all precisions together."""
    table = reports.table(STUDY, "hurt").query("precision == 'all' and family != 'all'")
    points = table[table["loss"] == POINTS].set_index(["family", "term"])
    return [
        _row(row, points.loc[(row["family"], row["term"])]) for _, row in table[table["loss"] == RELATIVE].iterrows()
    ]


def _row(row: pd.Series, points: pd.Series) -> Row:
    """`points`: the same of the loss in points."""
    low, high, coefficient = float(row["low"]), float(row["high"]), float(row["coefficient"])
    tested = not pd.isna(row[P_ADJUSTED])  # of too few models or data sets it is no test
    return Row(
        study=STUDY,
        group=TERMS[row["term"]],
        case=f"{row['family']}, {TERMS[row['term']]}, interval over {row['interval_over']}; in points of accuracy"
        f" {points['coefficient']:+.2f} [{points['low']:.2f} to {points['high']:.2f}]",
        n=f"{row['models']:.0f} models on {row['datasets']:.0f} data sets",
        effect=coefficient,
        low=low,
        high=high,
        unit=f"% of the accuracy above chance: change of the loss with {TERMS[row['term']]}",
        p=float(row[P_VALUE]) if tested else None,
        verdict=CONFIRMED if coefficient * MORE[row["term"]] > 0 else REFUTED,
        smallest=smallest_effect(low, high),
    )


CLAIM = Claim(
    number="C6",
    title="fewer bits hurt small models and hard data more",
    words="quantization impacts models with fewer learnable parameters more severely and has a larger effect on harder"
    " image datasets",
    source="arXiv 2601.17987, abstract",
    rule="The mean loss of simulated parameters of 6 to 2 bits, relative to the accuracy above chance, falls with size"
    " (within a family and data set) and rises with difficulty (between data sets, at equal size). In points the loss"
    " is bounded by what a network has to lose, which is less on hard data: it stands beside, and is not judged.",
    studies=(STUDY,),
    limits="Several data sets are made of the same images, so they are less than independent. Precisions are"
    " simulated.",
    rows=rows,
)
