"""The tables of each data set's answer: how narrow the choice is, and how well it knows each class."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from minarch.analysis.answers import answers
from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.reliability import Reliability
from minarch.analysis.routes import STORED
from minarch.analysis.sampling import accuracy_interval
from minarch.files import read_json
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.correct import read_labels
from minarch.reporting.tables.models import RECOMMENDED

ONE_CLASS = ["dataset", "model", "class", "name", "images"]
SAMPLED = ["accuracy_sampled_low", "accuracy_sampled_high"]  # over trainings and the test images of the class


def answers_tables(
    models: pd.DataFrame,
    front: pd.DataFrame,
    exports: pd.DataFrame,
    rights: Mapping[Any, pd.DataFrame],
    datasets: pd.DataFrame,
    inputs: dict[str, Any],
    config: dict[str, Any],
) -> Tables:
    """The tables ANSWERS and CLASSES.

    Args:
        exports: one row per repeat of each final model.
        rights: of `read_rights`.
        datasets: by data set `trained`, how many models the study trained, and `validation`, its validation images.
        inputs: the items of stage data.
    """
    settings = config["params"]["convergence"]
    by_repeat = exports.set_index("repeat")
    validations = {model: rows["validation"].dropna() for model, rows in by_repeat.groupby(STORED)}
    chosen = answers(
        models,
        validations,
        rights,
        datasets,
        max_drop_points=config["max_drop_points"],
        reliability=Reliability.of(settings),
        confidence=settings["confidence"],
    )
    recommended = front[front[RECOMMENDED].astype(bool)]
    classes = classes_table(recommended, rights, inputs["data"], settings["confidence"])
    return {Table.ANSWERS: chosen, Table.CLASSES: classes}


def classes_table(
    recommended: pd.DataFrame, rights: Mapping[Any, pd.DataFrame], data: list[Path], confidence: float
) -> pd.DataFrame:
    """One row per class of each recommended model that has test images: how many, and the share of them that it
    classifies correctly, as its exported files do, with the intervals over repeats, and over repeats and images.

    Args:
        rights: of `read_rights`.
        data: the items of stage data.
    """
    labels = read_labels(data)
    records = [read_json(item / "record.json") for item in data]
    names = {record["dataset"]: record["class_names"] for record in records}
    rows = []
    for _, model in recommended.iterrows():
        dataset, right = model["dataset"], rights[tuple(model[STORED])]
        for index, name in enumerate(names[dataset]):
            of_class = right.loc[:, labels[dataset] == index]
            if of_class.empty:
                continue
            row = dict(zip(ONE_CLASS, (dataset, model["model"], index, name, of_class.shape[1]), strict=True))
            row |= dict(zip(SAMPLED, accuracy_interval(of_class, confidence), strict=True))
            rows += [row | {"accuracy": accuracy} for accuracy in of_class.mean(axis=1)]
    table = pd.DataFrame(rows, columns=[*ONE_CLASS, *SAMPLED, "accuracy"])
    ends = table[["dataset", "class", *SAMPLED]].drop_duplicates(["dataset", "class"])
    classes = with_intervals(table, ONE_CLASS, ["accuracy"], confidence, ACCURACY)
    return classes.merge(ends, on=["dataset", "class"])
