"""Retentions made from known slopes, the fit against numpy's and scipy's, and studies whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from minarch.analysis.depth import (
    BETTER,
    FEWEST_MODELS,
    OPEN,
    OTHER_MODELS,
    THESE_MODELS,
    TOO_FEW,
    WORSE,
    depth_table,
    design,
    slope_of,
    slope_row,
)

GRID = [(depth, width) for depth in (1, 2, 3) for width in (10, 20, 40)]
FEW = [(1, 20), (2, 10), (2, 40), (3, 20), (4, 10)]
STUDIES = 1000


def runs(
    slope: float, noise: float = 0.01, grid=GRID, repeats: int = 6, seed: int = 0, between: float = 0.0
) -> pd.DataFrame:
    """Retention 0.2 + slope depth + 0.05 log(parameters) + what is each model's own (`between`) + noise of each repeat;
    parameters grow with depth and width. Validation images add noise of their own.
    """
    generator = np.random.default_rng(seed)
    depth, width = np.array(grid).T
    parameters = 70 * width + (depth - 1) * width**2
    mean = 0.2 + slope * depth + 0.05 * np.log(parameters) + generator.normal(0, between, len(grid))
    models = {"architecture": [f"{d}x{w}" for d, w in grid], "depth": depth, "width": width.astype(float)}
    models |= {"parameters": parameters, "mean": mean}
    table = pd.DataFrame(models).merge(pd.DataFrame({"repeat": range(repeats)}), how="cross")
    table["test"] = table["mean"] + generator.normal(0, noise, len(table))
    table["validation"] = table["test"] + generator.normal(0, noise / 5, len(table))
    curve = {"dataset": "digits", "family": "dnn", "scope": "global", "finetuned": False, "measure": "area"}
    return table.assign(**curve).astype({"depth": "Int64"})


def at_equal(table: pd.DataFrame, size: str) -> pd.Series:
    return table.set_index("at_equal").loc[size]


def sides(grid, per_layer: float, between: float = 0.0, noise: float = 0.03, repeats: int = 5) -> np.ndarray:
    """On which side of 0 the interval of each of STUDIES studies lies: 1, -1, or 0 if it holds 0."""
    generator = np.random.default_rng(0)
    models = runs(per_layer, noise=0.0, grid=grid).drop_duplicates("architecture")
    columns, told = design(models, "parameters"), []
    for _ in range(STUDIES):
        means = models["test"].to_numpy() + generator.normal(0, between, len(models))
        slope = slope_of(list(means[:, None] + generator.normal(0, noise, (len(models), repeats))), columns, 0.95)
        told.append(int(slope.low > 0) - int(slope.high < 0))
    return np.array(told)


@pytest.mark.parametrize(("slope", "verdict"), [(0.06, BETTER), (-0.06, WORSE)])
def test_a_known_slope_is_found(slope: float, verdict: str) -> None:
    row = at_equal(depth_table(runs(slope), 0.95), "parameters")
    assert row["slope_points"] == pytest.approx(100 * slope, abs=0.5)
    assert row["low"] < row["slope_points"] < row["high"] and row["verdict"] == row["verdict_adjusted"] == verdict
    assert row["validation_low"] < 100 * slope < row["validation_high"]
    assert (row["models"], row["runs"], row["depths"], row["covers"]) == (9, 54, "1 2 3", OTHER_MODELS)


@pytest.mark.parametrize(
    ("grid", "between"),
    [(GRID, 0.04), (GRID[:8], 0.04), (FEW, 0.0)],  # of few models the interval says nothing of what is their own
)
def test_without_an_effect_of_depth_verdicts_are_at_most_at_the_nominal_rate(grid, between: float) -> None:
    assert np.mean(sides(grid, per_layer=0.0, between=between) != 0) <= stats.binom.ppf(0.99, STUDIES, 0.05) / STUDIES


def test_an_effect_of_three_points_per_layer_is_found_among_models_that_differ_by_two() -> None:
    told = sides([(d, w) for d in range(1, 5) for w in (10, 20, 40)], per_layer=0.03, between=0.02)
    assert np.mean(told == 1) >= 0.8 and -1 not in told


def test_an_effect_of_four_points_per_layer_is_found_in_five_models_as_they_are() -> None:
    told = sides(FEW, per_layer=0.04)
    assert np.mean(told == 1) >= 0.8 and -1 not in told


def test_without_noise_the_slope_is_exact_and_shows_nothing_of_chance() -> None:
    row = at_equal(depth_table(runs(0.04, noise=0.0), 0.95), "parameters")
    assert (row["slope_points"], row["low"], row["high"]) == pytest.approx((4.0, 4.0, 4.0))
    assert (row["p"], row["verdict_adjusted"]) == (1.0, OPEN)


def test_at_equal_width_more_parameters_help_the_deeper() -> None:
    """Their 5 points per unit of log count as depth's when only the width is held equal."""
    table = depth_table(runs(0.0, noise=0.0), 0.95)
    assert at_equal(table, "parameters")["slope_points"] == pytest.approx(0, abs=1e-9)
    assert at_equal(table, "width")["slope_points"] > 0.5


