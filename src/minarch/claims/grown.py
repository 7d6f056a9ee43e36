"""Optimally deep networks (arXiv 2510.10764): how few layers are enough, and what is left of the parameters."""

from collections.abc import Callable, Sequence

import pandas as pd

from minarch.analysis.multiplicity import adjust, of_t_intervals
from minarch.claims.claim import CONFIRMED, REFUTED, UNDECIDED, Claim, Row, smallest_effect
from minarch.claims.reports import Reports

STUDY = "depth"
LOST = 0.5  # points of accuracy that the paper's tolerance allows
KEPT = 0.1  # share of the parameters that may be left
CONFIDENCE = 0.95


def rows_of(datasets: Sequence[str]) -> Callable[[Reports], list[Row]]:
    """The rows of residual networks on some data sets."""

    def rows(reports: Reports) -> list[Row]:
        table = reports.table(STUDY, "odn")
        searched = table[table["restart"].notna() & (table["family"] == "resnet") & table["dataset"].isin(datasets)]
        mean, low, high = (searched[f"test_difference_points_{end}"] + LOST for end in ("mean", "low", "high"))
        adjusted = adjust(of_t_intervals(mean, low, high, searched["n"], CONFIDENCE))
        return [_row(row, p) for (_, row), p in zip(searched.iterrows(), adjusted, strict=True)]

    return rows


def _row(row: pd.Series, p: float) -> Row:
    low, high = (float(row[f"test_difference_points_{end}"]) for end in ("low", "high"))
    mean, kept = float(row["test_difference_points_mean"]), float(row["parameters_share_mean"])
    return Row(
        study=STUDY,
        group=str(row["way"]),
        case=f"{row['dataset']}, {row['tower']}, method {row['way']}: depth {row['depths']} of {row['full_depth']},"
        f" {100 * (1 - kept):.1f} % fewer parameters, test {100 * row['test_mean']:.2f} %",
        n=f"{row['n']:.0f} searches",
        effect=mean,
        low=low,
        high=high,
        unit="points of test accuracy against the full depth",
        smallest=smallest_effect(low, high),
        verdict=_verdict(mean, p, kept),
    )


def _verdict(mean: float, p: float, kept: float) -> str:
    """As accurate but for LOST points, by at most a tenth of the parameters; `p`: of a difference of just LOST."""
    if kept > KEPT:
        return REFUTED
    if p <= 1 - CONFIDENCE:
        return CONFIRMED if mean > -LOST else REFUTED
    return UNDECIDED


RULE = (
    f"The network that a search ends with keeps at most {KEPT:.0%} of the parameters, and its test accuracy less that"
    f" of the full depth, trained alone, lies surely above -{LOST} points (the paper's tolerance; t-test, p adjusted by"
    " Benjamini and Hochberg over the searches at most 5 %). Refuted: it keeps more, or lies surely below."
)
SOURCE = "arXiv 2510.10764, abstract"

MNIST = Claim(
    number="C8",
    title="a few layers of a ResNet are enough for MNIST",
    words="the optimal depths of ResNet-18 and ResNet-34 for MNIST and SVHN, achieve up to 98.64 % and 96.44 %"
    " reduction in memory footprint, while maintaining a competitive accuracy of 99.31 % and 96.08 %, respectively",
    source=SOURCE,
    rule=RULE,
    studies=(STUDY,),
    rows=rows_of(["mnist"]),
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
    studies=(STUDY,),
    rows=rows_of(["svhn"]),
    of_sweep=False,
    general=False,
    limits="SVHN was not to be had where these studies were run; params/depth-cuda-svhn.yaml is the study for it.",
)
