"""A model that a search for depth found, among the representatives of a study: in the tables, the front, the report."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from complexity_study import EPOCHS, SAVED, write_complexity
from complexity_study import VIT as GATED
from depth_study import CHECKED, FURTHER, IMAGES, RESNET, SEARCH, WARMUP, write_depths
from grown_model import ACCURACY, DEPTHS, MEAN, MODEL, SMALL, add_grown_model
from pandas.testing import assert_frame_equal
from pruned_study import write_study

from minarch import aggregate
from minarch.files import read_json
from minarch.reporting.tables import Tables
from minarch.reporting.tables.complexity import complexity_tables
from minarch.reporting.tables.grown import searched_models
from minarch.reporting.tables.make import make_tables
from minarch.reporting.tables.search import search_tables

COLUMNS = ["search_macs", "search_trainings"]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """(root, config, inputs) of a study without a search whose networks are exported."""
    root = tmp_path_factory.mktemp("grown")
    return root, *write_study(root, {"digits": ["dnn", "cnn"]}, searched=False)


@pytest.fixture(scope="module")
def swept(study) -> Tables:
    return make_tables(*study[1:])


@pytest.fixture(scope="module")
def grown(study) -> tuple[dict[str, Any], Tables]:
    """The inputs and the tables of the study with the model."""
    root, config, inputs = study
    inputs = add_grown_model(root, inputs)
    return inputs, make_tables(config, inputs)


def cost_of(depth: int) -> int:
    """MACs of a search that ends at this depth."""
    per_epoch = {level: (3 * IMAGES + CHECKED) * macs for level, macs in RESNET.macs.items()}
    epochs = {level: SEARCH + FURTHER * (level == depth) for level in RESNET.levels if level <= depth}
    return 3 * RESNET.macs[8] * IMAGES * WARMUP + sum(count * per_epoch[level] for level, count in epochs.items())


SEARCH_MACS = sum(map(cost_of, DEPTHS)) / len(DEPTHS)
TRAININGS = SEARCH_MACS / (20 * (3 * IMAGES + CHECKED) * RESNET.macs[8])  # 20 epochs at full depth


def tables_of(depth: list[Path], complexity: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables ODN and COMPLEXITY of items, without networks of a sweep."""
    return search_tables(depth, 0.95)["odn"], complexity_tables(complexity, pd.DataFrame(), 0.95, [])["complexity"]


def of_model(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table[list(MODEL)] == list(MODEL.values())).all(axis=1)]


def test_a_search_that_goes_no_further_changes_no_other_table(study, swept) -> None:
    _, config, inputs = study
    assert inputs["depth"] and len(swept["odn"])
    assert swept["models"][COLUMNS].isna().all(axis=None) and swept["front"][COLUMNS].isna().all(axis=None)
    without = make_tables(config, inputs | {"depth": []})
    assert set(without) == set(swept)
    routes = {"routes", "route_verdicts"}  # depths trained alone count as trained small
    for name in set(swept) - {"depths", "odn"} - routes:
        assert_frame_equal(without[name], swept[name])


def test_its_exports_are_final_models_with_what_the_search_cost(grown) -> None:
    models = of_model(grown[1]["models"])
    assert set(zip(models["method"], models["precision"], strict=True)) == {
        (method, precision) for method in ("original", "l1") for precision in ("fp32", "int8")
    }
    assert set(models["role"]) == {"further"}
    assert set(models["search_macs"]) == {SEARCH_MACS}
    assert models["search_trainings"].to_list() == pytest.approx([TRAININGS] * 4)
    original = models[(models["method"] == "original") & (models["precision"] == "int8")].iloc[0]
    assert original["model"] == "resnet-depth18-width4-stemcifar-odn, INT8"
    assert (original["parameters"], original["n"]) == (SMALL, 3)


def test_the_models_of_the_sweep_are_what_they_were(swept, grown) -> None:
    for name in ("models", "pruning", "controls", "quantization", "precision", "fewest", "fragile", "redundancy"):
        table, before = grown[1][name], swept[name]
        others = table.drop(of_model(table).index).reset_index(drop=True)
        if name == "pruning":  # whose front of MACs it enters
            others, before = others.drop(columns="front"), before.drop(columns="front")
        assert_frame_equal(others, before)


