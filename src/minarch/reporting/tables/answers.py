"""The tables of each data set's answer: how narrow the choice is, and how well it knows each class."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.numpy import load_file

from minarch.analysis.answers import answers
from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.reliability import Reliability
from minarch.analysis.routes import STORED
from minarch.data.record import Record
from minarch.files import read_json
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.models import ITEMS, RECOMMENDED

ONE_CLASS = ["dataset", "model", "class", "name", "images"]


def answers_tables(
    models: pd.DataFrame, front: pd.DataFrame, exports: pd.DataFrame, inputs: dict[str, Any], config: dict[str, Any]
) -> Tables:
    """The tables ANSWERS and CLASSES.

    Args:
        exports: one row per repeat of each final model.
        inputs: the items of the stages data and quantize.
    """
    settings = config["params"]["convergence"]
    validations = {model: rows["validation"].dropna().to_numpy(float) for model, rows in exports.groupby(STORED)}
    chosen = answers(
        models,
        validations,
        max_drop_points=config["max_drop_points"],
        reliability=Reliability.of(settings),
        confidence=settings["confidence"],
    )
    recommended = front[front[RECOMMENDED].astype(bool)]
    return {Table.ANSWERS: chosen, Table.CLASSES: classes_table(recommended, inputs, settings["confidence"])}


def classes_table(recommended: pd.DataFrame, inputs: dict[str, Any], confidence: float) -> pd.DataFrame:
    """One row per class of each recommended model: test images of the class, and the share of them that it classifies
    correctly, as its exported files do, with the interval over repeats.
    """
    items = {item.name: item for item in inputs["quantize"]}
    records = {item: read_json(item / "record.json") for item in inputs["data"]}
    data = {record["dataset"]: item for item, record in records.items()}
    rows = []
    for model in rows_of(recommended):
        folders = [items[name] for name in model[ITEMS].split()]
        of_data = data[model["dataset"]]
        for row in class_accuracies(folders, model["precision"], of_data, records[of_data]):
            rows.append({"dataset": model["dataset"], "model": model["model"]} | row)
    table = pd.DataFrame(rows, columns=[*ONE_CLASS, "repeat", "accuracy"])
    return with_intervals(table, ONE_CLASS, ["accuracy"], confidence, ACCURACY)


def class_accuracies(folders: Iterable[Path], precision: str, data: Path, record: Record) -> list[dict[str, Any]]:
    """One row per repeat and class that has test images: class (0, 1, ...), name, images, repeat, accuracy.

    Args:
        folders: items of stage quantize that hold the model's predictions int [N_test] by precision and repeat.
    """
    labels = load_file(data / "test.safetensors")["labels"]
    rows = []
    for folder in folders:
        for name, predicted in load_file(folder / "classes.safetensors").items():
            stored, _, repeat = name.rpartition("-")
            if stored != precision:
                continue
            for index, class_name in enumerate(record["class_names"]):
                of_class = labels == index
                if of_class.any():
                    row = {"class": index, "name": class_name, "images": int(of_class.sum()), "repeat": int(repeat)}
                    rows.append(row | {"accuracy": float((predicted[of_class] == index).mean())})
    return rows
