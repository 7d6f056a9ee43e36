"""Resistance to pruning: depth, and how much is redundant (arXiv 2601.17987)."""

import pandas as pd

from minarch.analysis.intervals import of_mean
from minarch.analysis.multiplicity import P_VALUE, adjust, adjusted_name, of_t_intervals
from minarch.analysis.phases import PLATEAU_POINTS
from minarch.claims.claim import CONFIRMED, REFUTED, UNDECIDED, Claim, Row, smallest_effect
from minarch.claims.reports import Reports
from minarch.reporting.tables.magnitude import REACHES, SIXTY_TEST, SURELY
from minarch.reporting.tables.magnitude import SIXTY_DROP as DROP

SIXTY_DROP, SIXTY_TEST_ADJUSTED, CONFIDENCE = of_mean(DROP), adjusted_name(SIXTY_TEST), 0.95
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
        group=str(row["dataset"]),
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
    most = [_most(reports, study).assign(study=study) for study in AMPLE]
    table = pd.concat(most, ignore_index=True)
    mean, low, high = (table[column] - PLATEAU_POINTS for column in SIXTY_DROP)
    differs = adjust(of_t_intervals(mean, low, high, table["retention_n"], CONFIDENCE)) <= 1 - CONFIDENCE
    return [_redundancy(row, differs=told) for (_, row), told in zip(table.iterrows(), differs, strict=True)]


def _most(reports: Reports, study: str) -> pd.DataFrame:
    model = ["dataset", "family", "architecture"]
    sizes, p_min = reports.table(study, "sizes"), reports.p_min(study)
    table = reports.table(study, "redundancy").merge(sizes[[*model, "parameters"]], on=model)
    least = [p_min[key] for key in zip(table["dataset"], table["family"], strict=True)]
    table = table[(table["parameters"] >= least) & table[SURELY].notna()]
    table = table.sort_values([SURELY, P_VALUE], ascending=[False, True])
    return table.drop_duplicates(["dataset", "family", "finetuned"]).sort_values(["dataset", "family", "finetuned"])


def _redundancy(row: pd.Series, *, differs: bool) -> Row:
    """`differs`: what 60 % cost is surely not the margin itself."""
    loss, low, high = (float(row[column]) for column in SIXTY_DROP)
    refuted = differs and loss > PLATEAU_POINTS
    return Row(
        study=row["study"],
        group=str(row["family"]),
        case=f"{row['dataset']}, {row['architecture']}, pruned {SCOPES[row['scope']]}, {trained(row)}: surely"
        f" {row[SURELY]:.0%} can go",
        n=f"{row['retention_n']:.0f} networks",
        effect=loss,
        low=low,
        high=high,
        unit="points of test accuracy lost with 60 % of the weights",
        smallest=smallest_effect(low, high),
        verdict=CONFIRMED if row[SIXTY_TEST_ADJUSTED] == REACHES else REFUTED if refuted else UNDECIDED,
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
    " set and family the network of which most can go; it refutes if they surely cost more than a point. P-values are"
    " adjusted by Benjamini and Hochberg.",
    studies=AMPLE,
    rows=redundancies,
    general=False,
)