def test_it_is_on_the_front_and_recommended_where_it_is_best(swept, grown) -> None:
    front = grown[1]["front"]
    best = front[front["recommended"]].iloc[0]
    assert best["architecture"] == MODEL["architecture"] and best["best"]
    assert best["validation_mean"] == pytest.approx(ACCURACY) and best["search_macs"] == SEARCH_MACS
    assert not of_model(front).empty and front["bytes"].is_monotonic_increasing
    beaten = swept["front"]["model"][swept["front"]["bytes"] > best["bytes"]]
    assert len(beaten) and not set(beaten) & set(front["model"])


@pytest.mark.parametrize("name", ["pruning", "quantization", "precision", "fewest", "fragile"])
def test_tables_by_model_hold_it_with_its_role(grown, name) -> None:
    rows = of_model(grown[1][name])
    assert len(rows) and set(rows["role"]) == {"further"}


def test_what_was_removed_is_a_share_of_the_network_that_was_found(grown) -> None:
    row = of_model(grown[1]["pruning"]).iloc[0]
    assert (row["parameters_before"], row["parameters"], row["removed_share"]) == (SMALL, SMALL / 2, 0.5)


def test_it_counts_in_the_regression_on_size(swept, grown) -> None:
    hurt = [tables["hurt"][tables["hurt"]["term"] == "difficulty"] for tables in (grown[1], swept)]
    after, before = (table.groupby("family")["models"].first() for table in hurt)
    assert after[MODEL["family"]] == before.get(MODEL["family"], 0) + 1


def test_a_search_costs_the_mean_over_repeats_of_all_that_was_spent(tmp_path) -> None:
    table = searched_models(*tables_of(write_depths(tmp_path, "digits", [RESNET]), [])).set_index("architecture")
    assert set(table.index) == {f"{RESNET.name}-{method}" for method in RESNET.methods}
    row = table.loc[MODEL["architecture"]]
    assert (row["search_macs"], row["parameters"]) == (SEARCH_MACS, MEAN)
    assert row["search_trainings"] == pytest.approx(TRAININGS)


def test_training_with_gates_costs_the_mean_over_repeats_of_all_that_was_spent(tmp_path) -> None:
    table = searched_models(*tables_of([], write_complexity(tmp_path, "digits", [GATED]))).set_index("architecture")
    points = {f"{GATED.name}-nu{nu:g}-alpha0.5-beta{beta:g}": share for nu, beta, share in GATED.points()}
    assert set(table.index) == set(points) and set(table["role"]) == {"further"}
    whole = sum(GATED.training(EPOCHS).values())
    trainings = {architecture: 1 - SAVED * (1 - share) for architecture, share in points.items()}
    assert table["search_trainings"].to_dict() == pytest.approx(trainings, rel=1e-5)
    assert table["search_macs"].to_dict() == pytest.approx(
        {name: share * whole for name, share in trainings.items()}, rel=1e-5
    )


def test_models_of_both_stages_stand_side_by_side(tmp_path) -> None:
    odn, complexity = tables_of(
        write_depths(tmp_path, "digits", [RESNET]), write_complexity(tmp_path, "digits", [GATED])
    )
    assert len(searched_models(odn, complexity)) == len(RESNET.methods) + len(list(GATED.points()))
    assert searched_models(odn[:0], complexity[:0]).empty


@pytest.mark.slow
def test_the_report_tells_what_the_search_cost(study, grown, tmp_path) -> None:
    aggregate.work(study[1], grown[0], tmp_path)
    text = re.sub(r"<[^>]*>", " ", re.sub(r'src="data:[^"]*"', "", (tmp_path / "report.html").read_text()))
    text = " ".join(text.split())
    cost = f"To find it took {SEARCH_MACS / 1e9:.3g} &times; 10 9 MACs, which is"
    assert cost in text
    assert "that this study trained, whichever stage made them" in text
    front = read_json(tmp_path / "metrics-details.json")["digits"]["recommended"]
    assert (front["architecture"], front["search_macs"]) == (MODEL["architecture"], SEARCH_MACS)
