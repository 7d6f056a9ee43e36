"""Resistance to pruning: depth, and how much is redundant (arXiv 2601.17987)."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from minarch.analysis.intervals import of_mean
from minarch.analysis.multiplicity import P_VALUE, of_column
from minarch.analysis.phases import PLATEAU_POINTS
from minarch.analysis.records import MODEL
from minarch.analysis.regimes import UNSTABLE
from minarch.claims.claim import CONFIDENCE, CONFIRMED, REFUTED, Claim, Row, plural, smallest_effect
from minarch.claims.reports import Reports
from minarch.reporting.tables.magnitude import SIXTY_DROP, SURELY

STUDY, AMPLE = "redundancy", ("redundancy", "ample")
SOURCE = "arXiv 2601.17987, abstract"
SCOPES = {"global": "over the whole network", "layer": "within each layer"}
LOSS = of_mean(SIXTY_DROP)


def trained(row: pd.Series) -> str:
    return "fine-tuned" if row["finetuned"] else "not fine-tuned"


def slopes(reports: Reports) -> list[Row]:
    """A case for each fit of retained accuracy on depth and size."""
    table = reports.table(STUDY, "depth").query("measure == 'area' and covers == 'other models'")
    levels = reports.table(STUDY, "magnitude").query("level > 0").groupby(["finetuned", "scope"])["level"].nunique()
    return [_slope(row, int(levels[row["finetuned"], row["scope"]])) for _, row in table.iterrows()]


def _slope(row: pd.Series, levels: int) -> Row:
    low, high, slope = float(row["low"]), float(row["high"]), float(row["slope_points"])
    return Row(
        study=STUDY,
        group=str(row["dataset"]),
        case=f"{row['dataset']}, {row['family']}, pruned {SCOPES[row['scope']]}, {trained(row)}"
        f" ({plural(levels, 'level')}), at equal {row['at_equal']}",
        n=f"{row['models']:.0f} models, {row['runs']:.0f} networks",
        effect=slope,
        low=low,
        high=high,
        unit="points of retained accuracy per further layer (area under the curve)",
        p=float(row[P_VALUE]),
        verdict=CONFIRMED if slope > 0 else REFUTED,
        smallest=smallest_effect(low, high),
    )


def unlearned(reports: Reports, judged: Sequence[Row]) -> str:
    """How many models of the fits are unstable."""
    depth, sizes = (reports.table(STUDY, name) for name in ("depth", "sizes"))
    curves = reports.table(STUDY, "redundancy")[MODEL].drop_duplicates().merge(sizes, on=MODEL)
    fitted = curves.merge(depth[["dataset", "family"]].drop_duplicates())
    unstable = fitted[fitted["regime"] == UNSTABLE].groupby("dataset").size()
    where = ", ".join(f"{count} on {dataset}" for dataset, count in unstable.items()) or "none"
    return f"Of the {plural(len(fitted), 'model')} of all fits are unstable: {where}."


def redundancies(reports: Reports) -> list[Row]:
    """A case for each study, data set and family: its curve from P_min on of which 60 % most surely can go."""
    cases = []
    for study in AMPLE:
        sizes = reports.table(study, "sizes")
        table = reports.table(study, "redundancy", LOSS).merge(
            sizes[["dataset", "family", "architecture", "parameters"]], on=["dataset", "family", "architecture"]
        )
        for (dataset, family), curves in table.groupby(["dataset", "family"]):
            from_p_min = curves["parameters"] >= reports.p_min(study, str(dataset), str(family))
            untested = Row(
                study=study,
                group=str(family),
                case=f"{dataset}, {family}: no curve from P_min on",
                n="0 networks",
                unit="points of test accuracy lost with 60 % of the weights",
                null=PLATEAU_POINTS,
            )
            cases.append(_redundancy(untested, curves[from_p_min & curves[LOSS.value].notna()]))
    return cases


def _redundancy(untested: Row, curves: pd.DataFrame) -> Row:
    """Of the curves of a data set and family the best: each could confirm, so its p-value is multiplied by their
    number; all others refute where it does.
    """
    if curves.empty:
        return untested
    to_margin = curves.assign(n=curves["retention_n"], **{name: curves[name] - PLATEAU_POINTS for name in LOSS})
    p = pd.Series(of_column(to_margin, LOSS, CONFIDENCE), curves.index)  # two-sided, of a loss of just the margin
    less = curves[LOSS.value] < PLATEAU_POINTS
    best = p.where(less, 2 - p).sort_values(kind="stable").index[0]  # by the one-sided p of a loss below the margin
    row = curves.loc[best]
    loss, low, high = (float(row[column]) for column in LOSS)
    return replace(
        untested,
        case=f"{row['dataset']}, {row['architecture']}, pruned {SCOPES[row['scope']]}, {trained(row)}: by this curve"
        f" alone {row[SURELY]:.0%} can surely go",
        n=f"{plural(row['retention_n'], 'network')}, best of {plural(len(curves), 'curve')}",
        effect=loss,
        low=low,
        high=high,
        p=min(p[best] * len(curves), 1.0) if less[best] else float(p[best]),
        verdict=CONFIRMED if less[best] else REFUTED,
        smallest=smallest_effect(low, high),
    )


DEPTH = Claim(
    number="C4",
    title="deeper networks resist pruning better",
    words="deeper architectures are more resilient to pruning than shallower ones",
    source=SOURCE,
    rule="The area under retained test accuracy above chance, over the share of weights pruned, grows with depth in a"
    " linear fit on depth and the logarithm of the size or width over eight models or more; refuted: it falls.",
    studies=(STUDY,),
    rows=slopes,
    remark=unlearned,
    limits="Only of multilayer perceptrons there are enough depths and sizes. The area is judged because all levels"
    " count for it; by the end of the plateau, the last level that costs next to nothing, less is told apart (the"
    " study's report).",
)
REDUNDANCY = Claim(
    number="C5",
    title="60 % of the weights can be redundant",
    words="parameter redundancy as high as 60%",
    source=SOURCE,
    rule="Of some network from P_min on 60 % of the weights, the smallest ones, can be set to zero for less than a"
    " point of test accuracy (t-test, paired by repeat, of the repeats that learned). Of each data set and family the"
    " curve that shows it best, its p-value times the number of curves, which the interval does not pay for; refuted:"
    " even it costs more than a point.",
    studies=AMPLE,
    rows=redundancies,
    general=False,
)
