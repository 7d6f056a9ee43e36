"""Verdicts on networks that were pruned while they were trained: curves whose differences are known."""

import numpy as np
import pandas as pd
import pytest

from minarch.analysis.complexity import (
    AT_EQUAL_MACS,
    AT_EQUAL_NU,
    BETTER,
    CANNOT_TELL,
    CURVE,
    FEWEST_NU,
    TRADEOFF,
    WORSE,
    at_equal_macs,
    beats_either,
    between_betas,
    of_curves,
    of_points,
    pairs,
    verdict,
)
from minarch.analysis.search import FAILS, HOLDS, NOT_SHOWN

WHOLE = {"dataset": "digits", "family": "vit", "whole": "vit-depth2", "alpha": 0.5}
NUS = [0.3, 1.0, 3.0, 10.0, 30.0]
SHARES = [0.9, 0.6, 0.4, 0.2, 0.1]
REPEATS = range(4)


def curve(beta: float, top: float, way: str = "gated", spread: float = 0.0, shares: list[float] = SHARES) -> list[dict]:
    """A row per nu and repeat: accuracy is a line in log(share); every other repeat is better by `spread`, or worse."""
    return [
        WHOLE
        | {"beta": beta, "nu": nu, "way": way, "repeat": repeat, "status": "ok", "macs_share": share}
        | {"test": top + 0.05 * np.log(share) + (-1) ** repeat * spread}
        for nu, share in zip(NUS, shares, strict=False)
        for repeat in REPEATS
    ]


def table(*curves: list[dict]) -> pd.DataFrame:
    return pd.DataFrame([row for rows in curves for row in rows])


def points(shares: list[float], accuracies: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(shares), np.array(accuracies)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 0.3, BETTER),
        (-0.3, -0.1, WORSE),
        (-0.1, 0.3, CANNOT_TELL),
        (0.0, 0.3, CANNOT_TELL),
        (0.0, 0.0, CANNOT_TELL),
        (1e-12, 1e-12, CANNOT_TELL),  # rounding shows no difference
        (np.nan, np.nan, CANNOT_TELL),
    ],
)
def test_a_verdict_takes_an_interval_without_zero(low: float, high: float, expected: str) -> None:
    assert verdict(low, high) == expected


def test_parallel_curves_differ_by_their_distance_over_the_range_that_both_span() -> None:
    x, y = np.array([0.1, 0.4, 0.9]), np.array([0.05, 0.2, 0.5])
    mean, low, high = at_equal_macs((x, 0.9 + 0.1 * np.log(x)), (y, 0.88 + 0.1 * np.log(y)))
    assert (mean, low, high) == pytest.approx((0.02, 0.1, 0.5))


def test_the_mean_of_a_bent_curve_is_its_integral() -> None:
    """A tent in log(share), one high in the middle, against zero: a half; and it is cut where the other one ends."""
    tent, zero = points([0.01, 0.1, 1.0], [0.0, 1.0, 0.0]), points([0.001, 1.0], [0.0, 0.0])
    assert at_equal_macs(tent, zero)[0] == pytest.approx(0.5)
    assert at_equal_macs(zero, tent)[0] == pytest.approx(-0.5)
    half = points([0.1 * np.sqrt(0.1), 0.1], [0.0, 0.0])
    assert at_equal_macs(tent, half)[0] == pytest.approx(0.75)


def test_points_may_come_in_any_order_and_of_equal_macs_the_mean_is_taken() -> None:
    twice = points([0.5, 0.1, 0.5], [0.8, 0.6, 1.0])
    assert at_equal_macs(twice, points([0.1, 0.5], [0.6, 0.9])) == pytest.approx((0.0, 0.1, 0.5))


@pytest.mark.parametrize(
    "other",
    [
        points([], []),
        points([0.3], [0.9]),
        points([0.3, 0.3], [0.9, 0.8]),
        points([0.01, 0.1], [0.9, 0.8]),  # they touch
        points([0.01, 0.02], [0.9, 0.8]),
    ],
)
def test_without_a_common_range_there_is_no_difference(other: tuple[np.ndarray, np.ndarray]) -> None:
    curve = points([0.1, 0.5], [0.8, 0.9])
    assert np.isnan(at_equal_macs(curve, other)).all() and np.isnan(at_equal_macs(other, curve)).all()


def test_differences_are_paired_by_repeat() -> None:
    """Repeats scatter by ten points, differences by none."""
    paired = pairs(table(curve(0, 0.9, spread=0.1), curve(0, 0.87, "l1", spread=0.1)))
    assert paired["test_difference_points"].to_numpy() == pytest.approx(3.0) and paired["both_ok"].all()
    rows = of_points(paired, 0.95)
    assert len(rows) == len(NUS) and (rows["n"] == len(REPEATS)).all() and set(rows["verdict"]) == {BETTER}


def test_a_repeat_without_a_network_is_not_compared() -> None:
    runs = table(curve(0, 0.9), curve(0, 0.92, "l1"))
    gone = (runs["way"] == "l1") & (runs["nu"] == 30) & (runs["repeat"] > 0)
    runs.loc[gone, ["status", "test"]] = ["unreachable", np.nan]
    rows = of_points(pairs(runs), 0.95).set_index("nu")
    assert rows["n"].to_dict() == dict.fromkeys(NUS[:4], 4) | {30: 1}
    assert rows["verdict"].to_dict() == dict.fromkeys(NUS[:4], WORSE) | {30: CANNOT_TELL}
    curves = of_curves(pairs(runs), 0.95)
    assert curves[["nus", "n", "verdict"]].to_numpy().tolist() == [[5, 1, CANNOT_TELL]]  # one repeat has all five


