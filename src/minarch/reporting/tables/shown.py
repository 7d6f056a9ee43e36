"""The networks whose weights the figures show: the representatives, and the poorest network of each family."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import safe_open
from safetensors.numpy import load_file

from minarch.analysis.choice import FURTHER, ROLES
from minarch.analysis.records import FINAL_VALIDATION, MODEL
from minarch.data.record import Record
from minarch.files import read_json
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.networks import Folder, read_folders

POOREST = "poorest"


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """Networks of one architecture: a representative's R repeats, or (R = 1) the poorest network.

    What cannot be averaged over networks, images and attention, is of its best repeat by validation accuracy.
    """

    dataset: str
    family: str
    role: str  # of the representatives, or POOREST
    parameters: int
    layers: list[str]
    node_layers: list[str]
    quantiles: dict[str, np.ndarray]  # of "weights.<layer>" and "strength.<node layer>": [R, 64 or 512]
    images: np.ndarray | None  # weights of the first layer's units [units, C, height, width]
    attention: np.ndarray | None  # of the class token to the patches [blocks, heads, rows, columns]


def as_images(weights: np.ndarray, shape: Sequence[int]) -> np.ndarray | None:
    """A first layer's weights, one image per unit: kernels are one, a dense unit sees all of the image's `shape`."""
    if weights.ndim == 4:
        return weights
    return weights.reshape(-1, *shape) if weights.ndim == 2 and weights.shape[1] == prod(shape) else None


def first_layer(item: Path, repeat: int, layer: str, shape: Sequence[int]) -> np.ndarray | None:
    """The weights of a repeat's first layer as images; None for what is no picture."""
    with safe_open(item / read_json(item / "results.json")["weights"], framework="numpy") as weights:
        name = f"{repeat}.{layer}.weight"
        return as_images(weights.get_tensor(name), shape) if name in weights.keys() else None  # noqa: SIM118


def attention_maps(folder: Folder, row: int) -> np.ndarray | None:
    """The maps of the network in `row`, with the patches where they lie in an image; None for what is no ViT."""
    if "attention" not in folder.record:
        return None
    attention = load_file(folder.path / "attention.safetensors")["attention"][row]
    return attention.reshape(*attention.shape[:2], *folder.record["attention"]["patches"])


def poorest(networks: pd.DataFrame) -> pd.DataFrame:
    """The network of lowest validation accuracy among the poor ones of each data set and family."""
    poor = networks[networks["group"] == "poor"].sort_values(["validation", "parameters", "architecture", "repeat"])
    return poor.groupby(["dataset", "family"], as_index=False).head(1).assign(role=POOREST)


def shown_networks(tables: Tables, inputs: dict[str, Any]) -> list[Shown]:
    """Networks by data set, family and role (none of FURTHER), from the items of the stages data, sweep and weights."""
    records: list[Record] = [read_json(item / "record.json") for item in inputs["data"]]
    shapes = {record["dataset"]: record["shape"] for record in records}
    items = {item.name: item for item in inputs["sweep"]}
    by_model: dict[tuple[str, ...], list[Folder]] = {}
    for folder in read_folders(inputs["weights"]):
        by_model.setdefault(folder.model, []).append(folder)
    runs = tables[Table.SWEEP].sort_values([FINAL_VALIDATION, "repeat"], ascending=[False, True])
    best = runs.groupby(MODEL)["repeat"].first()
    representatives = tables[Table.REPRESENTATIVES]
    representatives = representatives[representatives["role"] != FURTHER]
    shown = []
    for row in [*rows_of(representatives), *rows_of(poorest(tables[Table.NETWORKS]))]:
        model = tuple(row[name] for name in MODEL)
        alone = row["role"] == POOREST
        repeat = int(row["repeat"] if alone else best[model])
        folder = next(block for block in by_model[model] if repeat in block.record["repeats"])
        at = folder.record["repeats"].index(repeat)
        blocks = [load_file(block.path / "quantiles.safetensors") for block in ([folder] if alone else by_model[model])]
        layers = [layer["name"] for layer in folder.record["layers"]]
        shown.append(
            Shown(
                dataset=row["dataset"],
                family=row["family"],
                role=row["role"],
                parameters=int(row["parameters"]),
                layers=layers,
                node_layers=[layer["name"] for layer in folder.record["node_layers"]],
                quantiles={
                    name: values[at : at + 1] if alone else np.concatenate([block[name] for block in blocks])
                    for name, values in blocks[0].items()
                },
                images=first_layer(items[folder.path.name], repeat, layers[0], shapes[row["dataset"]]),
                attention=attention_maps(folder, at),
            )
        )
    order = [*ROLES, POOREST]
    return sorted(shown, key=lambda network: (network.dataset, network.family, order.index(network.role)))
