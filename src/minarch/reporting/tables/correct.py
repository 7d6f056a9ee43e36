"""Which test images the final models classify correctly, by the predictions that lie beside their exported files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from minarch.analysis.intervals import TEST
from minarch.analysis.routes import STORED
from minarch.analysis.sampling import TEST_SAMPLED, accuracy_interval
from minarch.files import read_json
from minarch.reporting.tables.models import ITEMS


def read_labels(items: list[Path]) -> dict[str, np.ndarray]:
    """The labels int [N_test] of the test images of each data set; `items` are those of stage data."""
    return {
        read_json(item / "record.json")["dataset"]: load_file(item / "test.safetensors")["labels"] for item in items
    }


def read_rights(models: pd.DataFrame, inputs: dict[str, Any]) -> dict[Any, pd.DataFrame]:
    """Of each final model, by its values of STORED, whether a repeat's file is right of a test image: a bool frame
    [repeats x N_test], its rows named by repeat.

    Args:
        models: with STORED and ITEMS.
        inputs: the items of the stages data and quantize.
    """
    labels, items = read_labels(inputs["data"]), {item.name: item for item in inputs["quantize"]}
    rights = {}
    for _, model in models.iterrows():
        predicted = {}
        for name in model[ITEMS].split():
            for key, classes in load_file(items[name] / "classes.safetensors").items():
                precision, _, repeat = key.rpartition("-")
                if precision == model["precision"]:
                    predicted[int(repeat)] = classes
        of_data = labels[model["dataset"]]
        rows = [predicted[repeat] == of_data for repeat in sorted(predicted)]
        frame = pd.DataFrame(np.array(rows).reshape(-1, len(of_data)), index=sorted(predicted), dtype=bool)
        rights[tuple(model[STORED])] = frame
    return rights


def with_sampling(models: pd.DataFrame, rights: Mapping[Any, pd.DataFrame], confidence: float) -> pd.DataFrame:
    """The final models with the interval of their test accuracies over trainings and test images, beside that over
    trainings.
    """
    intervals = [accuracy_interval(rights[tuple(model[STORED])], confidence) for _, model in models.iterrows()]
    ends = pd.DataFrame(intervals, columns=TEST_SAMPLED[1:], index=models.index, dtype=float)
    place = list(models).index(TEST.high) + 1
    return pd.concat([models.iloc[:, :place], ends, models.iloc[:, place:]], axis=1)
