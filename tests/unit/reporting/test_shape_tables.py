"""Studies of four budgets and four matched shapes whose effects are known: what the tables say of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from constructed import write_json

from minarch.analysis.minimal import Bootstrap
from minarch.reporting.findings.shape import equivalences
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.shape import shape_tables

BUDGETS, SHAPES, REPEATS = [100, 300, 1000, 10_000], ["grow", "equal", "shrink", "grow-grow"], 20
P_MIN = 300


@pytest.fixture(scope="module")
def items(tmp_path_factory) -> list[Path]:
    """Items of which only the knobs are read."""
    root = tmp_path_factory.mktemp("sweep")
    for parameters in BUDGETS:
        for i, steps in enumerate(SHAPES):
            name = f"net-{parameters}-{steps}"
            record = {"dataset": "digits", "family": "shaped-dnn", "architecture": name, "depth": 2}
            write_json(
                root / name / "results.json", record | {"knobs": {"width": parameters // 20 + i, "steps": steps}}
            )
    return sorted(root.iterdir())


def study(items: list[Path], effect: dict[int, float], noise: float, seed: int, p_min: float = P_MIN) -> Tables:
    """The tables of a study whose last shape is `effect` points ahead at each budget."""
    generator = np.random.default_rng(seed)
    rows = []
    for parameters in BUDGETS:
        for steps in SHAPES:
            means = 0.8 + (effect.get(parameters, 0.0) * (steps == SHAPES[-1])) / 100
            values = means + generator.normal(0, noise / 100, (REPEATS, 2))
            model = {"dataset": "digits", "family": "shaped-dnn", "architecture": f"net-{parameters}-{steps}"}
            model |= {"parameters": parameters, "classes": 10}
            rows += [
                model | {"repeat": i, "final_validation_accuracy": v, "final_test_accuracy": t}
                for i, (v, t) in enumerate(values)
            ]
    minimal = pd.DataFrame([{"dataset": "digits", "family": "shaped-dnn", "depth": "all", "p_min": p_min}])
    bootstrap = Bootstrap(resamples=20, confidence=0.95, seed=0)
    return shape_tables(items, pd.DataFrame(rows), minimal, 1.0, bootstrap)


def test_each_budget_has_its_verdict_on_both_kinds_of_images(items) -> None:
    tables = study(items, {100: 5.0, 300: 3.0}, 0.5, 0)
    groups = tables[Table.EQUIVALENCE]
    assert groups["split"].tolist() == ["validation"] * 4 + ["test"] * 4
    assert groups["verdict_adjusted"].tolist() == (["not equivalent"] * 2 + ["equivalent"] * 2) * 2
    assert groups["p_min_multiple"].tolist()[:4] == pytest.approx([1 / 3, 1, 10 / 3, 100 / 3])
    assert groups["range"].tolist()[:4] == ["below P_min", "P_min to 4 P_min", "P_min to 4 P_min", "above 4 P_min"]
    assert (groups["pairs"] == 6).all() and (groups["runs"] == 80).all() and (groups["margin_points"] == 1).all()
    points = tables[Table.SHAPE_POINTS].set_index(["split", "range"])
    near = points.loc[("test", "P_min to 4 P_min")]
    assert near[["architectures", "runs", "groups", "pairs"]].tolist() == [8, 160, 2, 12]
    low, high = near["largest_difference_points_low"], near["largest_difference_points_high"]
    assert 2 < low < 3 < high < 4
    said = {(row["split"], row["range"]): row for row in equivalences(groups)}
    assert [said["test", "P_min to 4 P_min"][name] for name in ("equivalent", "different", "open")] == [1, 1, 0]


def test_a_repeat_without_a_number_counts_as_chance_and_a_family_beyond_the_grid_is_below(items) -> None:
    tables = study(items, {}, 0.5, 0, p_min=np.nan)
    assert set(tables[Table.EQUIVALENCE]["range"]) == {"below P_min"}
    assert tables[Table.EQUIVALENCE]["p_min_multiple"].isna().all()


def test_without_a_shape_there_are_no_rows(tmp_path: Path) -> None:
    record = {"dataset": "digits", "family": "cnn", "depth": 1}
    rows = []
    for channels in (100, 101):  # within 2 per cent of each other, yet only of two sizes
        name = f"cnn-{channels}"
        write_json(tmp_path / name / "results.json", record | {"architecture": name, "knobs": {"channels": channels}})
        model = {"dataset": "digits", "family": "cnn", "architecture": name, "parameters": channels, "classes": 10}
        accuracies = {"final_validation_accuracy": 0.9, "final_test_accuracy": 0.9}
        rows += [model | accuracies | {"repeat": i} for i in range(3)]
    minimal = pd.DataFrame([{"dataset": "digits", "family": "cnn", "depth": "all", "p_min": 100}])
    bootstrap = Bootstrap(resamples=20, confidence=0.95, seed=0)
    tables = shape_tables(sorted(tmp_path.iterdir()), pd.DataFrame(rows), minimal, 1.0, bootstrap)
    assert all(table.empty for table in tables.values()) and equivalences(tables[Table.EQUIVALENCE]) == []


@pytest.mark.slow
def test_verdicts_over_studies(items) -> None:
    """Of 100 studies on two kinds of images: no effect is called one at most at the nominal rate; equal shapes are
    equivalent, and a shape that is 2 points ahead is told, in 80 % of the groups or more.
    """
    none, some = (
        pd.concat([study(items, effect, 0.6, seed)[Table.EQUIVALENCE] for seed in range(100)])  # two splits each
        for effect in ({}, {300: 2.0, 1000: 2.0})
    )
    wrong = (none["verdict_adjusted"] == "not equivalent").groupby([none["split"], none.index]).mean()
    assert (wrong <= 0.05).all()
    assert (none["verdict_adjusted"] == "equivalent").mean() >= 0.8
    ahead = some["parameters"].isin([300, 1000])
    assert (some[ahead]["verdict_adjusted"] == "not equivalent").mean() >= 0.8
    assert not (some[ahead]["verdict_adjusted"] == "equivalent").any()
