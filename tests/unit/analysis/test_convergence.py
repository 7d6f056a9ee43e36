"""The two selecting stages on constructed sweeps: what they find, and that they never look at test data or names."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from constructed import CONVERGENCE, STEP, write_json, write_sweep

from minarch import convergence, representatives

ROLES = {"roles": ["minimal", "learning", "overfitting"]}


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
    assert {found["role"]: found["parameters"] for found in chosen} == {
        "minimal": 400,
        "learning": 1000,
        "overfitting": 6000,
    }
    assert chosen[0]["items"] == ["digits-net-400-x"]


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
    found = select(blocks[::-1], tmp_path / "two")
    assert found["sizes.csv"] == expected["sizes.csv"] and found["minimal.csv"] == expected["minimal.csv"]
    chosen = json.loads(found["representatives.json"])
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
    found = select(renamed, tmp_path / "b")
    assert found["minimal.csv"] == expected["minimal.csv"]
    tables = [pd.read_csv(tmp_path / run / "convergence/sizes.csv").drop(columns="architecture") for run in "ab"]
    pd.testing.assert_frame_equal(*tables)


def test_diverged_repeats_are_a_result(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path / "sweep")
    write_sweep(sweep[1], "digits", "net", 400, STEP[400], diverged=[1])
    select(sweep, tmp_path / "out")
    sizes = pd.read_csv(tmp_path / "out/convergence/sizes.csv").set_index("parameters")
    assert sizes.loc[400, "regime"] == "unstable"
    assert sizes.loc[400, "failed_share"] == pytest.approx(1 / 3)


def test_beyond_the_grid_is_said_in_words(tmp_path: Path) -> None:
    sweep = [write_sweep(tmp_path / f"{p}", "digits", "net", p, (a, a)) for p, a in [(100, 0.15), (200, 0.18)]]
    out = tmp_path / "out"
    out.mkdir()
    convergence.work(CONVERGENCE, {"sweep": sweep}, out)
    row = pd.read_csv(out / "minimal.csv").set_index("depth").loc["all"]
    assert pd.isna(row["p_min"])
    assert "p_min not found up to 200 parameters: widen the sweep upwards" in row["note"]