@pytest.mark.parametrize("grid", [GRID, FEW])
def test_the_fit_is_numpys_least_squares_over_the_models(grid) -> None:
    rows = runs(0.03, noise=0.05, grid=grid)
    rows = rows[~((rows["architecture"] == "2x10") & (rows["repeat"] > 2))]  # models differ in repeats
    models = rows.groupby("architecture").agg({"depth": "first", "width": "first", "test": "mean"})
    columns = np.column_stack([np.ones(len(models)), models["depth"].astype(float), np.log(models["width"])])
    expected = np.linalg.lstsq(columns, models["test"].to_numpy(), rcond=None)[0][1]
    assert slope_row(rows, "width", 0.95)["slope_points"] == pytest.approx(100 * expected)


def test_of_enough_models_the_interval_is_that_of_scipys_regression() -> None:
    rows = runs(0.03, noise=0.05, grid=[(depth, 20) for depth in range(1, FEWEST_MODELS + 1)])
    means = rows.groupby("depth")["test"].mean()
    fit = stats.linregress(means.index.to_numpy(float), 100 * means)
    half = stats.t.ppf(0.975, len(means) - 2) * fit.stderr
    row = slope_row(rows, "width", 0.95)
    expected = (fit.slope, fit.slope - half, fit.slope + half, fit.pvalue)
    assert (row["slope_points"], row["low"], row["high"], row["p"]) == pytest.approx(expected)


def test_of_two_models_the_interval_is_welchs() -> None:
    """One layer apart, the slope is the difference of the two means."""
    shallow, deep = np.array([0.5, 0.6, 0.55, 0.52]), np.array([0.7, 0.9, 0.65])
    slope = slope_of([shallow, deep], np.array([[1.0, 1.0], [1.0, 2.0]]), 0.95)
    welch = stats.ttest_ind(100 * deep, 100 * shallow, equal_var=False)
    low, high = welch.confidence_interval(0.95)
    assert tuple(slope) == pytest.approx((100 * (deep.mean() - shallow.mean()), low, high, welch.pvalue))


def test_a_slope_sees_no_constant() -> None:
    columns = design(runs(0.0).drop_duplicates("architecture"), "parameters")
    assert slope_of([np.full(3, 0.7)] * len(columns), columns, 0.95).value == pytest.approx(0)


def test_one_width_needs_no_size_in_the_fit() -> None:
    row = at_equal(depth_table(runs(0.05, grid=[(1, 20), (2, 20), (3, 20)]), 0.95), "width")
    assert (row["verdict"], row["models"], row["covers"]) == (BETTER, 3, THESE_MODELS)


def test_a_fit_through_all_models_gives_no_verdict() -> None:
    row = at_equal(depth_table(runs(0.05, grid=[(1, 10), (2, 20), (3, 10)]), 0.95), "parameters")
    assert row["verdict"] == row["verdict_adjusted"] == TOO_FEW and np.isnan(row["p"])


def test_slopes_that_ask_the_same_are_judged_together() -> None:
    """Of ten families nine have no effect; the two ways to hold a size equal are questions of their own."""
    tables = [runs(0.05 if i == 0 else 0.0, noise=0.05, seed=i).assign(family=f"f{i}") for i in range(10)]
    table = depth_table(pd.concat(tables), 0.95)
    for _, rows in table.groupby("at_equal"):
        expected = stats.false_discovery_control(rows["p"])
        assert rows["p_adjusted"].to_numpy() == pytest.approx(expected)
    assert at_equal(table[table["family"] == "f0"], "parameters")["verdict_adjusted"] == BETTER


@pytest.mark.parametrize(
    "table",
    [
        runs(0.05, grid=[(2, 10), (2, 20), (2, 40)]),  # one depth
        runs(0.05, grid=[(1, 10), (2, 20)]),  # depth follows from the size
        runs(0.05, repeats=1),  # the noise is unknown
        runs(0.05).assign(depth=pd.NA),
    ],
)
def test_what_cannot_be_told_is_left_out(table: pd.DataFrame) -> None:
    slopes = depth_table(table, 0.95)
    assert slopes.empty and "verdict_adjusted" in slopes


def test_without_a_width_only_parameters_are_held_equal() -> None:
    assert depth_table(runs(0.05).assign(width=np.nan), 0.95)["at_equal"].tolist() == ["parameters"]


@pytest.mark.parametrize("grid", [GRID, FEW])
def test_order_and_names_change_nothing(grid) -> None:
    rows = runs(0.02, noise=0.05, grid=grid)
    renamed = rows.sample(frac=1, random_state=3).assign(
        architecture=lambda table: "x" + table["architecture"].str[::-1]
    )
    pd.testing.assert_frame_equal(depth_table(rows, 0.95), depth_table(renamed, 0.95))
