"""Verdicts on similarity: on simulated studies whose truth is known, and what the tables say."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control
from similarity_studies import simulate

from minarch.statistics.contrast import Contrast
from minarch.statistics.verdicts import (
    BY_SIZE,
    FAILS,
    HOLDS,
    NEITHER,
    OPEN,
    WITHIN,
    Compared,
    blocks_table,
    verdicts_table,
)

STUDIES: dict[str, dict[str, Any]] = {
    WITHIN: {"architectures": 3, "repeats": 24},
    BY_SIZE: {"architectures": 12, "repeats": 8, "accuracy": 1.0},
}
NOTHING = {  # what makes no difference by training; in all of them larger networks are more alike
    "nothing": {},
    "untrained networks differ alike": {"untrained": 0.3},
}


@pytest.mark.slow
@pytest.mark.parametrize("comparison", STUDIES)
@pytest.mark.parametrize("nothing", NOTHING)
def test_without_an_effect_hardly_any_study_says_that_it_holds(comparison: str, nothing: str) -> None:
    """Of 200 studies at most 5 % have any row that says so, or the opposite."""
    tables = [simulate(seed, **STUDIES[comparison], **NOTHING[nothing]) for seed in range(200)]
    for verdict in (HOLDS, FAILS):
        assert np.mean([(table["verdict"] == verdict).any() for table in tables]) <= 0.05
    told = pd.concat(tables).query("verdict != @NEITHER")
    assert set(told["comparison"]) == {comparison} and len(told) >= 0.5 * sum(map(len, tables))


@pytest.mark.slow
@pytest.mark.parametrize(("comparison", "ratio"), [(WITHIN, 1.3), (BY_SIZE, 3.0)])
def test_an_effect_is_told(comparison: str, ratio: float) -> None:
    """Poor networks that training leaves `ratio` times as far away."""
    tables = [simulate(seed, **STUDIES[comparison], trained=np.log(ratio)) for seed in range(40)]
    assert np.mean([(table["verdict"] == HOLDS).any() for table in tables]) >= 0.8
    if comparison == WITHIN:
        held = pd.concat(tables).groupby("scope")["verdict"].agg(lambda verdicts: (verdicts == HOLDS).mean())
        assert (held >= 0.8).all()


def test_the_opposite_is_told() -> None:
    tables = [simulate(seed, **STUDIES[WITHIN], trained=-np.log(1.5)) for seed in range(5)]
    assert (pd.concat(tables)["verdict"] == FAILS).mean() >= 0.8


def contrast(trained: float, untrained: float, width: float, reached: tuple[int, int] = (0, 0)) -> Contrast:
    """Log ratios of one distance, half-widths of their intervals, and permutations that reach them."""
    influences = np.zeros((3, 2, 2))
    influences[2] = width / 2.5 / np.sqrt(2)
    permuted = np.zeros((999, 2))
    for column, (ratio, number) in enumerate(zip((trained, untrained), reached, strict=True)):
        permuted[:number, column] = 2 * ratio
    return Contrast(
        means=np.array([[0.0, 0.0], [0.0, 0.0], [trained, untrained]]),
        influences=influences * np.array([1.0, 0.5]),
        permuted=permuted,
        freedom=20,
        exact=True,
        pairs=(3, 9, 3),
        networks=(3, 3),
        architectures=1,
    )


def compared(made: Contrast | None, scope: str = "one", comparison: str = WITHIN) -> Compared:
    return Compared(scope=scope, quantity="weights", comparison=comparison, distances=[("js", True)], contrast=made)


@pytest.mark.parametrize(
    ("trained", "untrained", "width", "reached", "verdict"),
    [
        (0.5, 0.0, 0.1, (0, 0), HOLDS),
        (0.5, 0.0, 0.1, (100, 0), OPEN),  # chance gives as large a ratio
        (0.5, 0.5, 0.1, (0, 0), OPEN),  # so were they before training
        (0.5, 0.0, 2.0, (0, 0), OPEN),  # the interval holds no difference
        (-0.5, 0.0, 0.1, (0, 0), FAILS),
        (-0.5, -0.5, 0.1, (0, 0), OPEN),
    ],
)
def test_rules_of_verdicts(
    trained: float, untrained: float, width: float, reached: tuple[int, int], verdict: str
) -> None:
    (row,) = verdicts_table([compared(contrast(trained, untrained, width, reached))], 0.95).to_dict("records")
    assert row["verdict"] == verdict and row["comparison"] == WITHIN and row["networks"] == 6
    assert row["difference"] == pytest.approx(trained - untrained)
    assert row["p_value"] == max(row["p_trained"], row["p_difference"])
    assert row["log_ratio_low"] < row["log_ratio"] < row["log_ratio_high"]


def test_p_values_are_adjusted_over_all_rows_that_have_one() -> None:
    reached = [0, 20, 30, 400]
    rows = [compared(contrast(0.5, 0.0, 0.1, (number, 0)), f"scope {number}") for number in reached]
    table = verdicts_table([*rows, compared(None, "none")], 0.95)
    assert table["p_value"].tolist()[:4] == [(1 + number) / 1000 for number in reached]
    assert table["p_adjusted"].tolist()[:4] == pytest.approx(false_discovery_control(table["p_value"][:4]))
    assert table["verdict"].tolist() == [HOLDS, HOLDS, HOLDS, OPEN, NEITHER]
    assert table.loc[4, ["comparison", "networks"]].tolist() == ["", 0] and np.isnan(table.loc[4, "log_ratio"])


def test_the_first_comparison_that_can_be_made_decides() -> None:
    made, other = contrast(0.5, 0.0, 0.1), contrast(0.7, 0.0, 0.1)
    both = [compared(other, comparison=BY_SIZE), compared(made)]
    assert verdicts_table(both, 0.95)["comparison"].tolist() == [WITHIN]
    one = [compared(other, comparison=BY_SIZE), compared(None)]
    assert verdicts_table(one, 0.95)[["comparison", "log_ratio"]].to_numpy().tolist() == [[BY_SIZE, 0.7]]
    assert verdicts_table([], 0.95).empty


def test_blocks_are_geometric_means_whose_ratio_stands_beside_them() -> None:
    table = blocks_table([compared(contrast(np.log(2), 0.0, 0.1)), compared(None)], 0.95)
    assert table["networks"].tolist() == ["trained"] * 3 + ["untrained"] * 3
    assert table["mean"].tolist() == pytest.approx([1, 1, 2, 1, 1, 1])
    assert table["ratio"].tolist() == pytest.approx([2] * 3 + [1] * 3)
    assert table[["networks_good", "networks_poor", "pairs"]].to_numpy()[:3].tolist() == [
        [3, 0, 3],
        [3, 3, 9],
        [0, 3, 3],
    ]
