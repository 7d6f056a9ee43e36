"""The stage weights on real trained items."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy import stats
from torch import nn

from minarch.data.tensors import Split, load_split
from minarch.models.build import build
from minarch.models.cost import parameters
from minarch.models.families import Family
from minarch.models.vit import ViT
from minarch.models.weights import load_networks, save_networks
from minarch.statistics.attention import class_attention
from minarch.statistics.layers import layers_of, quantiles
from minarch.training.loop import Recipe
from minarch.training.repeats import Repeat, Task
from minarch.weights import work

Items = dict[str, Path]  # by family
CONFIG = {"near_zero": 0.01, "attention_images": 8}
TRAIN: dict[str, Any] = {"epochs": 1, "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-3, "weight_decay": 0.0}
STATISTICS = ["mean", "std", "skewness", "kurtosis", "min", "max", "near_zero", "spectral_norm", "effective_rank"]


def describe(data: Path, item: Path, out: Path) -> Path:
    """The folder that the stage writes for one sweep item."""
    out.mkdir()
    work(CONFIG, {"data": data, "sweep": [item]}, out)
    return out / item.name


@pytest.fixture(scope="module")
def described(sweep_items: Items, data_item: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every family's item described in one go."""
    out = tmp_path_factory.mktemp("weights")
    work(CONFIG, {"data": data_item, "sweep": list(sweep_items.values())}, out)
    return out


@pytest.fixture
def half_broken(sweep_items: Items, tmp_path: Path) -> Path:
    """A ViT item whose repeat 1 diverged in training: its weights are not finite."""
    item = tmp_path / "broken"
    shutil.copytree(sweep_items["vit"], item)
    tensors = load_file(item / "weights.safetensors")
    tensors["1.blocks.0.query.weight"][0, 0] = torch.nan
    save_file(tensors, item / "weights.safetensors")
    return item


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_layers_are_those_of_the_networks(described: Path, sweep_items: Items, family: str) -> None:
    folder = described / sweep_items[family].name
    table = pd.read_csv(folder / "layers.csv").set_index(["repeat", "layer"])
    quantiles = load_file(folder / "quantiles.safetensors")
    record = json.loads((folder / "record.json").read_text())
    names = [layer["name"] for layer in record["layers"]]
    assert list(table.index) == [(repeat, name) for repeat in (0, 1) for name in [*names, "all"]]
    assert (record["family"], record["dataset"], record["repeats"]) == (family, "digits", [0, 1])
    for repeat, network in load_networks(sweep_items[family]).items():
        weights = {name: network.get_parameter(f"{name}.weight").detach().numpy() for name in names}
        assert [list(values.shape) for values in weights.values()] == [layer["shape"] for layer in record["layers"]]
        weights["all"] = np.concatenate([values.ravel() for values in weights.values()])
        for name, values in weights.items():
            row, flat = table.loc[(repeat, name)], values.ravel().astype(float)
            assert (row["n"], row["mean"], row["std"]) == pytest.approx((flat.size, flat.mean(), flat.std()))
            assert (row["skewness"], row["kurtosis"]) == pytest.approx((stats.skew(flat), stats.kurtosis(flat)))
            assert (row["min"], row["max"]) == pytest.approx((flat.min(), flat.max()))
            assert row["near_zero"] == pytest.approx((abs(flat) < 0.01).mean())
            assert np.isin(quantiles[f"weights.{name}"][repeat].numpy(), values).all()
            if name == "all":
                assert row[["spectral_norm", "effective_rank"]].isna().all()
            else:
                norm = np.linalg.norm(values.reshape(len(values), -1), ord=2)
                assert row["spectral_norm"] == pytest.approx(norm, rel=1e-5)
                assert 1 <= row["effective_rank"] <= min(len(values), values[0].size)


