"""The answer's tables and figures on constructed predictions, and what is no model of its own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from minarch.files import write_json
from minarch.reporting.figures.classes import LEGIBLE, draw_classes
from minarch.reporting.figures.routes import ACROSS, MOST, draw_routes
from minarch.reporting.figures.style import styled
from minarch.reporting.tables import Table
from minarch.reporting.tables.answers import classes_table
from minarch.reporting.tables.correct import read_labels, read_rights, with_sampling
from minarch.reporting.tables.pruning import without_idle_cuts

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
PREDICTED = {
    "int8-0": [0, 0, 0, 1, 1, 1, 2, 0],
    "int8-1": [0, 0, 1, 1, 1, 1, 2, 2],
    "fp32-0": LABELS,
    "fp32-1": LABELS,
}
ROW = {"dataset": "pets", "family": "dnn", "architecture": "dnn-8", "method": "original", "level": 0.0}
ROW |= {"model": "dnn-8, INT8", "quantization": "int8", "precision": "int8", "items": "dnn-int8"}


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, list[Path]]:
    """A data set of four classes, of which the last has no test image, and the predictions of one export."""
    data, export = tmp_path / "data" / "pets-x", tmp_path / "quantize" / "dnn-int8"
    for item in (data, export):
        item.mkdir(parents=True)
    write_json(data / "record.json", {"dataset": "pets", "class_names": ["cat", "dog", "owl", "none"]})
    save_file({"labels": LABELS}, data / "test.safetensors")
    classes = {name: np.array(values, np.uint8) for name, values in PREDICTED.items()}
    save_file(classes, export / "classes.safetensors")
    return {"data": [data], "quantize": [export]}


def test_classes_are_those_of_the_recommended_file_and_their_images_weigh_up_to_its_accuracy(inputs) -> None:
    models = pd.DataFrame([ROW])
    table = classes_table(models, read_rights(models, inputs), inputs["data"], 0.95)
    assert table["name"].tolist() == ["cat", "dog", "owl"] and table["images"].tolist() == [4, 2, 2]
    assert table["accuracy_mean"].tolist() == pytest.approx([5 / 8, 1, 3 / 4]) and table["n"].tolist() == [2, 2, 2]
    right = np.mean([np.mean(PREDICTED[f"int8-{repeat}"] == LABELS) for repeat in (0, 1)])
    assert np.average(table["accuracy_mean"], weights=table["images"]) == pytest.approx(right)
    assert (table["accuracy_low"] >= 0).all() and (table["accuracy_high"] <= 1).all()
    assert (table["accuracy_sampled_low"] <= table["accuracy_low"]).all() and (table["accuracy_sampled_low"] < 1).all()


def test_a_model_is_right_of_the_images_that_its_own_file_classifies_correctly(inputs) -> None:
    models = pd.DataFrame([ROW, ROW | {"precision": "fp32"}]).assign(test_high=1.0, weights="")
    rights = read_rights(models, inputs)
    of_int8, of_float = rights.values()
    expected = [np.equal(PREDICTED[f"int8-{repeat}"], read_labels(inputs["data"])["pets"]) for repeat in (0, 1)]
    assert of_int8.to_numpy().tolist() == np.array(expected).tolist() and of_float.all(axis=None)
    sampled = with_sampling(models, rights, 0.95)
    assert list(sampled)[-3:] == ["test_sampled_low", "test_sampled_high", "weights"]
    (low, lowest), (high, highest) = (sampled[name] for name in ("test_sampled_low", "test_sampled_high"))
    assert low < of_int8.to_numpy().mean() < high and lowest < highest == 1


def test_without_a_recommended_model_there_are_no_classes(inputs) -> None:
    empty = classes_table(pd.DataFrame(columns=list(ROW)), {}, inputs["data"], 0.95)
    assert empty.empty and {"name", "accuracy_mean", "n"} <= set(empty)
    assert draw_classes({Table.CLASSES: empty}) is None


def classes(datasets: int, count: int) -> pd.DataFrame:
    rows = [(f"d{d}", "m", c, f"class {c}", 10, 3, 0.9 - c / 100) for d in range(datasets) for c in range(count)]
    columns = ["dataset", "model", "class", "name", "images", "n", "accuracy_mean"]
    table = pd.DataFrame(rows, columns=columns)
    ends = {"accuracy_low": -0.01, "accuracy_high": 0.01, "accuracy_sampled_low": -0.1, "accuracy_sampled_high": 0.1}
    return table.assign(**{name: table["accuracy_mean"] + distance for name, distance in ends.items()})


@pytest.mark.parametrize(("datasets", "count", "named"), [(1, 10, 10), (1, 100, LEGIBLE[1]), (8, 10, 10), (12, 26, 10)])
def test_of_many_classes_the_poorest_are_drawn(datasets: int, count: int, named: int) -> None:
    with styled():
        figure = draw_classes({Table.CLASSES: classes(datasets, count)})
    shown = [axes for axes in figure.axes if axes.axison]
    assert len(shown) == min(datasets, 9) and figure.get_figheight() < 8
    names = [label.get_text() for label in shown[0].get_xticklabels()]
    assert names == [f"class {c}" for c in range(count - named, count)]
    assert ("poorest" in shown[0].get_title("left")) == (named < count)


PARTS = ("mean", "low", "high", "sampled_low", "sampled_high")


@pytest.mark.parametrize(("datasets", "panels"), [(1, 2), (2, 2), (8, 8), (12, MOST)])
def test_the_routes_of_many_data_sets_fit_on_a_screen(datasets: int, panels: int) -> None:
    common = {"method": "original", "level": 0, "family": "dnn", "precision": "fp32", "route": "train small"}
    rows = [
        common
        | {"dataset": f"d{d}", "architecture": name, "model": f"{name}, FP32", "bytes": size, "recommended": first}
        | {f"{split}_{part}": value for split in ("validation", "test") for part in PARTS}
        for d in range(datasets)
        for name, size, value, first in (("small", 100, 0.9, True), ("large", 1000, 0.905, False))
    ]
    models = pd.DataFrame(rows)
    with styled():
        figure = draw_routes({Table.MODELS: models, Table.FRONT: models}, 1.0)
    assert len([axes for axes in figure.axes if axes.axison]) == panels and figure.get_figheight() < 8
    assert len({round(axes.get_position().x0, 3) for axes in figure.axes}) <= ACROSS


def test_a_cut_that_removed_nothing_in_any_repeat_is_no_model_of_its_own() -> None:
    at = {"dataset": "digits", "family": "dnn", "architecture": "dnn-8"}
    levels = {("original", 0.0): [], ("l1", 0.25): ["nothing_removed"] * 2, ("l1", 0.5): ["nothing_removed", "ok"]}
    models = pd.DataFrame([at | {"method": method, "level": level} for method, level in levels])
    runs = [at | {"method": m, "level": v, "status": status} for (m, v), all_ in levels.items() for status in all_]
    kept = without_idle_cuts(models, pd.DataFrame(runs))
    assert list(zip(kept["method"], kept["level"], strict=True)) == [("original", 0.0), ("l1", 0.5)]
