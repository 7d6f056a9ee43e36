"""Redundancies made from known slopes, and the fit against numpy's."""

import numpy as np
import pandas as pd
import pytest

from minarch.analysis.depth import BETTER, OPEN, TOO_FEW, WORSE, depth_table, design, slope_row, weights_of_slope
from minarch.analysis.minimal import Bootstrap

BOOTSTRAP = Bootstrap(resamples=400, confidence=0.95, seed=0)
GRID = [(depth, width) for depth in (1, 2, 3) for width in (10, 20, 40)]


def runs(slope: float, noise: float = 0.01, grid=GRID, repeats: int = 6, seed: int = 0) -> pd.DataFrame:
    """Redundancy 0.2 + slope depth + 0.05 log(parameters) + noise; parameters grow with depth and width."""
    generator = np.random.default_rng(seed)
    rows = []
    for depth, width in grid:
        parameters = 70 * width + (depth - 1) * width**2
        model = {"dataset": "digits", "family": "dnn", "scope": "global", "architecture": f"{depth}x{width}"}
        model |= {"depth": depth, "width": float(width), "parameters": parameters}
        for repeat in range(repeats):
            end = 0.2 + slope * depth + 0.05 * np.log(parameters) + generator.normal(0, noise)
            rows.append(model | {"repeat": repeat, "redundancy": end})
    return pd.DataFrame(rows).astype({"depth": "Int64"})


def at_equal(table: pd.DataFrame, size: str) -> pd.Series:
    return table.set_index("at_equal").loc[size]


@pytest.mark.parametrize(("slope", "verdict"), [(0.06, BETTER), (-0.06, WORSE)])
def test_a_known_slope_is_found(slope: float, verdict: str) -> None:
    row = at_equal(depth_table(runs(slope), BOOTSTRAP), "parameters")
    assert row["slope_points"] == pytest.approx(100 * slope, abs=0.5)
    assert row["low"] < row["slope_points"] < row["high"] and row["verdict"] == verdict
    assert (row["models"], row["runs"], row["depths"]) == (9, 54, "1 2 3")


def test_noise_alone_shows_nothing() -> None:
    """In most of many draws: an interval of 95 % misses now and then."""
    drawn = [slope_row(runs(0.0, noise=0.1, seed=seed), "parameters", BOOTSTRAP)["verdict"] for seed in range(40)]
    assert drawn.count(OPEN) >= 34


def test_without_noise_the_slope_is_exact() -> None:
    row = at_equal(depth_table(runs(0.04, noise=0.0), BOOTSTRAP), "parameters")
    assert (row["slope_points"], row["low"], row["high"]) == pytest.approx((4.0, 4.0, 4.0))


def test_at_equal_width_more_parameters_help_the_deeper() -> None:
    """Their 5 points per unit of log count as depth's when only the width is held equal."""
    table = depth_table(runs(0.0, noise=0.0), BOOTSTRAP)
    assert at_equal(table, "parameters")["slope_points"] == pytest.approx(0, abs=1e-9)
    assert at_equal(table, "width")["slope_points"] > 0.5


def test_the_fit_is_numpys_least_squares_over_all_rows() -> None:
    rows = runs(0.03, noise=0.05)
    rows = rows[~((rows["architecture"] == "2x20") & (rows["repeat"] > 2))]  # models differ in repeats
    columns = np.column_stack([np.ones(len(rows)), rows["depth"].astype(float), np.log(rows["width"])])
    expected = np.linalg.lstsq(columns, rows["redundancy"].to_numpy(), rcond=None)[0][1]
    assert slope_row(rows, "width", BOOTSTRAP)["slope_points"] == pytest.approx(100 * expected)


def test_weights_of_a_slope_see_no_constant() -> None:
    models = runs(0.0).drop_duplicates("architecture")
    weights = weights_of_slope(design(models, "parameters"), np.full(len(models), 6))
    assert weights.sum() == pytest.approx(0) and weights @ models["depth"].to_numpy(float) == pytest.approx(1)


def test_one_width_needs_no_size_in_the_fit() -> None:
    row = at_equal(depth_table(runs(0.05, grid=[(1, 20), (2, 20), (3, 20)]), BOOTSTRAP), "width")
    assert row["verdict"] == BETTER and row["models"] == 3


def test_a_fit_through_all_models_gives_no_verdict() -> None:
    row = at_equal(depth_table(runs(0.05, grid=[(1, 10), (2, 20), (3, 10)]), BOOTSTRAP), "parameters")
    assert row["verdict"] == TOO_FEW


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
    slopes = depth_table(table, BOOTSTRAP)
    assert slopes.empty and "verdict" in slopes


def test_without_a_width_only_parameters_are_held_equal() -> None:
    assert depth_table(runs(0.05).assign(width=np.nan), BOOTSTRAP)["at_equal"].tolist() == ["parameters"]


def test_order_and_names_change_nothing() -> None:
    rows = runs(0.02, noise=0.05)
    renamed = rows.sample(frac=1, random_state=3).assign(
        architecture=lambda table: "x" + table["architecture"].str[::-1]
    )
    pd.testing.assert_frame_equal(depth_table(rows, BOOTSTRAP), depth_table(renamed, BOOTSTRAP))
