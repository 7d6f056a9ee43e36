"""Stage weights: statistics, node strengths and attention maps of every trained network's weights.

Definitions: minarch.statistics. A network that is not finite keeps its rows, with nothing in them. Of the same networks
before training, which their seeds give again, it keeps the distributions that stage similarity compares.
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
from minarch.models.build import build
from minarch.models.network import Network
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
from minarch.statistics.strength import Stack, hidden, node_strengths

SHAPE = ("mean", "std", "skewness", "kurtosis", "min", "max", "near_zero")
LAYERS = ["repeat", "layer", "kind", "n", *SHAPE, "spectral_norm", "effective_rank"]
STRENGTHS = ["repeat", "layer", "nodes", "mean", "std", "min", "max"]
ALL, HIDDEN = "all", "hidden"  # what is pooled: all layers, all hidden nodes
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
    heads: attention, float32 [R, blocks, heads, patches]. untrained.safetensors: weights.all and strength.hidden before
    training, float32 [R, 512]. record.json: what the rows are.
    """
    networks = dict(sorted(load_networks(item).items()))
    repeats, first = list(networks), next(iter(networks.values()))
    layers = layers_of(first)
    parameters, sound = stack(list(networks.values()), layers)
    weights, strengths = pooled(first, parameters)
    write_rows(out / "layers.csv", LAYERS, layer_rows(layers, weights, near_zero), repeats, sound)
    nodes = {name: values for name, values in strengths.items() if name != HIDDEN}
    write_rows(out / "strengths.csv", STRENGTHS, strength_rows(nodes), repeats, sound)
    kept = {name: blank(values, sound) for name, values in distributions(weights, strengths).items()}
    save_file(kept, out / "quantiles.safetensors")

    results = read_json(item / "results.json")
    before, _ = stack(list(untrained_networks(results, repeats)), layers)
    compared = distributions(*pooled(first, before))
    save_file({name: compared[name] for name in COMPARED.values() if name in compared}, out / "untrained.safetensors")
    record = {name: results[name] for name in ("architecture", "dataset", "family", "parameters", "depth")}
    node_layers = [{"name": name, "nodes": values.shape[1]} for name, values in nodes.items()]
    record |= {"repeats": repeats, "layers": [asdict(layer) for layer in layers], "node_layers": node_layers}
    if type(first) is ViT and any(first.spec()["heads"]):
        maps = torch.stack([class_attention(network, images) for network in networks.values()])  # type: ignore[arg-type]
        save_file({"attention": blank(maps, sound)}, out / "attention.safetensors")
        patches = [size // side for size, side in zip(first.shape[1:], first.embedding.kernel_size, strict=True)]
        record["attention"] = {"images": len(images), "patches": patches}
    write_json(out / "record.json", record)


def untrained_networks(results: dict[str, Any], repeats: Sequence[int]) -> Iterator[Network]:
    """The networks of some repeats as their training began, built from seed and spec as it does (training.repeats)."""
    runs = {run["repeat"]: run for run in results["repeats"]}
    for repeat in repeats:
        torch.default_generator.manual_seed(runs[repeat]["seed"])
        yield build(runs[repeat]["spec"])


def pooled(network: Network, parameters: Stack) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights of each layer [R, n] and of ALL; strengths of each node layer [R, nodes] and of all that are HIDDEN."""
    weights = {layer.name: parameters[f"{layer.name}.weight"].flatten(1) for layer in layers_of(network)}
    if weights:
        weights[ALL] = torch.cat(list(weights.values()), dim=1)
    strengths = node_strengths(network, parameters)
    if hidden(strengths):
        strengths[HIDDEN] = torch.cat([strengths[name] for name in hidden(strengths)], dim=1)
    return weights, strengths


def distributions(weights: Mapping[str, Tensor], strengths: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Quantiles of all that is pooled, float32 [R, 64]; of what is compared [R, 512]."""
    values = {f"weights.{name}": layer for name, layer in weights.items()}
    values |= {f"strength.{name}": layer for name, layer in strengths.items()}
    counts = dict.fromkeys(values, DRAWN) | dict.fromkeys(COMPARED.values(), QUANTILES)
    return {name: quantiles(layer, counts[name]) for name, layer in values.items()}


def layer_rows(layers: Sequence[Layer], weights: Mapping[str, Tensor], near_zero: float) -> Iterator[Row]:
    """Statistics of `weights` [R, n] of each layer and ALL, which is no matrix and so has no spectrum."""
    known = {layer.name: layer for layer in layers}
    for name, values in weights.items():
        row = {"layer": name, "kind": ALL, "n": values.shape[1], **moments(values, near_zero)}
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
