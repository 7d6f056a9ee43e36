"""Variance that is all the parameters', all the shape's or all noise, and the parts against scipy's."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from minarch.analysis.minimal import Bootstrap
from minarch.analysis.shape import SOURCES, has_shape, samples_of, shape_rows, shape_table, shares
from minarch.analysis.sizes import Size

FEW = settings(max_examples=25, deadline=None)
BOOTSTRAP = Bootstrap(resamples=400, confidence=0.95, seed=0)


def made(parameters: Sequence[int], means: np.ndarray, noise: float, repeats: int = 10, seed: int = 0) -> list[Size]:
    generator = np.random.default_rng(seed)
    return [
        Size(
            architecture=f"net-{i}",
            parameters=p,
            macs=p,
            validation=mean + generator.normal(0, noise, repeats),
            train=np.ones(repeats),
            failed=np.zeros(repeats, dtype=bool),
            chance=0.1,
            loss_rise=1.0,
        )
        for i, (p, mean) in enumerate(zip(parameters, means, strict=True))
    ]


def rows(sizes: list[Size], bootstrap: Bootstrap = BOOTSTRAP) -> pd.DataFrame:
    return pd.DataFrame(shape_rows(sizes, bootstrap)).set_index("source")


COUNTS = [100 * 2 ** (i // 3) for i in range(24)]  # three shapes of each of eight counts
STEP = np.linspace(0.2, 0.9, 8).repeat(3)
BETTER = np.tile([-0.05, 0.0, 0.05], 8)


def test_all_the_parameters() -> None:
    explained = rows(made(COUNTS, STEP, 0.001))
    assert explained.loc["parameters", "share"] > 0.999
    assert explained.loc["shape", "low"] == 0 and explained.loc["shape", "high"] < 0.001


def test_all_the_shapes_at_equal_counts() -> None:
    explained = rows(made(COUNTS, 0.8 + BETTER, 0.001))
    assert explained.loc["shape", "share"] > 0.99
    assert explained.loc["parameters", "share"] < 0.001


def test_all_noise_and_the_interval_says_so() -> None:
    """Means of ten noisy repeats differ: that is not shape. In most of many draws no part may be called real."""
    drawn = [rows(made(COUNTS, np.full(24, 0.9), 0.02, seed=seed)) for seed in range(40)]
    assert np.mean([sample.loc["repeats", "share"] for sample in drawn]) > 0.98
    assert sum(sample.loc["shape", "low"] == 0 for sample in drawn) >= 38
    assert sum(sample.loc["parameters", "low"] == 0 for sample in drawn) >= 38


def test_known_parts_of_all_three() -> None:
    noise = 0.05
    parts = np.array([STEP.var(), BETTER.var(), noise**2])
    explained = rows(made(COUNTS, STEP + BETTER, noise, repeats=30))
    expected = dict(zip(SOURCES, parts / parts.sum(), strict=True))
    for source in SOURCES:
        assert explained.loc[source, "share"] == pytest.approx(expected[source], abs=0.01)
        assert explained.loc[source, "low"] < expected[source] < explained.loc[source, "high"]


def test_a_shape_effect_in_step_with_the_counts_is_the_counts() -> None:
    """The limit that the module names: no two architectures have equal counts, and the better one is the larger."""
    explained = rows(made(range(100, 124), STEP + BETTER, 0.001))
    assert explained.loc["shape", "share"] < 0.1


def test_with_one_count_it_is_the_one_way_analysis_of_variance() -> None:
    sizes = made([100] * 5, np.array([0.8, 0.82, 0.84, 0.86, 0.9]), 0.03)
    statistic = stats.f_oneway(*[size.validation for size in sizes]).statistic
    effect = 4 * (statistic - 1) / (4 * statistic + 45)  # epsilon squared, Kelley 1935
    assert rows(sizes)["share"].to_dict() == pytest.approx({"parameters": 0, "shape": effect, "repeats": 1 - effect})


def test_unequal_numbers_of_repeats_weigh_as_runs() -> None:
    sizes = [*made([100, 200], np.array([0.3, 0.9]), 0.0, repeats=2), *made([300], np.array([0.9]), 0.0, repeats=6)]
    explained = shares(
        np.array([100, 200, 200]), np.array([2.0, 2.0, 6.0]), np.array([[0.3, 0.5, 0.9]]), np.zeros((1, 3))
    )
    centre, pooled = (2 * 0.3 + 2 * 0.5 + 6 * 0.9) / 10, (2 * 0.5 + 6 * 0.9) / 8
    by_parameters = 2 * (0.3 - centre) ** 2 + 8 * (pooled - centre) ** 2
    by_shape = 2 * (0.5 - pooled) ** 2 + 6 * (0.9 - pooled) ** 2
    assert explained[0, 0] == pytest.approx(by_parameters / (by_parameters + by_shape))
    assert rows(sizes)[["architectures", "runs"]].iloc[0].tolist() == [3, 10]


def test_the_resamples_are_scipys() -> None:
    """scipy draws the repeats of each architecture on their own too; its percentiles, centred alike, are ours."""
    sizes = made([100, 200, 200], np.array([0.5, 0.7, 0.75]), 0.05, repeats=20)
    parameters, runs = np.array([100, 200, 200]), np.full(3, 20.0)

    def of_shape(*values: np.ndarray, axis: int) -> np.ndarray:
        mean, variance = (
            np.stack([part.reshape(-1) for part in parts], axis=1)
            for parts in zip(*[(v.mean(axis=axis), v.var(axis=axis, ddof=1)) for v in values], strict=True)
        )
        return shares(parameters, runs, mean, variance)[:, 1].reshape(values[0].shape[:-1])

    data = [size.validation for size in sizes]
    expected = stats.bootstrap(data, of_shape, n_resamples=5000, method="percentile", vectorized=True, rng=1)
    measured = float(of_shape(*[values[None] for values in data], axis=-1)[0])
    shift = measured - expected.bootstrap_distribution.mean()
    explained = rows(sizes, Bootstrap(resamples=5000, confidence=0.95, seed=0)).loc["shape"]
    low, high = np.array(expected.confidence_interval) + shift
    assert (explained["share"], explained["low"], explained["high"]) == pytest.approx(
        (measured, max(low, 0), high), abs=4e-3
    )


@pytest.mark.parametrize(
    "sizes",
    [
        made([100, 200], np.array([0.5, 0.9]), 0.01),
        made([100, 200, 300], np.array([0.5, 0.9, 0.9]), 0.01, repeats=1),
        made([100, 200, 300], np.full(3, 0.9), 0.0),
        [],
    ],
)
def test_what_cannot_be_told_is_left_out(sizes: list[Size]) -> None:
    assert shape_rows(sizes, BOOTSTRAP) == []


def of_width(sizes: list[Size]) -> dict[str, dict[str, Any]]:
    return {size.architecture: {"width": size.parameters} for size in sizes}


def test_a_family_whose_only_knob_is_its_size_has_no_shape() -> None:
    """What the monotone fit misses of it is no shape either: all that lies between sizes is theirs."""
    sizes = made([100, 200, 300, 400], np.array([0.5, 0.9, 0.8, 0.95]), 0.01)
    table = shape_table({"all sizes": sizes}, of_width(sizes), BOOTSTRAP).set_index("source")
    assert table.loc["shape", ["share", "low", "high"]].isna().all()
    assert table.loc["parameters", "share"] + table.loc["repeats", "share"] == pytest.approx(1)
    assert table.loc["parameters", "share"] > rows(sizes).loc["parameters", "share"]


@pytest.mark.parametrize(
    ("counts", "knobs", "shaped"),
    [
        ([10, 20, 30], [{"channels": c} for c in (1, 2, 3)], False),
        ([10, 20, 30], [{"channels": c, "depth": 2} for c in (1, 2, 3)], False),
        ([10, 20, 30], [{"depth": d, "width": 4} for d in (1, 2, 3)], False),
        ([10, 10, 30], [{"heads": h} for h in (1, 2, 3)], True),
        ([10, 20, 30], [{"depth": d, "width": w} for d, w in ((1, 4), (2, 4), (2, 8))], True),
        ([10, 20], [{"width": 4, "steps": s} for s in ("grow", "shrink")], True),
        ([10], [{"width": 4}], False),
    ],
)
def test_what_has_a_shape(counts: list[int], knobs: list[dict[str, Any]], shaped: bool) -> None:
    assert has_shape(counts, knobs) is shaped


def test_a_scope_without_rows_leaves_the_other_and_the_columns() -> None:
    sizes = made([100, 200, 200], np.array([0.5, 0.7, 0.75]), 0.05)
    assert set(shape_table({"all sizes": sizes, "from p_min": sizes[:1]}, of_width(sizes), BOOTSTRAP)["scope"]) == {
        "all sizes"
    }
    assert list(shape_table({"all sizes": []}, {}, BOOTSTRAP))[:2] == ["scope", "source"]


@FEW
@given(st.integers(0, 20), st.randoms(use_true_random=False))
def test_order_and_names_change_nothing(seed: int, random) -> None:
    sizes = made(COUNTS[:9], STEP[:9] + BETTER[:9], 0.02, repeats=5, seed=seed)
    names = random.sample(range(9), 9)
    other = [Size(**{**vars(size), "architecture": f"x{names[i]}"}) for i, size in enumerate(sizes)]
    few = Bootstrap(resamples=50, confidence=0.9, seed=0)
    assert shape_rows(random.sample(other, 9), few) == shape_rows(sizes, few)


@FEW
@given(st.integers(0, 20))
def test_shares_sum_to_one_and_intervals_hold_them(seed: int) -> None:
    sizes = made(COUNTS, STEP + BETTER, 0.05, seed=seed)
    np.testing.assert_allclose(samples_of(sizes, BOOTSTRAP).sum(axis=1), 1)
    explained = rows(sizes, Bootstrap(resamples=50, confidence=0.9, seed=0))
    assert explained["share"].sum() == pytest.approx(1)
    assert (
        (explained["low"] >= 0) & (explained["low"] <= explained["share"]) & (explained["share"] <= explained["high"])
    ).all()
    assert (explained["high"] <= 1).all()
