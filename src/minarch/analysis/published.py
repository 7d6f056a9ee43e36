"""What arXiv 2510.10764 publishes of its searches, beside what a study's end with (docs/methods.md 3.3).

Compared both ways: a deeper or less accurate network is told, and so is a shallower or more accurate one.
"""

from typing import NamedTuple

import pandas as pd

from minarch.analysis.intervals import TEST
from minarch.analysis.search import TOWER, depths_of

AS_PUBLISHED, CANNOT_TELL = "as published", "cannot tell"
PUBLISHED_NUMBERS = ["published_depth", "published_test", "published_parameters_share"]
COLUMNS = [*TOWER, "way", "n", "depths", "full_depth", "depth_verdict", *TEST, "test_verdict", "parameters_share_mean"]
COLUMNS += PUBLISHED_NUMBERS


class Published(NamedTuple):
    """One run of the paper, of 64 channels in the first stage."""

    depth: int
    test: float  # accuracy, a fraction
    parameters: int
    parameters_full: int


RUNS = {  # by data set and depth of the residual network, as torchvision counts it
    ("mnist", 18): Published(2, 0.9931, 149_322, 11_172_810),
    ("emnist-letters", 18): Published(3, 0.9504, 382_170, 11_181_018),
    ("fashion-mnist", 34): Published(6, 0.9354, 1_044_938, 21_280_970),
    ("svhn", 34): Published(5, 0.9608, 750_666, 21_282_122),
    ("cifar10", 50): Published(11, 0.9335, 6_311_498, 23_520_842),
}


def published_table(odn: pd.DataFrame) -> pd.DataFrame:
    """One row per method of a tower that the paper has a run of, whatever its width.

    Args:
        odn: one row per tower and way (`minarch.reporting.tables.search`).
    """
    runs = {(dataset, f"resnet-depth{blocks}"): run for (dataset, blocks), run in RUNS.items()}
    rows = []
    for _, row in odn[odn["restart"].notna()].iterrows():
        run = runs.get((row["dataset"], "-".join(row["tower"].split("-")[:2])))
        if run is not None:
            verdicts = {"depth_verdict": against_depth(depths_of(row["depths"]), run.depth)}
            verdicts["test_verdict"] = against_test(row[TEST.low], row[TEST.high], run.test)
            numbers = (run.depth, run.test, run.parameters / run.parameters_full)
            rows.append({**row, **verdicts, **dict(zip(PUBLISHED_NUMBERS, numbers, strict=True))})
    return pd.DataFrame(rows, columns=COLUMNS)


def against_depth(depths: list[int], published: int) -> str:
    """Whether the repeats' depths are the published one, all of them on one side of it, or neither."""
    if set(depths) == {published}:
        return AS_PUBLISHED
    return "deeper" if min(depths) > published else "shallower" if max(depths) < published else "around it"


def against_test(low: float, high: float, published: float) -> str:
    """On which side of the interval of a mean the published accuracy, of one run, lies; without one nobody can tell."""
    if pd.isna(low):
        return CANNOT_TELL
    return "higher" if low > published else "lower" if high < published else "no difference shown"
