"""The front against brute force; the recommendation against its definition."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from minarch.analysis.front import pareto_front, recommend, smallest_within, worthwhile
from minarch.analysis.reliability import Reliability

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
    network = {"dataset": "digits", "family": "dnn", "method": "original", "level": 0.0, "precision": "fp32"}
    return table.assign(repeats=5, architecture=table["model"], **network)


def stored(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """Networks, each in some precisions: its name, precision, bytes and accuracy."""
    table = pd.DataFrame(rows, columns=["architecture", "precision", "bytes", "validation_mean"])
    names = table["architecture"] + table["precision"]
    return table.assign(model=names, dataset="digits", family="dnn", method="original", level=0.0)


def test_the_smallest_within_the_allowed_drop() -> None:
    table = models(("a", 100, 0.90, 0), ("b", 200, 0.95, 0), ("c", 300, 0.955, 0), ("d", 900, 0.96, 0))
    recommended, best = recommend(table, 1.0)
    assert (table.loc[recommended, "model"], table.loc[best, "model"]) == ("b", "d")  # exactly one point is allowed


def test_of_equally_small_models_the_more_accurate_one() -> None:
    table = models(("a", 100, 0.952, 0), ("b", 100, 0.955, 0), ("c", 300, 0.96, 0))
    assert table.loc[recommend(table, 1.0)[0], "model"] == "b"


def test_unreliable_models_are_left_out() -> None:
    table = models(("a", 100, 0.99, 1), ("b", 200, np.nan, 0), ("c", 300, 0.9, 0))
    assert Reliability(failure_share=0.05).reliable(table)["model"].tolist() == ["c"]
    assert Reliability(failure_share=0.2).reliable(table)["model"].tolist() == ["a", "c"]


@given(POINTS)
def test_the_recommended_and_the_best_model_lie_on_the_front(points: list[tuple[int, int]]) -> None:
    table = models(*[(str(i), cost, value / 100, 0) for i, (cost, value) in enumerate(points)])
    front = pareto_front(table["bytes"].to_numpy(float), table["validation_mean"].to_numpy())
    assert all(front[table.index.get_loc(pick)] for pick in recommend(table, 2.0))


def test_fewer_bits_that_need_no_fewer_bytes_are_never_recommended_nor_best() -> None:
    table = stored(
        ("a", "fp32", 100, 0.90), ("a", "int8", 100, 0.99), ("b", "fp32", 200, 0.905), ("b", "int8", 120, 0.9)
    )
    assert worthwhile(table)["model"].tolist() == ["afp32", "bfp32", "bint8"]
    recommended, best = recommend(table, 1.0)
    assert (table.loc[recommended, "model"], table.loc[best, "model"]) == ("afp32", "bfp32")


def test_fewer_bits_count_where_the_same_network_is_not_listed_in_float32() -> None:
    table = stored(("a", "int8", 100, 0.9), ("b", "fp32", 50, 0.8))
    assert worthwhile(table)["model"].tolist() == ["aint8", "bfp32"]


def test_a_bound_that_no_model_keeps_gives_none() -> None:
    table = models(("a", 100, 0.90, 0), ("b", 200, 0.95, 0))
    assert smallest_within(table, 0.97, 1.0) is None
    assert table.loc[smallest_within(table, 0.97, 2.0), "model"] == "b"


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 4)), min_size=1, max_size=8))
def test_a_recommended_model_in_fewer_bits_has_fewer_bytes(networks: list[tuple[int, int, int]]) -> None:
    rows = [
        (str(i), p, size, 0.9 + v / 100)
        for i, (*sizes, v) in enumerate(networks)
        for p, size in zip(("fp32", "int8"), sizes, strict=True)
    ]
    table = stored(*rows)
    for pick in recommend(table, 2.0):
        row = table.loc[pick]
        own = networks[int(row["architecture"])][0]
        assert row["precision"] == "fp32" or row["bytes"] < own
