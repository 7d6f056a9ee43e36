"""The two selecting stages on constructed sweeps: what they find, and that they never look at test data or names."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from constructed import CONVERGENCE, RELIABILITY, STEP, size, write_json, write_sweep
from scipy import stats

from minarch import convergence, representatives
from minarch.analysis.minimal import Bootstrap, minimum, statistics
from minarch.analysis.regimes import Thresholds

THRESHOLDS = Thresholds.of(CONVERGENCE)

TABLES = ["sizes.csv", "minimal.csv", "sensitivity.csv", "trend.csv", "early.csv", "order.csv", "shape.csv"]
ROLES = {"roles": ["minimal", "near-best", "overfitting"]}


def make_sweep(root: Path) -> list[Path]:
    return [write_sweep(root / f"digits-net-{p}-x", "digits", "net", p, best) for p, best in STEP.items()]


def select(sweep: list[Path], out: Path) -> dict[str, bytes]:
    """The bytes that both stages write."""
    for stage, work, config in [
        ("convergence", convergence.work, CONVERGENCE),
        ("representatives", representatives.work, ROLES),
    ]:
        (out / stage).mkdir(parents=True)
        work(config, {"sweep": sweep, "convergence": out / "convergence"}, out / stage)
    return {path.name: path.read_bytes() for path in out.glob("*/*")}


def test_regimes_minimum_and_representatives(tmp_path: Path) -> None:
    select(make_sweep(tmp_path / "sweep"), tmp_path / "out")
    sizes = pd.read_csv(tmp_path / "out/convergence/sizes.csv").set_index("parameters")
    assert sizes["regime"].to_dict() == {50: "unstable", 400: "learning", 1000: "learning", 6000: "overfitting"}
    assert sizes.loc[6000, "validation_low"] < sizes.loc[6000, "validation_mean"] < sizes.loc[6000, "validation_high"]
    minimal = pd.read_csv(tmp_path / "out/convergence/minimal.csv").set_index("depth")
    assert minimal.loc["all", ["p_min", "p_near_best", "repeats"]].tolist() == [400, 1000, 3]
    chosen = json.loads((tmp_path / "out/representatives/representatives.json").read_text())
    assert {entry["role"]: entry["parameters"] for entry in chosen} == {
        "minimal": 400,
        "near-best": 1000,
        "overfitting": 6000,
    }
    assert chosen[0]["items"] == ["digits-net-400-x"]


def test_what_the_tables_agree_on(tmp_path: Path) -> None:
    select(make_sweep(tmp_path / "sweep"), tmp_path / "out")
    tables = {name: pd.read_csv(tmp_path / "out/convergence" / name) for name in TABLES}
    assert all(table[["dataset", "family"]].eq(["digits", "net"]).all(axis=None) for table in tables.values())
    minimal = tables["minimal.csv"].set_index("depth").loc["all"]
    as_set, last = tables["sensitivity.csv"].iloc[0], tables["early.csv"].iloc[-1]
    for name in ("p_min", "p_near_best"):
        assert minimal[name] == as_set[name] == last[name]
    assert as_set[["threshold", "overfitting_from", "unstable", "learning", "overfitting"]].tolist() == [
        "as set",
        6000,
        1,
        2,
        1,
    ]
    assert last[["epoch", "sizes", "called_unstable", "false_alarms", "missed"]].tolist() == [4, 4, 1, 0, 0]
    trend = tables["trend.csv"].query("epoch == 4")
    assert trend["validation_mean"].tolist() == tables["sizes.csv"]["validation_mean"].tolist()
    shape = tables["shape.csv"].set_index(["scope", "source"])
    assert shape.loc["all sizes", ["architectures", "runs"]].iloc[0].tolist() == [4, 12]
    assert shape.loc["from p_min", "architectures"].iloc[0] == 3
    assert shape.loc[("all sizes", "parameters"), "share"] > 0.999
    assert shape.loc[("all sizes", "shape"), ["share", "low", "high"]].isna().all()  # sizes of one shape
    order = tables["order.csv"].iloc[0]
    assert order[["sizes", "unstable", "out_of_order", "in_order_share"]].tolist() == [4, 1, 0, 1.0]
    assert order[["split_sizes", "held_share"]].isna().all()  # three repeats cannot be halved


def test_selection_never_opens_test_results(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path / "sweep")
    expected = select(sweep, tmp_path / "intact")
    for item in sweep:
        (item / "test.json").write_text("not even JSON")
    assert select(sweep, tmp_path / "corrupt") == expected
    for item in sweep:
        (item / "test.json").unlink()
    assert select(sweep, tmp_path / "absent") == expected


def test_blocks_of_repeats_belong_together_in_any_order(tmp_path: Path) -> None:
    """The repeats of one architecture in two items, listed backwards: the same tables as in one item."""
    whole = make_sweep(tmp_path / "whole")
    expected = select(whole, tmp_path / "one")
    blocks = []
    for item in whole:
        record, curves = json.loads((item / "results.json").read_text()), pd.read_csv(item / "curves.csv")
        for block, members in {"a": [0, 2], "b": [1]}.items():
            part = tmp_path / "blocks" / f"{item.name}-{block}"
            repeats = [run for run in record["repeats"] if run["repeat"] in members][::-1]
            write_json(part / "results.json", record | {"repeats": repeats})
            curves[curves["repeat"].isin(members)].to_csv(part / "curves.csv", index=False)
            blocks.append(part)
    files = select(blocks[::-1], tmp_path / "two")
    assert [files[name] for name in TABLES] == [expected[name] for name in TABLES]
    chosen = json.loads(files["representatives.json"])
    assert chosen[0]["items"] == ["digits-net-400-x-a", "digits-net-400-x-b"]


def test_other_names_change_nothing_but_names(tmp_path: Path) -> None:
    plain = make_sweep(tmp_path / "plain")
    expected = select(plain, tmp_path / "a")
    renamed = []
    for i, item in enumerate(plain):
        copy = shutil.copytree(item, tmp_path / "renamed" / item.name)
        record = json.loads((copy / "results.json").read_text())
        write_json(copy / "results.json", record | {"architecture": f"{9 - i}-other"})
        renamed.append(copy)
    files = select(renamed, tmp_path / "b")
    assert [files[name] for name in TABLES[1:]] == [expected[name] for name in TABLES[1:]]
    tables = [pd.read_csv(tmp_path / run / "convergence/sizes.csv").drop(columns="architecture") for run in "ab"]
    pd.testing.assert_frame_equal(*tables)


def test_diverged_repeats_are_a_result(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path / "sweep")
    write_sweep(sweep[1], "digits", "net", 400, STEP[400], diverged=[1])
    select(sweep, tmp_path / "out")
    sizes = pd.read_csv(tmp_path / "out/convergence/sizes.csv").set_index("parameters")
    assert sizes.loc[400, "regime"] == "unstable"
    assert sizes.loc[400, "failed_share"] == pytest.approx(1 / 3)


def whole_row(tmp_path: Path, accuracies: dict[int, float]) -> pd.Series:
    """The row of minimal.csv of a family with these sizes."""
    sweep = [write_sweep(tmp_path / f"{p}", "digits", "net", p, (a, a)) for p, a in accuracies.items()]
    out = tmp_path / "out"
    out.mkdir(parents=True)
    convergence.work(CONVERGENCE, {"sweep": sweep}, out)
    return pd.read_csv(out / "minimal.csv").set_index("depth").loc["all"]


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        (
            {100: 0.15, 200: 0.18},
            [
                "widen the sweep: upwards, p_min is not found up to 200 parameters",
                "widen the sweep: upwards, p_near_best is not found up to 200 parameters",
            ],
        ),
        (
            {100: 0.15, 200: 0.8, 400: 0.85},
            ["widen the sweep: upwards, p_near_best is the largest size, 400 parameters"],
        ),
        (
            {100: 0.15, 200: 0.8},
            [
                "widen the sweep: upwards, p_min is the largest size, 200 parameters",
                "widen the sweep: upwards, p_near_best is the largest size, 200 parameters",
            ],
        ),
        ({100: 0.85, 200: 0.87, 400: 0.87}, ["widen the sweep: downwards, p_min is the smallest size, 100 parameters"]),
        ({100: 0.15, 200: 0.86, 400: 0.86}, []),
    ],
)
def test_an_answer_at_the_edge_of_the_grid_says_where_to_widen_it(
    tmp_path: Path, accuracies: dict[int, float], expected: list[str]
) -> None:
    note = whole_row(tmp_path, accuracies)["note"]
    assert ([] if pd.isna(note) else note.split("; ")) == expected


def test_beyond_the_grid_is_left_empty(tmp_path: Path) -> None:
    row = whole_row(tmp_path, {100: 0.15, 200: 0.18})
    assert row[["p_min", "p_min_high", "p_near_best"]].isna().all()


def test_an_interval_that_ends_beyond_the_grid_asks_for_repeats_too() -> None:
    """One of thirty repeats failed at the largest size: allowed, but not in every resample."""
    steady = np.zeros(30)
    sizes = [size(100, 0.5, 0.5, spread=steady), size(400, 0.9, 0.9, spread=steady, failed=1)]
    minimal = minimum([statistics(sizes, Bootstrap(resamples=200, confidence=0.95, seed=0), 0)], THRESHOLDS, 0.95)
    row = convergence.minimal_row(minimal, {}, [sizes], RELIABILITY, 0.95)
    assert row["p_min"] == 400 and np.isinf(row["p_min_high"])
    assert "widen the sweep: upwards, or train more repeats, p_min may lie beyond 400 parameters" in row["note"]


@pytest.mark.parametrize(("repeats", "failed", "bound"), [(5, 0, 0.4507), (20, 0, 0.1391), (20, 1, 0.2161)])
def test_what_the_repeats_at_p_min_do_not_rule_out(repeats: int, failed: int, bound: float) -> None:
    """An interval without width is no certainty: the bounds are those of the exact binomial test."""
    sizes = [size(400, 0.9, 0.9, spread=np.zeros(repeats), failed=failed), size(800, 0.9, 0.9, spread=np.zeros(9))]
    said = convergence.surety(400, sizes, RELIABILITY, 0.95)
    assert (said["p_min_repeats"], said["p_min_failed"]) == (repeats, failed)
    assert said["p_min_failure_at_most"] == pytest.approx(bound, abs=1e-4)
    exact = stats.binomtest(failed, repeats).proportion_ci(0.9, method="exact")  # two-sided at 0.9: each side at 0.95
    assert said["p_min_failure_at_most"] == pytest.approx(exact.high)


def test_a_p_min_beyond_the_grid_has_no_repeats() -> None:
    assert np.isnan(list(convergence.surety(np.inf, [size(400, 0.9, 0.9)], RELIABILITY, 0.95).values())).all()


def test_the_smallest_size_tried_is_only_an_upper_bound(tmp_path: Path) -> None:
    edge = whole_row(tmp_path / "edge", {100: 0.85, 200: 0.87})
    inside = whole_row(tmp_path / "inside", {100: 0.15, 200: 0.86, 400: 0.87})
    assert edge["p_min_at_most"] and not inside["p_min_at_most"]
    assert inside[["p_min_by_gain", "p_min_by_points", "p_min_repeats", "p_min_failed"]].tolist() == [200, 200, 3, 0]
