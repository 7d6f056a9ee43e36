"""Searches over accuracies whose ends are known, and verdicts on their borders."""

import numpy as np
import pandas as pd
import pytest

from minarch.analysis.search import (
    BINARY,
    CLAIMS,
    CLIMB,
    FAILS,
    FULL,
    HOLDS,
    NOT_ASKED,
    NOT_SHOWN,
    OF_CLIMB,
    PARTS,
    RUN,
    Search,
    alternatives,
    at_least,
    below,
    binary,
    climb,
    one_depth,
    paired,
    verdicts,
)

TOWER = {"dataset": "digits", "family": "dnn", "tower": "dnn-depth4"}
RISING = {1: 0.5, 2: 0.7, 3: 0.9, 4: 0.92, 8: 0.93}
COST = {1: 10, 2: 20, 3: 30, 4: 40, 8: 80}  # MACs of training; validation costs a tenth


@pytest.mark.parametrize(
    ("threshold", "climbed", "halved"),
    [
        (0.4, Search([1], 1, met=True), Search([3, 2, 1], 1, met=True)),
        (0.6, Search([1, 2], 2, met=True), Search([3, 2, 1], 2, met=True)),
        (0.9, Search([1, 2, 3], 3, met=True), Search([3, 2], 3, met=True)),
        (0.91, Search([1, 2, 3, 4], 4, met=True), Search([3, 8, 4], 4, met=True)),
        (0.93, Search([1, 2, 3, 4, 8], 8, met=True), Search([3, 8, 4], 8, met=True)),
        (0.95, Search([1, 2, 3, 4, 8], 8, met=False), Search([3, 8], 8, met=False)),
    ],
)
def test_both_searches_end_with_the_shallowest_depth_where_accuracy_rises(threshold, climbed, halved) -> None:
    assert climb(RISING, threshold) == climbed and binary(RISING, threshold) == halved


def test_a_binary_search_goes_wrong_where_accuracy_falls_with_depth() -> None:
    falling = {1: 0.95, 2: 0.9, 3: 0.8, 4: 0.95}
    assert climb(falling, 0.94) == Search([1], 1, met=True)
    assert binary(falling, 0.94) == Search([3, 4], 4, met=True)
    lost = {1: 0.95, 2: 0.9, 3: 0.8, 4: 0.7}
    assert binary(lost, 0.94) == Search([3, 4], 3, met=False)


def test_of_equally_good_depths_the_shallowest_is_taken() -> None:
    assert climb({1: 0.5, 2: 0.7, 3: 0.7, 4: 0.6}, 0.9) == Search([1, 2, 3, 4], 2, met=False)


def test_an_accuracy_on_the_threshold_meets_it_whatever_rounding_does() -> None:
    assert climb({1: 0.1 + 0.2, 2: 0.9}, 0.3).depth == climb({1: 0.3, 2: 0.9}, 0.1 + 0.2).depth == 1


def test_one_depth_is_no_search_but_has_an_end() -> None:
    assert climb({4: 0.9}, 0.8) == binary({4: 0.9}, 0.8) == Search([4], 4, met=True)


def runs(accuracies: dict[int, list[float]], way: str = "alone") -> pd.DataFrame:
    """A row per depth and repeat; test accuracy is a point lower, parameters and MACs are ten times the depth."""
    rows = [
        TOWER
        | {"way": way, "repeat": repeat, "depth": depth, "met": True, "parameters": 10 * depth, "macs": 10 * depth}
        | {"validation": accuracy, "test": accuracy - 0.01, "unstable": False}
        | dict.fromkeys(PARTS, 0)
        | {"cost_search": COST[depth], "cost_validation": COST[depth] / 10}
        for depth, of_depth in accuracies.items()
        for repeat, accuracy in enumerate(of_depth)
    ]
    return pd.DataFrame(rows, columns=RUN)


def test_alternatives_pay_for_every_depth_that_they_train() -> None:
    alone = runs({1: [0.5, 0.95], 2: [0.7, 0.7], 3: [0.9, 0.9], 4: [0.92, 0.92], 8: [0.93, 0.93]})
    table = alternatives(alone, 0.9).set_index(["way", "repeat"])
    assert table.loc[CLIMB, "depth"].tolist() == [3, 1] and table.loc[BINARY, "depth"].tolist() == [3, 3]
    assert table.loc[CLIMB, "cost_search"].tolist() == [10 + 20 + 30, 10]
    assert table.loc[BINARY, "cost_search"].tolist() == [30 + 20, 30 + 20]
    assert table["cost_validation"].tolist() == pytest.approx((table["cost_search"] / 10).tolist())
    assert table.loc[(CLIMB, 0), ["parameters", "validation", "test"]].tolist() == pytest.approx([30, 0.9, 0.89])
    assert table["met"].all()


def judged(alone: pd.DataFrame, method: pd.DataFrame, threshold: float = 0.9, tolerance: float = 1.0) -> pd.DataFrame:
    """The verdicts of the full depth, the alternatives and a method, by way."""
    full = alone[alone["depth"] == alone["depth"].max()].assign(way=FULL)
    every = pd.concat([full, alternatives(alone, threshold), method]).assign(tolerance_points=tolerance)
    return verdicts(paired(every), 0.95).set_index("way")


STEADY = np.array([0.0, 0.001, -0.001])
ALONE = runs({depth: (accuracy + STEADY).tolist() for depth, accuracy in RISING.items()})


