"""Routes on models made by hand: the smallest of each, and which of them is the smallest of all."""

import numpy as np
import pandas as pd
import pytest
from constructed import RELIABILITY
from hypothesis import given
from hypothesis import strategies as st

from minarch.analysis.routes import (
    IN_TRAINING,
    STORED,
    TRAIN_SMALL,
    grow_by,
    in_order,
    prune_by,
    smallest_of_routes,
    verdicts,
)

PRECISIONS = [("", "fp32"), ("int8", "int8")]
L1 = prune_by("l1", TRAIN_SMALL)


def models(*rows: tuple[str, str, int, float], failed: int = 0) -> pd.DataFrame:
    """Route, precision, bytes and accuracy in per cent; every row is a network of its own."""
    table = pd.DataFrame(rows, columns=["route", "precision", "bytes", "percent"])
    names = [f"net{i}" for i in range(len(table))]
    table = table.assign(model=names, architecture=names, dataset="digits", family="dnn", method="l1", level=0.5)
    table["quantization"] = table["precision"].where(table["precision"] != "fp32", "")
    return table.assign(repeats=3, failed=failed, validation_mean=table["percent"] / 100)


def routes_of(table: pd.DataFrame) -> pd.DataFrame:
    return table[["dataset", "route"]].drop_duplicates()


def of_routes(table: pd.DataFrame, *within: float) -> dict[tuple[str, str, float], str | None]:
    chosen = smallest_of_routes(table, routes_of(table), precisions=PRECISIONS, within=within, reliability=RELIABILITY)
    key = zip(chosen["route"], chosen["precision"], chosen["within_points"], strict=True)
    return dict(zip(key, chosen["model"].where(chosen["model"].notna(), None), strict=True))


def test_a_route_is_named_by_what_was_done() -> None:
    assert L1 == "prune: l1"
    assert prune_by("l1", grow_by("odn")) == "grow: odn, prune: l1"
    assert in_order([IN_TRAINING, L1, grow_by("odn"), TRAIN_SMALL, L1]) == [TRAIN_SMALL, L1, "grow: odn", IN_TRAINING]


def test_of_every_route_precision_and_bound_the_one_of_fewest_bytes() -> None:
    table = models(
        (TRAIN_SMALL, "fp32", 500, 96.0),  # the best
        (TRAIN_SMALL, "fp32", 300, 95.0),  # exactly a point below
        (TRAIN_SMALL, "fp32", 100, 93.0),
        (TRAIN_SMALL, "int8", 90, 92.9),
        (L1, "fp32", 200, 95.5),
        (L1, "int8", 50, 94.0),
    )
    assert of_routes(table, 1.0, 3.0) == {
        (TRAIN_SMALL, "fp32", 1.0): "net1",
        (TRAIN_SMALL, "fp32", 3.0): "net2",
        (TRAIN_SMALL, "int8", 1.0): None,
        (TRAIN_SMALL, "int8", 3.0): None,
        (L1, "fp32", 1.0): "net4",
        (L1, "fp32", 3.0): "net4",
        (L1, "int8", 1.0): None,
        (L1, "int8", 3.0): "net5",
    }


def test_who_is_not_reliable_sets_no_bound_and_a_data_set_without_a_reliable_model_has_no_routes() -> None:
    table = models((TRAIN_SMALL, "fp32", 500, 99.0), (TRAIN_SMALL, "fp32", 300, 95.0))
    table.loc[0, "failed"] = 1
    assert of_routes(table, 1.0)[TRAIN_SMALL, "fp32", 1.0] == "net1"
    assert of_routes(table.assign(failed=1), 1.0) == {}


def test_fewer_bits_that_need_no_fewer_bytes_lead_nowhere() -> None:
    table = models((TRAIN_SMALL, "fp32", 100, 95.0), (TRAIN_SMALL, "int8", 120, 95.5))
    table["architecture"] = "same"
    assert of_routes(table, 1.0) == {(TRAIN_SMALL, "fp32", 1.0): "net0", (TRAIN_SMALL, "int8", 1.0): None}


