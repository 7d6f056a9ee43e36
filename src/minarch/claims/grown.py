"""Optimally deep networks (arXiv 2510.10764): how few layers are enough, and what is left of the parameters."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from minarch.analysis.multiplicity import of_t_intervals
from minarch.claims.claim import CONFIDENCE, CONFIRMED, REFUTED, UNDECIDED, Claim, Row, plural, smallest_effect
from minarch.claims.reports import Reports

KEPT = 0.1  # share of the parameters that may be left
POINTS, FEWER = "points of test accuracy against the full depth", "% fewer parameters than the full depth"


def rows_of(study: str, dataset: str) -> Callable[[Reports], list[Row]]:
    """The rows of residual networks of a study on a data set."""

    def rows(reports: Reports) -> list[Row]:
        table = reports.table(study, "odn")
        searched = table["restart"].notna() & (table["family"] == "resnet") & (table["dataset"] == dataset)
        return [_row(study, row) for _, row in table[searched].iterrows()]

    return rows


def _row(study: str, row: pd.Series) -> Row:
    mean, low, high = (float(row[f"test_difference_points_{end}"]) for end in ("mean", "low", "high"))
    kept, fewest, most = (float(row[f"parameters_share_{end}"]) for end in ("mean", "low", "high"))
    bound, n = -float(row["tolerance_points"]), row["n"]
    p_loss, p_kept = (
        float(of_t_intervals(value - null, lowest - null, highest - null, n, CONFIDENCE))
        for value, lowest, highest, null in ((mean, low, high, bound), (kept, fewest, most, KEPT))
    )
    tests = ((FEWER, p_kept, kept > KEPT), (POINTS, p_loss, mean <= bound))
    against = {unit: p for unit, p, fails in tests if fails}
    shown = min(against, key=against.__getitem__, default=POINTS)  # of what fails, that which is surer
    fewer = [100 * (1 - share) for share in (kept, most, fewest)]
    of_test = Row(
        study=study,
        group=str(row["way"]),
        case=f"{row['dataset']}, {row['tower']}, search by method {row['way']}: depth {row['depths']} of"
        f" {row['full_depth']}, {fewer[0]:.1f} % fewer parameters, {mean:+.2f} points of test accuracy"
        f" [{low:.2f} to {high:.2f}] against the full depth; test {100 * row['test_mean']:.2f} %",
        n=plural(n, "search", "es"),
        effect=mean,
        low=low,
        high=high,
        unit=POINTS,
        null=bound,
        p=min(len(against) * against[shown], 1.0) if against else p_loss,
        verdict=REFUTED if against else CONFIRMED if most <= KEPT else UNDECIDED,
        smallest=smallest_effect(low, high),
    )
    if shown == POINTS:
        return of_test
    effect, lowest, highest = fewer
    least = smallest_effect(lowest, highest) if lowest < highest else None
    return replace(of_test, effect=effect, low=lowest, high=highest, unit=FEWER, null=100 * (1 - KEPT), smallest=least)


RULE = (
    f"The networks that searches end with keep at most {KEPT:.0%} of the parameters (the whole interval), and their"
    " test accuracy less that of the full depth, trained alone, lies above the tolerance that the search was given"
    " (t-test, paired by repeat). Refuted: they keep more, or it lies below: what is surer is shown and judged, its"
    " p-value doubled if both fail. Where all searches end with the same parameters it is that of a sign test, which is"
    " 0.06 at best for five searches."
)
SOURCE = "arXiv 2510.10764, abstract"

MNIST = Claim(
    number="C8",
    title="a few layers of a ResNet are enough for MNIST",
    words="the optimal depths of ResNet-18 and ResNet-34 for MNIST and SVHN, achieve up to 98.64 % and 96.44 %"
    " reduction in memory footprint, while maintaining a competitive accuracy of 99.31 % and 96.08 %, respectively",
    source=SOURCE,
    rule=RULE,
    studies=("depth",),
    rows=rows_of("depth", "mnist"),
    of_sweep=False,
    general=False,
    limits="A ResNet-18 of 4 instead of 64 channels and 5,000 of the 60,000 images: its accuracy is not the paper's,"
    " so what is compared is what a search loses against the full depth.",
)
SVHN = Claim(
    number="C9",
    title="a few layers of a ResNet are enough for SVHN",
    words=MNIST.words,
    source=SOURCE,
    rule=RULE,
    studies=("depth-cuda-svhn",),
    rows=rows_of("depth-cuda-svhn", "svhn"),
    of_sweep=False,
    general=False,
    limits="SVHN was not to be had where these studies were run, nor the GPU that its study asks for.",
)
