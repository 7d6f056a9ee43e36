"""Finalists against their definition, on tables made by hand and drawn; networks are read by their contract alone."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from constructed import RELIABILITY
from hypothesis import given
from hypothesis import strategies as st

from minarch.analysis.finalists import are_finalists, candidates, read_repeats
from minarch.analysis.reliability import Reliability
from minarch.errors import UserError


def models(*rows: tuple[str, str, int, float, int]) -> pd.DataFrame:
    """Name, family, parameters, accuracy in per cent, failed repeats of 5."""
    table = pd.DataFrame(rows, columns=["architecture", "family", "parameters", "percent", "failed"])
    same = {"dataset": "digits", "made": "sweep", "repeats": 5}
    return table.assign(**same, validation_mean=table["percent"] / 100)


def chosen(table: pd.DataFrame, within_points: float = 3.0, **rule: Any) -> list[str]:
    reliability = Reliability(**{"failure_share": 0.05} | rule)
    return table.loc[are_finalists(table, reliability, within_points), "architecture"].tolist()


def test_of_every_family_those_that_none_beats_and_that_are_near_the_best_of_all() -> None:
    table = models(
        ("small", "dnn", 10, 92.9, 0),  # 3.1 points below the best
        ("edge", "dnn", 20, 93.0, 0),
        ("beaten", "dnn", 30, 92.95, 0),
        ("twin", "dnn", 40, 95.0, 0),
        ("other twin", "dnn", 40, 95.0, 0),
        ("larger", "dnn", 50, 95.0, 0),
        ("large", "cnn", 9_000, 94.0, 0),  # its family has none so small
        ("best", "cnn", 10_000, 96.0, 0),
        ("poor", "vit", 5, 90.0, 0),
    )
    assert chosen(table) == ["edge", "twin", "other twin", "large", "best"]
    assert chosen(table, within_points=1.0) == ["twin", "other twin", "best"]


def test_what_was_made_in_another_way_is_a_route_of_its_own() -> None:
    table = models(("small", "dnn", 10, 96.0, 0), ("larger", "dnn", 20, 95.0, 0), ("largest", "dnn", 30, 94.0, 0))
    assert chosen(table) == ["small"]
    table.loc[1:, "made"] = "sweep, l1"
    assert chosen(table) == ["small", "larger"]


def test_who_fails_too_often_neither_wins_nor_beats_anyone() -> None:
    table = models(("lucky", "dnn", 10, 99.0, 1), ("good", "dnn", 20, 96.0, 0), ("near", "dnn", 15, 94.0, 0))
    assert chosen(table) == ["good", "near"]
    assert chosen(table, failure_share=0.2) == ["lucky"]
    assert chosen(models(("lucky", "dnn", 10, 99.0, 1))) == []


def test_data_sets_do_not_compare() -> None:
    table = models(("easy", "dnn", 10, 99.0, 0), ("hard", "dnn", 20, 40.0, 0))
    table["dataset"] = ["digits", "cifar10"]
    assert chosen(table) == ["easy", "hard"]


DRAWN = st.lists(
    st.tuples(st.sampled_from(["dnn", "cnn"]), st.integers(1, 6), st.integers(88, 96), st.sampled_from([0, 0, 0, 1])),
    min_size=1,
    max_size=15,
)


@given(DRAWN, st.sampled_from([1.0, 3.0, 100.0]))
def test_the_best_is_a_finalist_and_whoever_is_none_is_beaten_or_too_far_below(drawn, within) -> None:
    table = models(*[(str(i), *row) for i, row in enumerate(drawn)])
    finalists = are_finalists(table, RELIABILITY, within)
    reliable = table[table["failed"] == 0]
    if reliable.empty:
        assert not finalists.any()
        return
    best = reliable["percent"].max()
    assert (finalists & (table["percent"] == best)).any()
    for i, row in reliable.iterrows():
        family = reliable[reliable["family"] == row["family"]]
        no_worse = (family["parameters"] <= row["parameters"]) & (family["percent"] >= row["percent"])
        better = (family["parameters"] < row["parameters"]) | (family["percent"] > row["percent"])
        assert finalists[i] == (not (no_worse & better).any() and row["percent"] >= best - within)
    assert not finalists[table["failed"] > 0].any()


@given(DRAWN)
def test_the_smallest_within_a_tighter_bound_is_always_among_the_finalists(drawn) -> None:
    """Where bytes rise with parameters within a family, no network that was left out could have been the answer."""
    table = models(*[(str(i), *row) for i, row in enumerate(drawn)])
    reliable = table[table["failed"] == 0]
    if reliable.empty:
        return
    near = reliable[reliable["percent"] >= reliable["percent"].max() - 1]
    finalists = table[are_finalists(table, RELIABILITY, 3.0)]
    for family, rows in near.groupby("family"):
        smallest = finalists[(finalists["family"] == family) & (finalists["percent"] >= reliable["percent"].max() - 1)]
        assert smallest["parameters"].min() == rows["parameters"].min()


def write(folder, stage, name, runs, architecture="dnn-1", **record):
    """An item that keeps the contract; `runs` are (status, accuracy, parameters)."""
    item = folder / stage / name
    item.mkdir(parents=True)
    repeats = [
        {"repeat": r, "status": status, "spec": None, "validation_accuracy": a, "parameters": p, "macs": p and 2 * p}
        for r, (status, a, p) in enumerate(runs, record.pop("first", 0))
    ]
    model = {"dataset": "digits", "family": "dnn", "architecture": architecture, "method": "original", "level": 0}
    body = model | {"weights": "weights.safetensors"} | record | {"repeats": repeats}
    (item / "results.json").write_text(json.dumps(body))
    return item


def test_a_repeat_fails_by_its_stage_without_a_finite_network_or_below_twice_chance(tmp_path) -> None:
    runs = [("ok", 0.21, 8), ("ok", 0.19, 8), ("collapsed", 0.5, 8), ("diverged", None, 8), ("unreachable", None, None)]
    table = read_repeats([write(tmp_path, "complexity", "x", runs)], {"digits": 10}, RELIABILITY)
    assert table["failed"].tolist() == [False, True, True, True, True]
    assert table["stage"].unique().tolist() == ["complexity"]
    cut = write(tmp_path, "prune", "y", [("nothing_removed", 0.9, 8)], method="l1", level=0.5)
    assert not read_repeats([cut], {"digits": 10}, RELIABILITY)["failed"].any(), (
        "a cut that removed nothing is a network"
    )


def test_blocks_of_repeats_are_one_model_whose_sizes_are_means(tmp_path) -> None:
    one = write(tmp_path, "sweep", "a", [("ok", 0.9, 10), ("ok", 0.8, 20)])
    two = write(tmp_path, "sweep", "b", [("ok", 0.7, 30), ("unstable", None, None)], first=2)
    other = write(tmp_path, "sweep", "c", [("ok", 0.5, 5)], architecture="dnn-0")
    table = candidates(read_repeats([two, one, other], {"digits": 10}, RELIABILITY), 0.95)
    assert table["architecture"].tolist() == ["dnn-0", "dnn-1"]
    row = table.iloc[1]
    assert (row["repeats"], row["failed"], row["n"], row["parameters"], row["macs"]) == (4, 1, 3, 20, 40)
    assert row["validation_mean"] == pytest.approx(0.8) and sorted(row["items"]) == ["a", "b"]
    assert np.isnan(table.iloc[0]["validation_low"]), "one repeat has no interval"


def test_a_way_is_that_of_the_network_as_it_was_trained_and_what_cut_it(tmp_path) -> None:
    runs = [("ok", 0.9, 10)]
    swept, alone, grown = ("dnn-1", "dnn-1-alone", "dnn-1-odn")
    items = [
        write(tmp_path, "sweep", "a", runs, swept),
        write(tmp_path, "depth", "b", runs, alone, way="alone"),
        write(tmp_path, "depth", "c", runs, grown, way="odn"),
        *(write(tmp_path, "prune", f"d{name}", runs, name, method="l1", level=0.5) for name in (swept, alone, grown)),
    ]
    table = candidates(read_repeats(items, {"digits": 10}, RELIABILITY), 0.95).set_index(["architecture", "method"])
    assert table["made"].to_dict() == {
        (swept, "original"): "sweep",
        (alone, "original"): "depth alone",
        (grown, "original"): "depth odn",
        (swept, "l1"): "sweep, l1",
        (alone, "l1"): "depth alone, l1",
        (grown, "l1"): "depth odn, l1",
    }


def test_test_results_are_never_opened(tmp_path) -> None:
    item = write(tmp_path, "sweep", "a", [("ok", 0.9, 10)])
    (item / "test.json").write_text("not JSON")
    assert len(candidates(read_repeats([item], {"digits": 10}, RELIABILITY), 0.95)) == 1


def test_what_breaks_the_contract_is_one_line(tmp_path) -> None:
    item = write(tmp_path, "sweep", "a", [("ok", "high", 10)])
    with pytest.raises(UserError, match=r"is no record of networks \(repeats\.0\.validation_accuracy"):
        read_repeats([item], {"digits": 10}, RELIABILITY)


def test_with_a_target_all_that_are_reliable_are_finalists_however_far_below_the_best() -> None:
    table = models(
        ("tiny", "dnn", 10, 90.0, 1),
        ("small", "dnn", 20, 91.0, 0),
        ("best", "dnn", 90, 99.0, 0),
        ("big", "dnn", 99, 98.0, 0),
    )
    assert chosen(table) == ["best"]
    assert chosen(table, target=0.9) == ["small", "best", "big"], "in fewer bits big may reach it where best fails"
    assert chosen(table, target=0.9, failure_share=0.2) == ["tiny", "small", "best", "big"]
    assert chosen(table, target=0.9, trainings=6) == ["best"], "none is reliable, this one comes closest"


def test_a_training_that_misses_the_target_fails(tmp_path) -> None:
    item = write(tmp_path, "sweep", "x", [("ok", 0.9, 8), ("ok", 0.8999, 8), ("unstable", 0.95, 8)])
    table = read_repeats([item], {"digits": 10}, Reliability(failure_share=0.05, target=0.9))
    assert table["failed"].tolist() == [False, True, True]


def test_of_a_data_set_where_none_reaches_the_target_the_closest_is_looked_at() -> None:
    table = models(("far", "dnn", 10, 90.0, 3), ("close", "dnn", 20, 80.0, 1), ("good", "dnn", 30, 99.0, 0))
    table["dataset"] = ["hard", "hard", "easy"]
    assert chosen(table, target=0.9) == ["close", "good"]
    assert chosen(table) == ["good"]