def test_node_layers_are_those_of_the_networks(described: Path, sweep_items: Items) -> None:
    for family, hidden in {
        "dnn": {"hidden.0": 16, "hidden.1": 16},
        "cnn": {"convolutions.0": 4 * 6 * 6, "convolutions.1": 4 * 3 * 3},
        "vit": {"blocks.0.value": 16, "blocks.0.fc1": 32},
    }.items():
        folder = described / sweep_items[family].name
        nodes = {"input": 64, **hidden, "output": 10}
        table = pd.read_csv(folder / "strengths.csv")
        record = json.loads((folder / "record.json").read_text())
        assert record["node_layers"] == [{"name": name, "nodes": count} for name, count in nodes.items()]
        assert list(zip(table["repeat"], table["layer"], table["nodes"], strict=True)) == [
            (repeat, *layer) for repeat in (0, 1) for layer in nodes.items()
        ]
        assert (
            (table["min"] < table["mean"]).all() and (table["mean"] < table["max"]).all() and (table["std"] > 0).all()
        )
        quantiles = load_file(folder / "quantiles.safetensors")
        assert {name for name in quantiles if name.startswith("strength.")} == {
            f"strength.{name}" for name in [*nodes, "hidden"]
        }
        pooled = torch.cat([quantiles[f"strength.{name}"] for name in hidden], dim=1)
        assert np.isin(quantiles["strength.hidden"].numpy(), pooled.numpy()).all()


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_untrained_networks_are_those_from_which_training_starts(
    described: Path, sweep_items: Items, splits: tuple[Split, Split], family: str
) -> None:
    results = json.loads((sweep_items[family] / "results.json").read_text())
    kept = load_file(described / sweep_items[family].name / "untrained.safetensors")
    assert set(kept) == {"weights.all", "strength.hidden"}
    for row, run in enumerate(results["repeats"]):
        task = Task(run["spec"], {}, *splits, Recipe.of(TRAIN))
        network = task.network(Repeat(run["repeat"], run["seed"]))
        weights = [network.get_parameter(f"{layer.name}.weight").flatten() for layer in layers_of(network)]
        assert kept["weights.all"][row].equal(quantiles(torch.cat(weights).detach()[None])[0])
    quantiles_after = load_file(described / sweep_items[family].name / "quantiles.safetensors")
    assert all(not kept[name].equal(quantiles_after[name]) for name in kept)


def test_attention_is_averaged_over_the_first_validation_images(
    described: Path, sweep_items: Items, data_item: Path
) -> None:
    images = load_split(data_item, "validation").batch(slice(8))
    maps = load_file(described / sweep_items["vit"].name / "attention.safetensors")["attention"]
    assert maps.shape == (2, 1, 2, 4)
    for repeat, network in load_networks(sweep_items["vit"]).items():
        assert isinstance(network, ViT)
        assert maps[repeat].equal(class_attention(network, images))
    record = json.loads((described / sweep_items["vit"].name / "record.json").read_text())
    assert record["attention"] == {"images": 8, "patches": [2, 2]}
    assert not (described / sweep_items["dnn"].name / "attention.safetensors").exists()


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_repeats_in_another_order_give_the_same_bytes(
    described: Path, sweep_items: Items, data_item: Path, tmp_path: Path, family: str
) -> None:
    item = tmp_path / sweep_items[family].name
    shutil.copytree(sweep_items[family], item)
    results = json.loads((item / "results.json").read_text())
    results["repeats"].reverse()
    (item / "results.json").write_text(json.dumps(results))
    assert contents(describe(data_item, item, tmp_path / "out")) == contents(described / item.name)


def test_a_diverged_network_keeps_empty_rows(
    half_broken: Path, described: Path, sweep_items: Items, data_item: Path, tmp_path: Path
) -> None:
    folder, whole = describe(data_item, half_broken, tmp_path / "out"), described / sweep_items["vit"].name
    for name in ("layers", "strengths"):
        table, expected = (pd.read_csv(path / f"{name}.csv") for path in (folder, whole))
        pd.testing.assert_frame_equal(table[table["repeat"] == 0], expected[expected["repeat"] == 0])
        broken = table[table["repeat"] == 1]
        assert len(broken) == len(expected) / 2
        assert broken.drop(columns=["repeat", "layer", "kind", "n", "nodes"], errors="ignore").isna().all(axis=None)
    for name in ("quantiles", "attention"):
        half, both = (load_file(path / f"{name}.safetensors") for path in (folder, whole))
        assert all(half[key][0].equal(both[key][0]) and half[key][1].isnan().all() for key in both)


@dataclass(frozen=True, kw_only=True)
class Odd(Family):
    """A family of the user's, with layers whose order nobody can know."""

    network: ClassVar[str] = f"{__name__}:OddNetwork"
    depth: int = 1

    def spec(self, shape: Sequence[int], classes: int) -> dict[str, Any]:
        return {"family": f"{__name__}:Odd", "shape": list(shape), "classes": classes}