def test_a_smaller_cheaper_network_that_is_as_good_holds_in_all() -> None:
    method = runs({4: [0.925, 0.926, 0.924]}, "odn").assign(cost_warmup=1)
    row = judged(ALONE, method, threshold=0.91).loc["odn"]
    assert row["test_difference_points_mean"] == pytest.approx(-0.5) and row["n"] == 3
    assert row[["test_difference_points_low", "test_difference_points_high"]].tolist() == pytest.approx([-0.5, -0.5])
    assert row[["parameters_share_mean", "macs_share_low"]].tolist() == [0.5, 0.5]
    assert row["cost_mean"] == pytest.approx(45 / 88) and row["cost_difference_high"] == pytest.approx(45 / 88 - 1)
    assert row["climb_cost_difference_mean"] == pytest.approx((45 - 110) / 88)
    assert row[CLAIMS].tolist() == [HOLDS] * len(CLAIMS)


def test_full_depth_by_another_name_is_neither_smaller_nor_cheaper() -> None:
    same = ALONE[ALONE["depth"] == 8].assign(way="odn")
    row = judged(ALONE, same, threshold=0.95).loc["odn"]
    claims = ["as_good", "fewer_parameters", "fewer_macs", "cheaper", "better_than_climb"]
    assert row[claims].tolist() == [HOLDS, FAILS, FAILS, FAILS, FAILS]
    assert row["cheaper_than_climb"] == HOLDS  # which trains every depth to end with the same


def test_exactly_the_tolerance_is_as_good_and_more_is_not() -> None:
    for lost, verdict in {0.0100: HOLDS, 0.0101: FAILS}.items():
        method = runs({3: (0.93 - lost + STEADY).tolist()}, "odn")
        assert judged(ALONE, method).loc["odn", "as_good"] == verdict


def test_an_interval_around_the_limit_shows_nothing() -> None:
    method = runs({3: [0.93, 0.92, 0.91]}, "odn")
    row = judged(ALONE, method).loc["odn"]
    assert row["test_difference_points_low"] < -1 < row["test_difference_points_high"] and row["as_good"] == NOT_SHOWN


def test_one_repeat_shows_nothing() -> None:
    alone = ALONE[ALONE["repeat"] == 0]
    row = judged(alone, runs({3: [0.93]}, "odn")).loc["odn"]
    assert row["n"] == 1 and row["test_difference_points_mean"] == pytest.approx(0)
    assert pd.isna(row["test_difference_points_low"]) and row[CLAIMS].tolist() == [NOT_SHOWN] * len(CLAIMS)


def test_repeats_that_end_with_several_depths_do_not_agree() -> None:
    method = pd.concat([runs({3: [0.9]}, "odn"), runs({4: [0.92, 0.92, 0.92]}, "odn").query("repeat > 0")])
    row = judged(ALONE, method).loc["odn"]
    assert row["one_depth"] == FAILS and row["n"] == 3
    assert row["parameters_share_mean"] == pytest.approx((3 + 4 + 4) / 24)
    assert row["parameters_share_low"] < row["parameters_share_mean"] < row["parameters_share_high"]
    assert one_depth(pd.Series([3, 3])) == HOLDS and one_depth(pd.Series([3])) == NOT_SHOWN


def test_what_is_compared_with_itself_is_not_asked() -> None:
    table = judged(ALONE, runs({3: [0.9, 0.9, 0.9]}, "odn"), threshold=0.89)
    assert set(table.loc[FULL, CLAIMS]) == {NOT_ASKED}
    assert set(table.loc[CLIMB, OF_CLIMB]) == {NOT_ASKED} and table.loc[CLIMB, "cheaper"] == HOLDS
    assert NOT_ASKED not in set(table.loc[BINARY, CLAIMS])


def test_without_every_depth_alone_nothing_is_compared_with_the_climb() -> None:
    full = ALONE[ALONE["depth"] == 8].assign(way=FULL)
    every = pd.concat([full, runs({3: [0.9, 0.91, 0.9]}, "odn")]).assign(tolerance_points=1.0)
    row = verdicts(paired(every), 0.95).set_index("way").loc["odn"]
    assert set(row[OF_CLIMB]) == {NOT_ASKED} and row["fewer_parameters"] == HOLDS
    assert pd.isna(row["climb_cost_difference_mean"])


@pytest.mark.parametrize(
    ("low", "high", "least", "less"),
    [
        (0.0, 0.0, HOLDS, FAILS),
        (-1e-15, -1e-15, HOLDS, FAILS),  # rounding
        (-0.1, 0.1, NOT_SHOWN, NOT_SHOWN),
        (-0.1, -0.01, FAILS, HOLDS),
        (0.1, 0.2, HOLDS, FAILS),
        (np.nan, np.nan, NOT_SHOWN, NOT_SHOWN),
    ],
)
def test_a_claim_holds_by_its_whole_interval(low: float, high: float, least: str, less: str) -> None:
    assert at_least(low, high, 0.0) == least and below(low, high, 0.0) == less


def test_the_order_of_rows_changes_nothing() -> None:
    method = runs({3: [0.9, 0.93, 0.91]}, "odn")
    shuffled = judged(ALONE.sample(frac=1, random_state=1), method.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(judged(ALONE, method), shuffled)
