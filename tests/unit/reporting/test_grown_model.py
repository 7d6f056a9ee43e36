"""A model that a search for depth found, among the representatives of a study: in the tables, the front, the report."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from grown_model import ACCURACY, DEPTHS, MODEL, PARAMETERS, SEARCH_MACS, add_grown_model, write_searches
from pandas.testing import assert_frame_equal
from pruned_study import write_study

from minarch import aggregate
from minarch.files import read_json
from minarch.reporting.tables import Tables
from minarch.reporting.tables.make import make_tables
from minarch.reporting.tables.searched import searched_models

MEAN = sum(PARAMETERS) / 3
SEARCH = ["search_macs", "search_trainings"]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """(root, config, inputs) of a study without a search."""
    root = tmp_path_factory.mktemp("grown")
    return root, *write_study(root, {"digits": ["dnn", "cnn"]})


@pytest.fixture(scope="module")
def swept(study) -> Tables:
    return make_tables(*study[1:])


@pytest.fixture(scope="module")
def grown(study) -> tuple[dict[str, Any], Tables]:
    """The inputs and the tables of the study with the model."""
    root, config, inputs = study
    inputs = add_grown_model(root, inputs)
    return inputs, make_tables(config, inputs)


def of_model(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table[list(MODEL)] == list(MODEL.values())).all(axis=1)]


def test_a_search_that_goes_no_further_changes_no_table(study, swept, tmp_path) -> None:
    _, config, inputs = study
    assert swept["models"][SEARCH].isna().all(axis=None) and swept["front"][SEARCH].isna().all(axis=None)
    for depth in ([], write_searches(tmp_path)):
        tables = make_tables(config, inputs | {"depth": depth})
        assert set(tables) == set(swept)
        for name, table in tables.items():
            assert_frame_equal(table, swept[name])


def test_its_exports_are_final_models_with_what_the_search_cost(grown) -> None:
    models = of_model(grown[1]["models"])
    assert set(zip(models["method"], models["precision"], strict=True)) == {
        (method, precision) for method in ("original", "l1") for precision in ("fp32", "int8")
    }
    assert set(models["role"]) == {"further"}
    assert set(models["search_macs"]) == {SEARCH_MACS} and set(models["search_trainings"]) == {1.5}
    original = models[(models["method"] == "original") & (models["precision"] == "int8")].iloc[0]
    assert original["model"] == "resnet-depth18-width4-stemcifar-odn, INT8"
    assert (original["parameters"], original["n"]) == (MEAN, 3)


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
    assert (row["parameters_before"], row["parameters"], row["removed_share"]) == (MEAN, MEAN / 2, 0.5)


def test_it_counts_in_the_regression_on_size(swept, grown) -> None:
    assert (grown[1]["hurt"]["models"] == swept["hurt"]["models"] + 1).all()


def test_a_search_costs_the_mean_over_repeats_of_all_that_was_spent(tmp_path) -> None:
    table = searched_models(write_searches(tmp_path))
    assert list(table["architecture"]) == [MODEL["architecture"], MODEL["architecture"].replace("-odn", "-paper")]
    assert set(table["search_macs"]) == {SEARCH_MACS} and set(table["search_trainings"]) == {1.5}
    assert set(table["parameters"]) == {MEAN}


def test_without_a_training_at_full_depth_a_search_is_no_multiple_of_it(tmp_path) -> None:
    items = [item for item in write_searches(tmp_path) if "alone-8" not in item.name]
    assert max(DEPTHS) < 8 and read_json(items[-1] / "results.json")["kind"] == "alone"
    table = searched_models(items)
    assert table["search_trainings"].isna().all() and set(table["search_macs"]) == {SEARCH_MACS}


@pytest.mark.slow
def test_the_report_tells_what_the_search_cost(study, grown, tmp_path) -> None:
    aggregate.work(study[1], grown[0], tmp_path)
    text = re.sub(r"<[^>]*>", " ", re.sub(r'src="data:[^"]*"', "", (tmp_path / "report.html").read_text()))
    text = " ".join(text.split())
    cost = "Its depth was found by a search of 0.00600 &times; 10 9 MACs, which is 1.5 times a training at full depth"
    assert cost in text
    assert "networks that a search for depth found" in text
    front = read_json(tmp_path / "metrics.json")["digits"]["recommended"]
    assert (front["architecture"], front["search_macs"]) == (MODEL["architecture"], SEARCH_MACS)
