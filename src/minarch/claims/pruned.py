"""Resistance to pruning: depth, and how much is redundant (arXiv 2601.17987)."""

import pandas as pd

from minarch.claims.claim import CONFIRMED, REFUTED, UNDECIDED, Claim, Row, smallest_effect
from minarch.claims.reports import Reports

STUDIES, AMPLE = ("redundancy", "compression"), ("redundancy", "ample")
SOURCE = "arXiv 2601.17987, abstract"
SLOPES = {"resists better": CONFIRMED, "resists worse": REFUTED}
SCOPES = {"global": "over the whole network", "layer": "within each layer"}


def trained(row: pd.Series) -> str:
    return "fine-tuned" if row["finetuned"] else "not fine-tuned"


def slopes(reports: Reports) -> list[Row]:
    """A case for each fit of retained accuracy on depth and size."""
    return [
        _slope(study, row)
        for study in STUDIES
        for _, row in reports.table(study, "depth").query("measure == 'area' and covers == 'other models'").iterrows()
    ]


def _slope(study: str, row: pd.Series) -> Row:
    low, high = float(row["low"]), float(row["high"])
    return Row(
        study=study,
        case=f"{row['dataset']}, {row['family']}, pruned {SCOPES[row['scope']]}, {trained(row)}, at equal"
        f" {row['at_equal']}",
        n=f"{row['models']:.0f} models, {row['runs']:.0f} networks",
        effect=float(row["slope_points"]),
        low=low,
        high=high,
        unit="points of retained accuracy per further layer (area under the curve)",
        smallest=smallest_effect(low, high),
        verdict=SLOPES.get(row["verdict_adjusted"], UNDECIDED),
    )


def redundancies(reports: Reports) -> list[Row]:
    """A case for each study, data set and family: its model from P_min on of which surely most can go."""
    return [_redundancy(study, row) for study in AMPLE for _, row in _most(reports, study).iterrows()]


def _most(reports: Reports, study: str) -> pd.DataFrame:
    model = ["dataset", "family", "architecture"]
    sizes, p_min = reports.table(study, "sizes"), reports.p_min(study)
    table = reports.table(study, "redundancy").merge(sizes[[*model, "parameters"]], on=model)
    least = [p_min[key] for key in zip(table["dataset"], table["family"], strict=True)]
    table = table[(table["parameters"] >= least) & table["redundancy_test"].notna()]
    return table.loc[table.groupby(["dataset", "family", "finetuned"])["redundancy_test"].idxmax()]


def _redundancy(study: str, row: pd.Series) -> Row:
    share = float(row["redundancy_test"])
    return Row(
        study=study,
        case=f"{row['dataset']}, {row['architecture']}, pruned {SCOPES[row['scope']]}, {trained(row)}",
        n=f"{row['retention_n']:.0f} networks",
        effect=100 * share,
        low=None,
        high=None,
        unit="% of the weights that can go for surely less than a point of test accuracy",
        verdict=CONFIRMED if row["sixty_test_adjusted"] == "yes" else UNDECIDED,
    )


DEPTH = Claim(
    number="C4",
    title="deeper networks resist pruning better",
    words="deeper architectures are more resilient to pruning than shallower ones",
    source=SOURCE,
    rule="The area under retained test accuracy above chance, over the share of weights pruned, grows with depth in a"
    " linear fit on depth and the logarithm of the size or width over eight models or more. P-values are adjusted by"
    " Benjamini and Hochberg.",
    studies=STUDIES,
    rows=slopes,
    limits="Only of multilayer perceptrons there are enough depths and sizes.",
)
REDUNDANCY = Claim(
    number="C5",
    title="up to 60 % of the weights are redundant",
    words="parameter redundancy as high as 60%",
    source=SOURCE,
    rule="Of some network from P_min on 60 % of the weights, the smallest ones, can be set to zero for surely"
    " (one-sided, 95 %, paired by repeat, of the repeats that learned) less than a point of test accuracy. Of each data"
    " set and family the network of which most can go. P-values are adjusted by Benjamini and Hochberg.",
    studies=AMPLE,
    rows=redundancies,
    general=False,
)
