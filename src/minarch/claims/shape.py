"""Accuracy and shape at equal size (arXiv 2601.17987)."""

import math

import pandas as pd

from minarch.claims.claim import CONFIRMED, REFUTED, Claim, Row, smallest_of_limit
from minarch.claims.reports import Reports

STUDIES = ("shape", "phase1")


def rows(reports: Reports) -> list[Row]:
    """A case for each group of shapes of equal size on test images, but for those below P_min."""
    return [
        _row(study, row, at_least=reports.p_min_at_most(study, row["dataset"], row["family"]))
        for study in STUDIES
        for _, row in reports.table(study, "equivalence").query("split == 'test' and not p_min_multiple < 1").iterrows()
    ]


def _row(study: str, row: pd.Series, *, at_least: bool) -> Row:
    """`at_least`: P_min is the smallest size that was run, so that the size may be a larger multiple."""
    effect, high = float(row["largest_difference_points"]), float(row["largest_difference_points_high"])
    multiple, alike = float(row["p_min_multiple"]), float(row["p_equivalent"]) < float(row["p_different"])
    where = "P_min unknown" if math.isnan(multiple) else f"{'at least ' if at_least else ''}{multiple:.1f} P_min"
    return Row(
        study=study,
        group=str(row["dataset"]),
        case=f"{row['dataset']}, {row['family']}: {row['parameters']:,.0f} to {row['parameters_largest']:,.0f}"
        f" parameters ({where})",
        n=f"{row['architectures']:.0f} shapes, {row['runs']:.0f} trainings",
        effect=effect,
        low=float(row["largest_difference_points_low"]),
        high=high,
        unit="points of test accuracy between the best and the worst shape",
        null=float(row["margin_points"]),
        p=None if math.isnan(multiple) else float(row["p_equivalent"] if alike else row["p_different"]),
        verdict=CONFIRMED if alike else REFUTED,
        smallest=smallest_of_limit(effect, high),
    )


CLAIM = Claim(
    number="C2",
    title="accuracy does not depend on shape at equal size",
    words="despite architectural diversity, performance is largely invariant",
    source="arXiv 2601.17987, abstract",
    rule="Shapes within 2 % of one number of parameters are equivalent if no two of them differ by a point of test"
    " accuracy (two one-sided tests of each pair); refuted where two surely differ by more than a point. Limits are"
    " one-sided. Groups from the family's P_min on, that of the depth that needs least: below it no shape learns"
    " reliably.",
    studies=STUDIES,
    limits="Shapes of multilayer perceptrons alone: layers that grow, shrink or stay equal, also to a few units"
    " before the last layer. Near P_min some depths learn and others do not yet, which is a difference of shape, too.",
    rows=rows,
)