class OddNetwork(nn.Module):
    def __init__(self, shape: Sequence[int], classes: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(shape[0], 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, classes)


def test_other_families_have_layers_but_no_strengths(data_item: Path, tmp_path: Path) -> None:
    item = tmp_path / "odd"
    item.mkdir()
    spec = Odd().spec([1, 8, 8], 10)
    record = {"architecture": "odd", "dataset": "digits", "family": spec["family"], "parameters": 94, "depth": 1}
    results = record | {"weights": "weights.safetensors", "repeats": [{"repeat": 3, "seed": 5, "spec": spec}]}
    (item / "results.json").write_text(json.dumps(results))
    save_networks(item / "weights.safetensors", {3: OddNetwork([1, 8, 8], 10)})
    folder = describe(data_item, item, tmp_path / "out")
    table = pd.read_csv(folder / "layers.csv")
    assert table[["layer", "kind", "n"]].to_numpy().tolist() == [
        ["convolution", "convolution", 36],
        ["head", "dense", 40],
        ["all", "all", 76],
    ]
    assert table[STATISTICS[:7]].notna().all(axis=None)
    assert (folder / "strengths.csv").read_text() == "repeat,layer,nodes,mean,std,min,max\n"
    assert json.loads((folder / "record.json").read_text())["node_layers"] == []
    assert set(load_file(folder / "quantiles.safetensors")) == {"weights.convolution", "weights.head", "weights.all"}


@pytest.mark.parametrize("name", ["basic", "bottlenecks", "separable"])
def test_convolutions_with_norms_are_described(
    name: str, resnet_items: Items, separable_item: Path, data_item: Path, tmp_path: Path
) -> None:
    item = separable_item if name == "separable" else resnet_items[name]
    (network,) = load_networks(item).values()
    folder = describe(data_item, item, tmp_path / "out")
    table = pd.read_csv(folder / "layers.csv").set_index("layer")
    convolutions = {n.removesuffix(".weight"): p.numel() for n, p in network.named_parameters() if p.dim() == 4}
    assert table.loc[table["kind"] == "convolution", "n"].to_dict() == convolutions
    assert table["n"]["all"] == sum(convolutions.values()) + table["n"]["classifier" if name == "separable" else "fc"]
    assert table[STATISTICS].drop("all").notna().all(axis=None)
    assert json.loads((folder / "record.json").read_text())["node_layers"] == []


VIT = {"family": "vit", "shape": [1, 8, 8], "classes": 10, "patch": 4, "width": 8, "head_size": 2}
RESNET = {"family": "resnet", "shape": [1, 8, 8], "classes": 10, "stem": "cifar", "width": 3}
RESNET |= {"outer": [6, 6, 8], "inner": [[[2, 3], 0], [], [5]]}
LACKING = {
    "a transformer": (VIT | {"heads": [0, 3, 0], "ffn": [5, 0, 0]}, ["blocks.0.fc1", "blocks.1.value"], (1, 3, 3, 4)),
    "a transformer without heads": (VIT | {"heads": [0], "ffn": [5]}, ["blocks.0.fc1"], None),
    "a transformer of nothing": (VIT | {"heads": [0], "ffn": [0]}, [], None),
    "a residual network": (RESNET, None, None),
}


@pytest.mark.parametrize(("spec", "nodes", "maps"), LACKING.values(), ids=LACKING)
def test_networks_that_lack_parts_are_described_by_the_others(
    spec: dict[str, Any], nodes: list[str] | None, maps: tuple[int, ...] | None, data_item: Path, tmp_path: Path
) -> None:
    item = tmp_path / "item"
    item.mkdir()
    network = build(spec)
    record = {"architecture": "lacking", "dataset": "digits", "family": spec["family"], "depth": 3}
    record |= {"parameters": parameters(network), "weights": "weights.safetensors"}
    (item / "results.json").write_text(json.dumps(record | {"repeats": [{"repeat": 0, "seed": 5, "spec": spec}]}))
    save_networks(item / "weights.safetensors", {0: network})
    folder = describe(data_item, item, tmp_path / "out")
    layers = pd.read_csv(folder / "layers.csv")["layer"].tolist()
    assert layers == [*(n.removesuffix(".weight") for n, p in network.named_parameters() if is_layer(n, p)), "all"]
    strengths = pd.read_csv(folder / "strengths.csv")["layer"].tolist()
    assert strengths == ([] if nodes is None else ["input", *nodes, "output"])
    assert ("strength.hidden" in load_file(folder / "quantiles.safetensors")) == bool(nodes)
    attention = folder / "attention.safetensors"
    assert (load_file(attention)["attention"].shape if attention.exists() else None) == maps


def is_layer(name: str, parameter: torch.Tensor) -> bool:
    return name.endswith(".weight") and parameter.dim() > 1
