"""Tables of the weights of trained networks: statistics of whole networks and of their layers.

The repeats of an architecture may come in several folders (blocks of repeats).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, NotRequired, TypedDict

import numpy as np
import pandas as pd

from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.records import FINAL_VALIDATION, MODEL
from minarch.files import read_json

WHOLE = ["std", "skewness", "kurtosis", "near_zero", "fluctuation"]
BOUNDS = dict.fromkeys(["near_zero", "validation"], ACCURACY)
BOUNDS |= dict.fromkeys(["std", "fluctuation", "spectral_norm", "effective_rank"], (0.0, np.inf))
ENDS = ("input", "output")  # node layers; those between are hidden
LAYER = ["mean", "std", "skewness", "kurtosis", "near_zero", "spectral_norm", "effective_rank"]


class Layer(TypedDict):
    """A layer in the record of a folder of weights, as far as it is read here."""

    name: str


class Attention(TypedDict):
    """The attention maps in the record of a folder of weights."""

    patches: list[int]  # rows and columns


class WeightsRecord(TypedDict):
    """record.json of a folder of weights, as far as it is read here."""

    dataset: str
    family: str
    architecture: str
    repeats: list[int]
    layers: list[Layer]
    node_layers: list[Layer]
    attention: NotRequired[Attention]  # of a ViT


class Folder(NamedTuple):
    """A folder of the weights stage: what the networks of one sweep item weigh."""

    path: Path
    record: WeightsRecord

    @property
    def model(self) -> tuple[str, ...]:
        """The values of MODEL."""
        return self.record["dataset"], self.record["family"], self.record["architecture"]


def read_folders(items: Iterable[Path]) -> list[Folder]:
    """Every folder of the weights items with its record, by model and repeat."""
    paths = [path for item in items for path in item.iterdir() if path.is_dir()]
    folders = [Folder(path, read_json(path / "record.json")) for path in paths]
    return sorted(folders, key=lambda folder: (folder.model, folder.record["repeats"]))


def read_rows(folders: Iterable[Folder], name: str) -> pd.DataFrame:
    """The folders' layers.csv or strengths.csv, one row per repeat and layer; `position` counts the layers."""
    tables = []
    for folder in folders:
        table = pd.read_csv(folder.path / f"{name}.csv")
        order = {layer: i for i, layer in enumerate(table["layer"].unique())}
        model = dict(zip(MODEL, folder.model, strict=True))
        tables.append(table.assign(**model, position=table["layer"].map(order)))
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def fluctuations(strengths: pd.DataFrame) -> pd.DataFrame:
    """One row per repeat: the mean over its hidden layers of the standard deviation of a layer's node strengths."""
    hidden = strengths[~strengths["layer"].isin(ENDS)]
    means = hidden.groupby([*MODEL, "repeat"], sort=False)["std"].mean()
    return means.rename("fluctuation").reset_index()


def described(runs: pd.DataFrame, by: list[str], values: list[str], confidence: float) -> pd.DataFrame:
    """Means with intervals; n counts the networks that are finite, for some of which a statistic need not exist."""
    table = runs.groupby(by)["std"].count().rename("n").reset_index()
    for name in values:
        means = with_intervals(runs, by, [name], confidence, BOUNDS.get(name, (-np.inf, np.inf)))
        table = table.merge(means.drop(columns="n"), on=by)
    return table


def weights_table(
    layers: pd.DataFrame, strengths: pd.DataFrame, sweep: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    """One row per architecture: statistics of all weights of a network (means over repeats), and its accuracy."""
    runs = layers[layers["layer"] == "all"].merge(fluctuations(strengths), on=[*MODEL, "repeat"], how="left")
    accuracies = sweep.rename(columns={FINAL_VALIDATION: "validation"})
    runs = runs.merge(accuracies[[*MODEL, "repeat", "parameters", "validation"]], on=[*MODEL, "repeat"])
    table = described(runs, [*MODEL, "parameters"], [*WHOLE, "validation"], confidence)
    return table.sort_values(["dataset", "family", "parameters", "architecture"], ignore_index=True)


def layers_table(layers: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row per architecture and layer, in the order of the network: `weights` of the layer, means over repeats."""
    layers = layers[layers["layer"] != "all"].rename(columns={"n": "weights"})
    by = [*MODEL, "position", "layer", "kind", "weights"]
    return described(layers, by, LAYER, confidence).drop(columns="position")
