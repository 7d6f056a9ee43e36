"""Sizes between a threshold and the same threshold moved by half: which border moves, and where to."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from constructed import CONVERGENCE, size
from hypothesis import given, settings
from hypothesis import strategies as st

from minarch.analysis.regimes import Thresholds
from minarch.analysis.sensitivity import AS_SET, moved, sensitivity_table
from minarch.analysis.sizes import Size
from minarch.flow.stages.convergence import Convergence

FEW = settings(max_examples=25, deadline=None)
THRESHOLDS = Thresholds.of(CONVERGENCE)
SHALLOW = [size(100, 0.83, 0.84), size(200, 0.88, 0.89), size(400, 0.946, 0.95), size(1000, 0.956, 0.965)]
DEEP = [size(150, 0.5, 0.5), size(300, 0.86, 0.87), size(3000, 0.952, 0.998), size(6000, 0.96, 1.0)]
WIDE = [0.014, -0.014, 0.014, -0.014, 0.0]  # a standard deviation of 1.4 points


def table(*depths: list[Size]) -> pd.DataFrame:
    return sensitivity_table(depths, THRESHOLDS).set_index(["threshold", "factor"])


def test_the_reference_comes_first_and_every_threshold_twice() -> None:
    cases = sensitivity_table([SHALLOW, DEEP], THRESHOLDS)
    assert cases.iloc[0][["threshold", "factor", "changed"]].tolist() == [AS_SET, 1.0, 0]
    assert np.isnan(cases.loc[0, "value"])
    moves = [(name, factor) for name, limit in asdict(THRESHOLDS).items() if limit is not None for factor in (0.5, 1.5)]
    assert list(zip(cases["threshold"][1:], cases["factor"][1:], strict=True)) == moves
    assert (cases[["unstable", "learning", "overfitting"]].sum(axis=1) == 8).all()


@pytest.mark.parametrize(
    ("threshold", "factor", "expected"),
    [
        (AS_SET, 1.0, {"p_min": 200, "p_near_best": 1000, "overfitting_from": 3000, "unstable": 2, "changed": 0}),
        ("gain_share", 0.5, {"p_min": 400, "unstable": 3, "changed": 1}),
        ("gain_share", 1.5, {"p_min": 200, "unstable": 1, "changed": 1}),
        ("near_best_points", 0.5, {"p_near_best": 1000, "overfitting_from": 6000, "changed": 1}),
        ("near_best_points", 1.5, {"p_near_best": 400, "changed": 0}),
    ],
)
def test_which_border_moves_where(threshold: str, factor: float, expected: dict[str, int]) -> None:
    row = table(SHALLOW, [DEEP[0], *DEEP[2:]]).loc[(threshold, factor)]
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("odd", "threshold", "factor"),
    [
        (size(500, 0.94, 0.95, spread=np.zeros(30), failed=1), "failure_share", 0.5),
        (size(500, 0.94, 0.95, spread=np.zeros(15), failed=1), "failure_share", 1.5),
        (size(500, 0.94, 0.95, spread=WIDE), "spread_points", 0.5),
        (size(8000, 0.955, 0.985), "gap_factor", 0.5),
        (size(500, 0.955, 0.9968), "saturated_train", 0.5),
        (size(500, 0.94, 0.95, loss_rise=1.07), "loss_rise", 0.5),
        (size(500, 0.94, 0.95, loss_rise=1.12), "loss_rise", 1.5),
    ],
)
def test_a_size_between_the_limits_changes_sides(odd: Size, threshold: str, factor: float) -> None:
    steady = [size(1000, 0.955, 0.975), size(2000, 0.956, 0.975), size(4000, 0.955, 0.974)]
    cases = table(sorted([odd, *steady], key=lambda s: s.parameters))
    assert cases.loc[(threshold, factor), "changed"] == 1
    assert cases.loc[(threshold, 2.0 - factor), "changed"] == 0


def test_nothing_overfits_and_nothing_learns_reliably() -> None:
    cases = sensitivity_table([[size(100, 0.9, 0.9), size(200, 0.95, 0.95, failed=5)]], THRESHOLDS)
    assert np.isinf(cases.loc[0, ["p_min", "p_near_best", "overfitting_from"]].astype(float)).all()


@pytest.mark.parametrize(
    ("name", "set_to", "factor", "value"),
    [
        ("near_best_points", 1.0, 1.5, 1.5),
        ("saturated_train", 0.99, 0.5, 0.995),
        ("saturated_train", 0.99, 1.5, 0.985),
        ("loss_rise", 1.1, 0.5, 1.05),
        ("loss_rise", 1.1, 1.5, 1.15),
        ("failure_share", 0.8, 1.5, 1.0),
        ("below_best_points", 80.0, 1.5, 100.0),
        ("gain_share", 0.9, 1.5, 0.85),
        ("gap_factor", 80.0, 1.5, 120.0),
    ],
)
def test_how_far_a_threshold_moves(name: str, set_to: float, factor: float, value: float) -> None:
    then = moved(replace(THRESHOLDS, **{name: set_to}), name, factor)
    assert getattr(then, name) == pytest.approx(value)
    assert replace(then, **{name: set_to}) == replace(THRESHOLDS, **{name: set_to})
    Convergence(**asdict(then))  # within the allowed range


@FEW
@given(st.permutations(range(4)), st.permutations(range(5)), st.booleans())
def test_order_and_names_change_nothing(order: list[int], repeats: list[int], swap: bool) -> None:
    def shuffled(sizes: list[Size]) -> list[Size]:
        other: list[dict[str, Any]] = [
            {
                "validation": s.validation[repeats],
                "failed": s.failed[repeats],
                "architecture": f"other-{9999 - s.parameters}",
            }
            for s in sizes
        ]
        return [Size(**{**vars(sizes[i]), **other[i]}) for i in order]

    depths = [shuffled(DEEP), shuffled(SHALLOW)] if swap else [shuffled(SHALLOW), shuffled(DEEP)]
    pd.testing.assert_frame_equal(sensitivity_table(depths, THRESHOLDS), sensitivity_table([SHALLOW, DEEP], THRESHOLDS))
