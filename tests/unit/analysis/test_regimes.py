"""Constructed sizes whose regime is plain; each reason must name the evidence that decided."""

from dataclasses import replace

import pandas as pd
import pytest
from constructed import CONVERGENCE, RELIABILITY, size
from hypothesis import given
from hypothesis import strategies as st

from minarch.analysis.regimes import LEARNING, OVERFITTING, UNSTABLE, Thresholds, classify
from minarch.analysis.sizes import Size, sizes_of

THRESHOLDS = Thresholds.of(CONVERGENCE)
GOOD = [size(1000, 0.95, 0.96), size(2000, 0.952, 0.963), size(4000, 0.951, 0.965)]


@pytest.mark.parametrize(
    ("odd", "label", "evidence"),
    [
        (size(500, 0.93, 0.94, failed=1), UNSTABLE, "20% of the repeats failed"),
        (size(500, 0.93, 0.94, spread=[0.04, -0.04, 0.03, -0.03, 0.0]), UNSTABLE, "standard deviation"),
        (size(500, 0.80, 0.81), UNSTABLE, "mean 80.0% (limit 86.7%: 90% of the best size's gain over chance)"),
        (size(500, 0.93, 0.94), LEARNING, "no sign of overfitting"),
        (size(8000, 0.951, 0.999), OVERFITTING, "train accuracy 99.90%"),
        (size(8000, 0.945, 0.985), OVERFITTING, "train - validation 4.0 points"),
        (size(8000, 0.93, 0.96, loss_rise=1.4), OVERFITTING, "1.40 x its minimum"),
        (size(8000, 0.93, 0.999), LEARNING, "no sign"),  # saturated but far from the best: not overfitting by this rule
    ],
)
def test_one_odd_size_among_steady_ones(odd: Size, label: str, evidence: str) -> None:
    sizes = sorted([*GOOD, odd], key=lambda s: s.parameters)
    regimes = dict(zip([s.architecture for s in sizes], classify(sizes, THRESHOLDS), strict=True))
    assert regimes[odd.architecture].label == label
    assert evidence in regimes[odd.architecture].reason
    assert all(regimes[s.architecture].label == LEARNING for s in GOOD)


def test_a_negative_gap_at_the_first_good_size_makes_nothing_overfit() -> None:
    sizes = [size(100, 0.95, 0.94), size(200, 0.95, 0.945), size(400, 0.95, 0.952)]
    assert [regime.label for regime in classify(sizes, THRESHOLDS)] == [LEARNING] * 3


def test_exactly_on_the_limit_is_within_it() -> None:
    sizes = [size(100, 0.865, 0.87, spread=[0.0] * 5), size(200, 0.95, 0.955, spread=[0.0] * 5)]
    assert classify(sizes, THRESHOLDS)[0].label == LEARNING


def test_points_below_the_best_can_be_the_rule_instead() -> None:
    by_points = replace(THRESHOLDS, gain_share=None, below_best_points=5.0)
    regime = classify([size(100, 0.89, 0.9), size(200, 0.95, 0.955)], by_points)[0]
    assert (regime.label, regime.reason) == (UNSTABLE, "6.0 points below the best size (limit 5)")


def test_one_repeat_shows_no_spread() -> None:
    sizes = [size(100, 0.5, 0.5, spread=[0.0]), size(200, 0.9, 0.91, spread=[0.0])]
    assert [regime.label for regime in classify(sizes, THRESHOLDS)] == [UNSTABLE, LEARNING]


@pytest.mark.parametrize(("classes", "limit"), [(2, 0.75), (3, 2 / 3), (10, 0.2), (100, 0.02)])
def test_failure_is_twice_chance_where_that_is_below_one(classes: int, limit: float) -> None:
    assert RELIABILITY.lowest(classes) == pytest.approx(limit)


def test_a_diverged_repeat_counts_as_failed_at_chance() -> None:
    common = {"architecture": "net", "parameters": 10, "macs": 10, "classes": 10}
    measured = {"status": "ok", "final_validation_accuracy": 0.9, "final_train_accuracy": 0.91}
    diverged = {"status": "unstable", "final_validation_accuracy": None, "final_train_accuracy": None}
    runs = pd.DataFrame([common | measured, common | diverged])
    curves = pd.DataFrame({"architecture": "net", "epoch": [1, 2, 1, 2], "validation_loss": [0.5, 0.6, 0.7, None]})
    (size,) = sizes_of(runs, curves, RELIABILITY)
    assert size.validation.tolist() == [0.1, 0.9]
    assert size.failed.tolist() == [True, False]
    assert size.loss_rise == pytest.approx(1.0)  # means 0.6 and 0.6: what is not finite is left out


@given(st.permutations(range(3)), st.permutations(range(5)))
def test_order_of_sizes_and_repeats_changes_nothing(order: list[int], repeats: list[int]) -> None:
    shuffled = [
        Size(**{**vars(GOOD[i]), "validation": GOOD[i].validation[repeats], "failed": GOOD[i].failed[repeats]})
        for i in order
    ]
    expected = {s.architecture: r.label for s, r in zip(GOOD, classify(GOOD, THRESHOLDS), strict=True)}
    assert {s.architecture: r.label for s, r in zip(shuffled, classify(shuffled, THRESHOLDS), strict=True)} == expected
