"""Accuracy and shape at equal size (arXiv 2601.17987)."""

import math

import pandas as pd

from minarch.claims.claim import CONFIRMED, REFUTED, Claim, Row, smallest_of_limit
from minarch.claims.reports import Reports

STUDIES = ("shape", "phase1")
ALL_LEARN = "all shapes at or above the P_min of their depth"
SOME_BELOW = "some shapes below the P_min of their depth"


def rows(reports: Reports) -> list[Row]:
    """A case for each group of shapes of equal size on test images, but for those below P_min."""
    return [
        _row(
            study,
            row,
            below=_below(reports, study, row),
            at_least=reports.p_min_at_most(study, row["dataset"], row["family"]),
        )
        for study in STUDIES
        for _, row in reports.table(study, "equivalence").query("split == 'test' and not p_min_multiple < 1").iterrows()
    ]


def _below(reports: Reports, study: str, row: pd.Series) -> int:
    """How many shapes of a group are smaller than the P_min of their own depth, or of a depth that has none."""
    sizes = reports.table(study, "sizes").query("dataset == @row.dataset and family == @row.family")
    group = sizes[sizes["parameters"].between(row["parameters"], row["parameters_largest"])]
    p_min = [reports.p_min(study, row["dataset"], row["family"], f"{depth:.0f}") for depth in group["depth"]]
    return int((~(group["parameters"] >= p_min)).sum())


def _row(study: str, row: pd.Series, *, below: int, at_least: bool) -> Row:
    """`at_least`: P_min is the smallest size that was run, so that the size may be a larger multiple."""
    effect, high = float(row["largest_difference_points"]), float(row["largest_difference_points_high"])
    multiple, alike = float(row["p_min_multiple"]), float(row["p_equivalent"]) < float(row["p_different"])
    where = "P_min unknown" if math.isnan(multiple) else f"{'at least ' if at_least else ''}{multiple:.1f} P_min"
    return Row(
        study=study,
        group=SOME_BELOW if below else ALL_LEARN,
        case=f"{row['dataset']}, {row['family']}: {row['parameters']:,.0f} to {row['parameters_largest']:,.0f}"
        f" parameters ({where}{f', {below} of the shapes below that of their depth' if below else ''})",
        n=f"{row['architectures']:.0f} shapes, {row['runs']:.0f} trainings",
        effect=effect,
        low=float(row["largest_difference_points_low"]),
        high=high,
        unit="points of test accuracy between the best and the worst shape",
        null=float(row["margin_points"]),
        p=None if math.isnan(multiple) else float(row["p_equivalent"] if alike else row["p_different"]),
        verdict=CONFIRMED if alike else REFUTED,
        smallest=smallest_of_limit(effect, high) if alike else None,
    )


CLAIM = Claim(
    number="C2",
    title="accuracy does not depend on shape at equal size",
    words="despite architectural diversity, performance is largely invariant",
    source="arXiv 2601.17987, abstract",
    rule="Shapes within 2 % of one number of parameters are equivalent if no two of them differ by a point of test"
    " accuracy (two one-sided tests of each pair); refuted where two surely differ by more than a point. Each limit is"
    " one-sided, of 95 %. Groups from the family's P_min on, that of the depth that needs least: below it no shape"
    " learns reliably.",
    studies=STUDIES,
    limits="The abstract says largely; here it is taken for always, to a point of accuracy. Shapes of multilayer"
    " perceptrons alone: layers that grow, shrink or stay equal, also to a few units before the last layer. Some depths"
    " learn from a size on at which others do not yet: that is a difference of shape, too, but one that ends where all"
    " learn.",
    rows=rows,
)
