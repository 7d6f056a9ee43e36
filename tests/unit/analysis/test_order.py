"""Made-up regimes along the parameter count, and rules of one half of the repeats on the other."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from constructed import CONVERGENCE, RELIABILITY, size
from courses import tables
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minarch.analysis.order import halves, order_row, out_of_order, split_row
from minarch.analysis.regimes import LEARNING, OVERFITTING, UNSTABLE, Thresholds
from minarch.analysis.sizes import Size

THRESHOLDS = Thresholds.of(CONVERGENCE)
U, L, V = UNSTABLE, LEARNING, OVERFITTING


@pytest.mark.parametrize(
    ("labels", "wrong", "share"),
    [
        ([U, U, L, L, V], 0, 1.0),
        ([V, L, L, U, U], 3, 0.0),
        ([U, L, U, L, V], 1, 7 / 8),
        ([U, U, U, L, U], 1, 3 / 4),
        ([L, L, L], 0, np.nan),
    ],
)
def test_how_far_made_up_regimes_are_from_their_order(labels: list[str], wrong: int, share: float) -> None:
    row = order_row(range(10, 10 + len(labels)), labels)
    assert (row["out_of_order"], row["sizes"]) == (wrong, len(labels))
    np.testing.assert_equal(row["in_order_share"], share)
    assert np.isnan(row["p_value"]) == np.isnan(share)


def test_sizes_of_equal_count_have_no_order() -> None:
    for labels in ([U, L, L, V], [L, U, V, L]):
        row = order_row([10, 10, 20, 20], labels)
        assert (row["out_of_order"], row["in_order_share"], row["pairs"]) == (0, 1.0, 3)


@given(st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=9))
def test_the_fewest_out_of_order_is_what_trying_all_gives(ranks: list[int]) -> None:
    subsets = range(2 ** len(ranks))
    kept = ([rank for i, rank in enumerate(ranks) if subset >> i & 1] for subset in subsets)
    assert out_of_order(ranks) == len(ranks) - max(len(some) for some in kept if some == sorted(some))


def test_regimes_by_lot_are_called_in_order_at_the_nominal_rate() -> None:
    generator = np.random.default_rng(0)
    p_values = [order_row(range(30), generator.choice([U, L, V], 30).tolist())["p_value"] for _ in range(400)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.075


def family(means: dict[int, float], seed: int, noise: float = 0.004, repeats: int = 10) -> list[Size]:
    generator = np.random.default_rng(seed)
    return [size(p, m, m + 0.01, spread=generator.normal(0, noise, repeats)) for p, m in means.items()]


STEP = {50: 0.3, 100: 0.5, 200: 0.7, 400: 0.93, 800: 0.94, 1600: 0.945, 3200: 0.95}


def test_a_border_that_is_there_holds_on_the_other_half() -> None:
    row = split_row([family(STEP, 1)], [family(STEP, 2)], THRESHOLDS, 0.95)
    assert (row["p_min_even"], row["p_min_odd"], row["split_sizes"]) == (400, 400, 7)
    assert (row["checked"], row["held"], row["held_share"], row["held_high"]) == (4, 4, 1.0, 1.0)
    exact = stats.binomtest(4, 4).proportion_ci(0.95)
    assert row["held_low"] == pytest.approx(exact.low) and row["same_label"] >= 6


def test_a_border_that_chance_drew_does_not_hold() -> None:
    """A size that fails in one of five trainings: seldom seen in five, so that its half calls it stable."""
    even = [replace(s, failed=np.zeros(10, dtype=bool)) for s in family(STEP, 1)]
    odd = [replace(s, failed=np.arange(10) < 2) if s.parameters == 800 else s for s in family(STEP, 2)]
    row = split_row([even], [odd], THRESHOLDS, 0.95)
    assert (row["p_min_even"], row["p_min_odd"], row["held"], row["checked"]) == (400, 1600, 3, 4)


def test_a_depth_is_judged_from_its_own_p_min_up() -> None:
    deep = {60: 0.2, 900: 0.6, 1700: 0.94, 3300: 0.95}
    row = split_row([family(STEP, 1), family(deep, 3)], [family(STEP, 2), family(deep, 4)], THRESHOLDS, 0.95)
    assert (row["p_min_even"], row["checked"], row["held"]) == (400, 6, 6)


def test_halves_are_of_even_and_odd_repeats_and_few_repeats_are_left_out() -> None:
    four, three = [[0.3, 0.1 * repeat] for repeat in range(4)], [[0.3, 0.5]] * 3
    runs, curves = tables({("four", 1, 100): four, ("three", 1, 200): three, ("deep", 2, 300): three})
    even, odd = halves(runs, curves, RELIABILITY)
    assert [[s.architecture for s in sizes] for sizes in even] == [["four"]]
    assert even[0][0].validation == pytest.approx([0.0, 0.2]) and odd[0][0].validation == pytest.approx([0.1, 0.3])
    few = runs[runs["architecture"] != "four"]
    row = split_row(*halves(few, curves, RELIABILITY), THRESHOLDS, 0.95)
    assert pd.Series(row).isna().all()
