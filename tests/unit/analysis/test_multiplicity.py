"""P-values against scipy's, and families of verdicts whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from minarch.analysis.intervals import of_mean, with_intervals
from minarch.analysis.multiplicity import adjust, adjusted_name, of_column, of_samples, of_t_intervals, with_adjusted

DIFFERENCE = of_mean("d")
STUDIES, CASES, REPEATS = 200, 60, 5


def family(effects: np.ndarray, seed: int, step: float = 0.0) -> pd.DataFrame:
    """One row per case, with the verdicts of 5 differences that vary by 1 point around its effect; in units of `step`,
    as accuracies of few images are.
    """
    noise = np.random.default_rng(seed).normal(0, 1, (len(effects), REPEATS))
    values = effects[:, None] + noise
    values = np.round(values / step) * step if step else values
    runs = pd.DataFrame({"case": np.repeat(np.arange(len(effects)), REPEATS), "d": values.ravel()})
    table = with_intervals(runs, ["case"], ["d"], 0.95)
    side = np.select([table[DIFFERENCE.low] > 0, table[DIFFERENCE.high] < 0], ["better", "worse"], "open")
    table = table.assign(p=of_column(table, DIFFERENCE, 0.95), verdict=side, effect=effects)
    return with_adjusted(table, 0.95, "open")


def test_p_of_an_interval_is_scipys() -> None:
    values = np.array([0.3, 1.1, -0.2, 0.9, 0.7])
    low, high = stats.t.interval(0.9, 4, values.mean(), stats.sem(values))
    expected = stats.ttest_1samp(values, 0).pvalue
    assert of_t_intervals(values.mean(), low, high, 5, 0.9) == pytest.approx(expected)
    assert of_t_intervals(-values.mean(), -high, -low, 5, 0.9) == pytest.approx(expected)
    assert of_t_intervals(values.mean(), low, values.mean(), 5, 0.9) == pytest.approx(expected)  # cut at a bound


def test_p_of_two_samples_is_scipys() -> None:
    ours, theirs = np.array([3.0, 4.0, 6.0]), np.array([1.0, 1.5, 0.5, 3.0])
    assert of_samples(ours, theirs) == pytest.approx(stats.ttest_ind(ours, theirs, equal_var=False).pvalue)


def test_equal_values_say_what_their_number_says() -> None:
    p = of_t_intervals([2.0, 2.0, 0.0, 2.0], [2.0, 2.0, 0.0, np.nan], [2.0, 2.0, 0.0, np.nan], [5, 2, 5, 1], 0.95)
    assert p[:3].tolist() == [1 / 16, 1 / 2, 1.0] and np.isnan(p[3])
    assert of_samples(np.full(3, 2.0), np.zeros(3)) == pytest.approx(0.1)
    assert of_samples(np.zeros(3), np.zeros(3)) == 1.0 and np.isnan(of_samples(np.zeros(1), np.zeros(3)))


def test_an_adjusted_verdict_is_the_single_one_or_none() -> None:
    table = family(np.repeat([0.0, 0.0, 1.5, 8.0], 15), seed=1)
    adjusted = table[adjusted_name()]
    assert ((adjusted == table["verdict"]) | (adjusted == "open")).all()
    assert (table["p_adjusted"] >= table["p"]).all()
    assert (table["verdict"] != "open").tolist() == (table["p"] < 0.05).tolist()
    assert (adjusted != "open").sum() < (table["verdict"] != "open").sum()


def test_families_are_judged_apart_and_what_was_not_tested_is_not_counted() -> None:
    table = pd.DataFrame({"family": list("aabb"), "p": [0.03, np.nan, 0.04, 0.9], "verdict": ["better"] * 3 + ["open"]})
    table = with_adjusted(table, 0.95, "open", family=["family"])
    assert table["p_adjusted"].tolist() == pytest.approx([0.03, np.nan, 0.08, 0.9], nan_ok=True)
    assert table["verdict_adjusted"].tolist() == ["better", "better", "open", "open"]  # without a p-value it stays
    assert np.isnan(adjust([np.nan, np.nan])).all() and len(with_adjusted(table[:0], 0.95, "open")) == 0


@pytest.mark.parametrize("step", [0.0, 0.5])
def test_without_an_effect_a_family_has_a_verdict_at_most_at_the_nominal_rate(step: float) -> None:
    studies = [family(np.zeros(CASES), seed, step) for seed in range(STUDIES)]
    single = np.mean([(table["verdict"] != "open").mean() for table in studies])
    some = np.mean([(table["verdict_adjusted"] != "open").any() for table in studies])
    assert 0.03 < single < 0.08  # each verdict alone errs at its own rate: three of the 60
    assert some <= stats.binom.ppf(0.99, STUDIES, 0.05) / STUDIES


def test_of_verdicts_that_remain_at_most_the_nominal_share_is_wrong_and_effects_are_found() -> None:
    """Half of the cases have an effect of three times the spread of a difference."""
    effects = np.repeat([0.0, 3.0], CASES // 2)
    wrong, told = [], []
    for seed in range(STUDIES):
        table = family(effects, seed)
        decided = table["verdict_adjusted"] != "open"
        wrong.append((decided & (table["effect"] == 0)).sum() / max(1, decided.sum()))
        told.append((table.loc[table["effect"] > 0, "verdict_adjusted"] == "better").mean())
    assert np.mean(wrong) <= 0.05 and np.mean(told) >= 0.8