@given(
    st.lists(
        st.tuples(st.sampled_from([TRAIN_SMALL, L1, IN_TRAINING]), st.integers(1, 9), st.integers(90, 96)),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([0.0, 1.0, 3.0]),
)
def test_a_looser_bound_never_leads_to_a_larger_network(rows, points) -> None:
    table = models(*[(route, "fp32", size, percent) for route, size, percent in rows])
    chosen = smallest_of_routes(
        table, routes_of(table), precisions=PRECISIONS[:1], within=[points, points + 1], reliability=RELIABILITY
    )
    for route, of_route in chosen.groupby("route"):
        tight, loose = of_route.sort_values("within_points")["bytes"]
        fit = [size for r, size, p in rows if r == route and p >= max(p for _, _, p in rows) - points]
        assert (np.isnan(tight) and not fit) or tight == min(fit)
        assert np.isnan(tight) or loose <= tight


def judged(table: pd.DataFrame, tests: dict[str, list[float]]) -> pd.Series:
    chosen = smallest_of_routes(table, routes_of(table), precisions=PRECISIONS, within=[1.0], reliability=RELIABILITY)
    measured = {tuple(row[STORED]): np.array(tests[row["model"]]) for _, row in table.iterrows()}
    (row,) = verdicts(chosen.assign(route_macs=7), measured, 0.95).iloc
    return row


TWO = models((TRAIN_SMALL, "fp32", 300, 95.0), (TRAIN_SMALL, "fp32", 200, 95.0), (L1, "fp32", 250, 95.5))


def test_the_second_is_the_smallest_of_the_other_routes() -> None:
    row = judged(TWO, {name: [0.9, 0.9] for name in TWO["model"]})
    assert (row["route"], row["model"], row["second_route"], row["second_model"]) == (TRAIN_SMALL, "net1", L1, "net2")
    assert row["times"] == 1.25 and row["route_macs"] == row["second_route_macs"] == 7


@pytest.mark.parametrize(
    ("second", "verdict"),
    [([0.90, 0.91, 0.92], "cannot tell"), ([0.80, 0.81, 0.82], "better"), ([0.98, 0.99, 1.0], "worse")],
)
def test_accuracies_are_told_apart_by_welchs_interval_on_test_images(second, verdict) -> None:
    first = [0.90, 0.91, 0.92]
    row = judged(TWO, {"net0": [0.1], "net1": first, "net2": second})
    assert row["verdict"] == verdict
    assert row["test_difference_points_mean"] == pytest.approx(100 * (np.mean(first) - np.mean(second)))
    half = 2.7764451051977934  # t of 4 degrees of freedom: the variances are equal
    spread = np.sqrt(2 * np.var(first, ddof=1) / 3) * 100
    width = row["test_difference_points_high"] - row["test_difference_points_mean"]
    assert width == pytest.approx(half * spread)


def test_one_route_alone_has_no_second() -> None:
    alone = models((TRAIN_SMALL, "fp32", 300, 95.0))
    row = judged(alone, {"net0": [0.9, 0.9]})
    assert row["model"] == "net0" and pd.isna(row["second_route"]) and pd.isna(row["times"])
    assert pd.isna(row["verdict"])


def test_of_routes_to_one_size_the_more_accurate_is_first() -> None:
    table = models((TRAIN_SMALL, "fp32", 200, 95.0), (L1, "fp32", 200, 95.5))
    row = judged(table, {name: [0.9, 0.9] for name in table["model"]})
    assert (row["route"], row["times"]) == (L1, 1.0)


def test_a_route_of_which_nothing_is_exported_has_a_row_without_a_model() -> None:
    table = models((TRAIN_SMALL, "fp32", 100, 96.0))
    trained = pd.concat([routes_of(table), pd.DataFrame({"dataset": ["digits"], "route": [L1]})])
    chosen = smallest_of_routes(table, trained, precisions=PRECISIONS[:1], within=[1.0], reliability=RELIABILITY)
    assert chosen["route"].tolist() == [TRAIN_SMALL, L1] and chosen["model"].isna().tolist() == [False, True]