def test_a_curve_s_verdict_is_over_the_mean_of_its_differences() -> None:
    """At one nu 10 points better, at four 2 points worse: 0.4 on average, in every repeat."""
    control = table(curve(0, 0.92, "fresh"))
    control.loc[control["nu"] == 1, "test"] -= 0.12
    row = of_curves(pairs(pd.concat([table(curve(0, 0.9)), control])), 0.95).iloc[0]
    assert row["test_difference_points_mean"] == pytest.approx(0.4)
    assert (row["verdict"], row["n"], row["nus"]) == (BETTER, 4, 5)
    assert (row["against"], row["compared_at"]) == ("fresh", AT_EQUAL_NU) and np.isnan(row["lowest_share"])


def test_fewer_than_five_nu_or_two_repeats_have_no_verdict() -> None:
    runs = table(curve(0, 0.9), curve(0, 0.8, "l1"))
    few, alone = runs[runs["nu"] > 0.3], runs[runs["repeat"] == 0]
    assert of_curves(pairs(few), 0.95)[["nus", "n", "verdict"]].to_numpy().tolist() == [[4, 0, CANNOT_TELL]]
    assert of_curves(pairs(alone), 0.95)[["nus", "n", "verdict"]].to_numpy().tolist() == [[5, 1, CANNOT_TELL]]
    assert set(of_points(pairs(alone), 0.95)["verdict"]) == {CANNOT_TELL}


def test_networks_that_failed_count_at_their_nu_and_not_in_the_curve() -> None:
    runs = table(curve(0, 0.9), curve(0, 0.8, "l1"))
    runs.loc[(runs["way"] == "gated") & (runs["nu"] == 30), ["status", "test"]] = ["collapsed", 0.1]
    paired = pairs(runs)
    assert of_points(paired, 0.95).set_index("nu").at[30, "verdict"] == WORSE
    assert of_curves(paired, 0.95)[["nus", "n", "verdict"]].to_numpy().tolist() == [[4, 0, CANNOT_TELL]]


def test_both_are_compared_with_either_alone_at_equal_macs() -> None:
    """Other shares at each nu, so that a comparison at equal nu would be wrong."""
    runs = table(
        curve(0, 0.9, shares=[0.7, 0.5, 0.3, 0.25, 0.15]),
        curve(0.5, 0.93),
        curve(1, 0.94, spread=0.02, shares=[0.95, 0.9, 0.8, 0.7, 0.3]),
    )
    rows = between_betas(runs, 0.95).set_index("against")
    assert list(rows.index) == ["beta 0", "beta 1"] and set(rows["compared_at"]) == {AT_EQUAL_MACS}
    assert rows["test_difference_points_mean"].to_dict() == pytest.approx({"beta 0": 3.0, "beta 1": -1.0})
    assert rows["verdict"].to_dict() == {"beta 0": BETTER, "beta 1": CANNOT_TELL}
    assert rows.loc["beta 0", ["lowest_share", "highest_share"]].tolist() == pytest.approx([0.15, 0.7])


def test_betas_are_only_compared_where_the_study_has_them() -> None:
    for betas in ([0], [1], [0.5], [0, 1]):
        runs = table(*(curve(beta, 0.9) for beta in betas))
        compared = between_betas(runs, 0.95)
        assert compared.empty and list(compared) == TRADEOFF
    runs = table(curve(0.25, 0.9), curve(0.75, 0.9), curve(1, 0.95))
    assert between_betas(runs, 0.95)[["beta", "against", "verdict"]].to_numpy().tolist() == [
        [0.25, "beta 1", WORSE],
        [0.75, "beta 1", WORSE],
    ]


def test_a_curve_with_too_few_networks_that_are_ok_cannot_be_compared() -> None:
    runs = table(curve(0, 0.9), curve(0.5, 0.95))
    runs.loc[(runs["beta"] == 0) & (runs["nu"] == 30) & (runs["repeat"] != 2), "status"] = "collapsed"
    row = between_betas(runs, 0.95).iloc[0]
    assert (row["nus"], row["n"], row["verdict"]) == (FEWEST_NU, 1, CANNOT_TELL)  # one repeat is whole
    assert row["test_difference_points_mean"] == pytest.approx(5.0) and np.isnan(row["test_difference_points_low"])


def test_without_controls_there_is_nothing_to_compare() -> None:
    paired = pairs(table(curve(0, 0.9)))
    assert paired.empty and of_points(paired, 0.95).empty
    assert list(of_curves(paired, 0.95)) == TRADEOFF and set(CURVE) < set(TRADEOFF)


@pytest.mark.parametrize(
    ("units", "layers", "expected"),
    [
        (BETTER, BETTER, HOLDS),
        (BETTER, CANNOT_TELL, NOT_SHOWN),
        (BETTER, WORSE, FAILS),
        (WORSE, CANNOT_TELL, FAILS),
        (CANNOT_TELL, CANNOT_TELL, NOT_SHOWN),
        (BETTER, None, NOT_SHOWN),
        (None, WORSE, FAILS),
    ],
)
def test_both_beat_either_alone_if_they_beat_each(units: str | None, layers: str | None, expected: str) -> None:
    given = {"beta 0": units, "beta 1": layers}
    assert beats_either({name: said for name, said in given.items() if said}) == expected
