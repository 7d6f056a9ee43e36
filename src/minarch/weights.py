"""Stage weights: statistics, node strengths and attention maps of every trained network's weights.

Definitions: minarch.statistics. A network that is not finite keeps its rows, with nothing in them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import save_file
from torch import Tensor

from minarch.data.tensors import load_split
from minarch.files import read_json, write_json
from minarch.flow.job import run_stage
from minarch.models.vit import ViT
from minarch.models.weights import load_networks
from minarch.statistics import COMPARED, DRAWN, QUANTILES
from minarch.statistics.attention import class_attention
from minarch.statistics.layers import (
    Layer,
    blank,
    effective_rank,
    layers_of,
    moments,
    quantiles,
    singular_values,
    stack,
)
from minarch.statistics.strength import hidden, node_strengths

SHAPE = ("mean", "std", "skewness", "kurtosis", "min", "max", "near_zero")
LAYERS = ["repeat", "layer", "kind", "n", *SHAPE, "spectral_norm", "effective_rank"]
STRENGTHS = ["repeat", "layer", "nodes", "mean", "std", "min", "max"]
Row = dict[str, Any]  # column -> what holds for all repeats, or a Tensor [R]


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Describe sweep items of one data set, each in a folder named like it."""
    images = load_split(inputs["data"], "validation").batch(slice(config["attention_images"]))
    for item in inputs["sweep"]:
        (out / item.name).mkdir()
        describe(item, images, config["near_zero"], out / item.name)


def describe(item: Path, images: Tensor, near_zero: float, out: Path) -> None:
    """Write what one sweep item's networks are like, repeat by repeat; attention is a mean over `images` [B, C, H, W].

    layers.csv: a row per layer and one, "all", for the whole network's weights. strengths.csv: a row per node layer;
    std is the layer fluctuation. quantiles.safetensors: weights.all and, of all hidden nodes pooled, strength.hidden,
    float32 [R, 512]; weights.<layer> and strength.<node layer>, float32 [R, 64]. attention.safetensors, of a ViT with
    heads: attention, float32 [R, blocks, heads, patches]. record.json: what the rows are.
    """
    networks = dict(sorted(load_networks(item).items()))
    repeats, first = list(networks), next(iter(networks.values()))
    layers = layers_of(first)
    parameters, sound = stack(list(networks.values()), layers)
    strengths = node_strengths(first, parameters)
    weights = {layer.name: parameters[f"{layer.name}.weight"].flatten(1) for layer in layers}
    if layers:
        weights["all"] = torch.cat(list(weights.values()), dim=1)
    write_rows(out / "layers.csv", LAYERS, layer_rows(layers, weights, near_zero), repeats, sound)
    write_rows(out / "strengths.csv", STRENGTHS, strength_rows(strengths), repeats, sound)
    node_layers = [{"name": name, "nodes": values.shape[1]} for name, values in strengths.items()]
    if hidden(strengths):
        strengths["hidden"] = torch.cat([strengths[name] for name in hidden(strengths)], dim=1)
    pooled = {f"weights.{name}": values for name, values in weights.items()}
    pooled |= {f"strength.{name}": values for name, values in strengths.items()}
    counts = dict.fromkeys(pooled, DRAWN) | dict.fromkeys(COMPARED.values(), QUANTILES)
    kept = {name: blank(quantiles(values, counts[name]), sound) for name, values in pooled.items()}
    save_file(kept, out / "quantiles.safetensors")

    results = read_json(item / "results.json")
    record = {name: results[name] for name in ("architecture", "dataset", "family", "parameters", "depth")}
    record |= {"repeats": repeats, "layers": [asdict(layer) for layer in layers], "node_layers": node_layers}
    if type(first) is ViT and any(first.spec()["heads"]):
        maps = torch.stack([class_attention(network, images) for network in networks.values()])  # type: ignore[arg-type]
        save_file({"attention": blank(maps, sound)}, out / "attention.safetensors")
        patches = [size // side for size, side in zip(first.shape[1:], first.embedding.kernel_size, strict=True)]
        record["attention"] = {"images": len(images), "patches": patches}
    write_json(out / "record.json", record)


def layer_rows(layers: Sequence[Layer], weights: Mapping[str, Tensor], near_zero: float) -> Iterator[Row]:
    """Statistics of `weights` [R, n] of each layer and "all", which is no matrix and so has no spectrum."""
    known = {layer.name: layer for layer in layers}
    for name, values in weights.items():
        row = {"layer": name, "kind": "all", "n": values.shape[1], **moments(values, near_zero)}
        if name in known:
            singular = singular_values(values.unflatten(1, (known[name].shape[0], -1)))
            row |= {"kind": known[name].kind, "spectral_norm": singular[:, -1]}
            row["effective_rank"] = effective_rank(singular)
        yield row


def strength_rows(strengths: Mapping[str, Tensor]) -> Iterator[Row]:
    """Statistics of each node layer's strengths [R, nodes]."""
    for name, values in strengths.items():
        spread = {"std": values.std(1, correction=0), "min": values.amin(1), "max": values.amax(1)}
        yield {"layer": name, "nodes": values.shape[1], "mean": values.mean(1), **spread}


def write_rows(path: Path, columns: list[str], rows: Iterable[Row], repeats: list[int], sound: Tensor) -> None:
    """Write `rows` for each repeat; repeats that are not `sound` [R] have no values."""
    frames = []
    for row in rows:
        values = {name: blank(v, sound).numpy() if isinstance(v, Tensor) else v for name, v in row.items()}
        frames.append(pd.DataFrame({"repeat": repeats, **values}))
    table = pd.concat(frames or [pd.DataFrame(columns=columns)]).sort_values("repeat", kind="stable")
    table.reindex(columns=columns).to_csv(path, index=False, float_format="%.10g")


if __name__ == "__main__":
    run_stage("weights", work)
