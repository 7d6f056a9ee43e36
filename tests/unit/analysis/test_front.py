"""The front against brute force; the recommendation against its definition."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from minarch.analysis.front import pareto_front, recommend, reliable

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=20)


@given(POINTS)
def test_pareto_front_is_what_brute_force_finds(points: list[tuple[int, int]]) -> None:
    cost, value = np.array(points, dtype=float).T
    beaten = [
        any(c <= cost[i] and v >= value[i] and (c < cost[i] or v > value[i]) for c, v in points)
        for i in range(len(points))
    ]
    assert pareto_front(cost, value).tolist() == [not b for b in beaten]


def models(*rows: tuple[str, float, float, int]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["model", "bytes", "validation_mean", "failed"])
    same = {"dataset": "digits", "family": "dnn", "method": "original", "level": 0.0}
    return table.assign(**same, architecture=table["model"], precision="fp32", repeats=5)


def test_the_smallest_within_the_allowed_drop() -> None:
    table = models(("a", 100, 0.90, 0), ("b", 200, 0.95, 0), ("c", 300, 0.955, 0), ("d", 900, 0.96, 0))
    recommended, best = recommend(table, 1.0)
    assert (table.loc[recommended, "model"], table.loc[best, "model"]) == ("b", "d")  # exactly one point is allowed


def test_of_equally_small_models_the_more_accurate_one() -> None:
    table = models(("a", 100, 0.952, 0), ("b", 100, 0.955, 0), ("c", 300, 0.96, 0))
    assert table.loc[recommend(table, 1.0)[0], "model"] == "b"


def test_unreliable_models_are_left_out() -> None:
    table = models(("a", 100, 0.99, 1), ("b", 200, np.nan, 0), ("c", 300, 0.9, 0))
    assert reliable(table, 0.05)["model"].tolist() == ["c"]
    assert reliable(table, 0.2)["model"].tolist() == ["a", "c"]


@given(POINTS)
def test_the_recommended_and_the_best_model_lie_on_the_front(points: list[tuple[int, int]]) -> None:
    table = models(*[(str(i), cost, value / 100, 0) for i, (cost, value) in enumerate(points)])
    front = pareto_front(table["bytes"].to_numpy(float), table["validation_mean"].to_numpy())
    assert all(front[table.index.get_loc(pick)] for pick in recommend(table, 2.0))


def test_of_fewer_bits_only_what_has_fewer_bytes_than_its_own_float32_is_reliable() -> None:
    whole = models(("a", 100, 0.9, 0), ("b", 200, 0.9, 0))
    coarse = models(("a", 100, 0.95, 0), ("b", 150, 0.8, 0), ("c", 50, 0.7, 0)).assign(precision="int8")
    table = pd.concat([whole, coarse], ignore_index=True)
    kept = reliable(table, 0.05)
    assert list(zip(kept["model"], kept["precision"], strict=True)) == [
        *(("a", "fp32"), ("b", "fp32")),
        *(("b", "int8"), ("c", "int8")),  # where float32 was not exported there is nothing to be smaller than
    ]
