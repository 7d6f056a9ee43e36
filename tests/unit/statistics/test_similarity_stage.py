"""The stage similarity: on studies with a built-in finding, on real items, and whatever things are called."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from constructed import write_json, write_sweep
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from scipy import stats

from minarch import similarity, weights
from minarch.models.build import build
from minarch.models.weights import save_networks

Items = dict[str, Path]  # by family
Study = tuple[list[Path], Path, dict[str, bytes]]  # sweep items, where the stage wrote, and what
CONFIG: dict[str, Any] = {
    "good_points": 1.0,
    "poor_share": 0.25,
    "networks": 5,
    "permutations": 200,
    "confidence": 0.95,
    "seed": 0,
}
SIZES = {50: 0.2, 60: 0.5, 400: 0.949, 1000: 0.955}  # parameters -> validation accuracy; the first are poor
SCOPES = [
    "all networks",
    "within data set and family",
    "across data sets",
    "across families",
    "across both",
]
TABLES = ["networks.csv", "blocks.csv", "correlations.csv"]


def write_trained(item: Path, dataset: str, family: str, parameters: int, seed: int) -> Path:
    """A sweep item of three networks: alike if they are good, each of its own width if they are poor."""
    accuracy = SIZES[parameters]
    write_sweep(item, dataset, family, parameters, (accuracy, accuracy))
    record = json.loads((item / "results.json").read_text())
    spec = {"family": "dnn", "shape": [1, 8, 8], "classes": 10, "hidden": [8]}
    generator = torch.Generator().manual_seed(seed)
    networks = {run["repeat"]: build(spec) for run in record["repeats"]}
    for network in networks.values():
        width = 0.1 if accuracy > 0.9 else 0.1 * 8 ** float(2 * torch.rand(1, generator=generator) - 1)
        for tensor in network.parameters():
            tensor.data.normal_(std=width, generator=generator)
    save_networks(item / "weights.safetensors", networks)
    repeats = [run | {"spec": spec} for run in record["repeats"]]
    write_json(item / "results.json", record | {"repeats": repeats})
    return item


def write_study(root: Path, datasets: str = "ab", families: str = "xy") -> list[Path]:
    return [
        write_trained(root / f"{dataset}-{family}-{parameters}", dataset, family, parameters, seed)
        for seed, (dataset, family, parameters) in enumerate(
            (dataset, family, parameters) for dataset in datasets for family in families for parameters in SIZES
        )
    ]


def compare(data: Path, sweep: list[Path], out: Path, config: dict[str, Any] = CONFIG) -> dict[str, bytes]:
    """What the stage writes for sweep items, after the stage weights."""
    (out / "weights").mkdir(parents=True)
    weights.work({"near_zero": 0.01, "attention_images": 8}, {"data": data, "sweep": sweep}, out / "weights")
    similarity.work(config, {"weights": [out / "weights"], "sweep": sweep}, out)
    return {name: (out / name).read_bytes() for name in TABLES}


def table(out: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(out / f"{name}.csv")


@pytest.fixture(scope="module")
def study(data_item: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    root = tmp_path_factory.mktemp("study")
    sweep = write_study(root / "sweep")
    return sweep, root / "out", compare(data_item, sweep, root / "out")


def test_good_networks_are_alike_where_they_are(study: Study) -> None:
    blocks = table(study[1], "blocks")
    assert blocks["scope"].unique().tolist() == SCOPES
    raw = blocks[~blocks["scaled"]]
    assert len(blocks) == 2 * len(raw) == len(SCOPES) * 2 * 2 * 3 * 3
    assert raw["p_value"].between(0, 0.1).all() and raw["p_value"].median() < 0.01
    assert (blocks["permutations"] == 200).all()
    means = raw.pivot_table(index=["scope", "quantity", "distance"], columns="block", values="mean")
    assert (means["good-good"] < means["poor-poor"]).all() and (means["good-good"] < means["good-poor"]).all()
    assert (blocks["low"] < blocks["mean"]).all() and (blocks["mean"] < blocks["high"]).all()
    divided = blocks[blocks["scaled"] & (blocks["quantity"] == "weights") & (blocks["scope"] == "all networks")]
    assert divided["mean"].max() < 0.2  # all are Gaussians: divided by their width they are alike


def test_the_networks_compared_are_the_good_and_the_poor(study: Study) -> None:
    networks = table(study[1], "networks")
    assert list(networks) == ["dataset", "family", "architecture", "repeat", "parameters", "validation", "group"]
    counts = networks.groupby(["dataset", "family", "group"]).size().unstack()
    assert (counts["good"] == 5).all() and (counts["poor"] == 3).all()  # at most five of six are drawn
    assert set(networks[networks["group"] == "good"]["parameters"]) == {400, 1000}
    assert set(networks[networks["group"] == "poor"]["parameters"]) == {50}
    blocks = table(study[1], "blocks").query("scope == 'all networks' and block == 'good-poor'")
    assert (blocks["networks_good"] == 20).all() and (blocks["networks_poor"] == 12).all()
    assert (blocks["pairs"] == 240).all()


def test_correlations_are_over_all_repeats(study: Study) -> None:
    correlations = table(study[1], "correlations")
    assert (correlations["n"] == 12).all() and len(correlations) == 4 * 5
    assert (correlations["low"] <= correlations["spearman"]).all()
    assert (correlations["spearman"] <= correlations["high"]).all()
    rows: list[tuple[float, float, float]] = []
    for item in study[0][: len(SIZES)]:  # of data set a, family x
        runs = json.loads((item / "results.json").read_text())["repeats"]
        accuracies = [run["final"]["validation_accuracy"] for run in runs]
        layers = pd.read_csv(study[1] / "weights" / item.name / "layers.csv").query("layer == 'all'")
        strengths = pd.read_csv(study[1] / "weights" / item.name / "strengths.csv").query("layer == 'hidden.0'")
        rows += zip(accuracies, layers["kurtosis"], strengths["std"], strict=True)
    validation, kurtosis, fluctuation = np.array(rows).T
    spearman = correlations.query("dataset == 'a' and family == 'x'").set_index("statistic")["spearman"]
    assert spearman["kurtosis"] == pytest.approx(stats.spearmanr(kurtosis, validation).statistic)
    assert spearman["fluctuation"] == pytest.approx(stats.spearmanr(fluctuation, validation).statistic)


def test_the_same_bytes_twice_and_without_test_results(study: Study, data_item: Path, tmp_path: Path) -> None:
    sweep, _, expected = study
    copies = [shutil.copytree(item, tmp_path / "sweep" / item.name) for item in sweep]
    for item in copies:
        (item / "test.json").unlink()
    assert compare(data_item, copies, tmp_path / "out") == expected


@given(seed=st.integers(0, 99))
@settings(max_examples=3, deadline=None)
def test_order_changes_nothing_and_names_only_names(
    study: Study, data_item: Path, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    sweep, out, expected = study
    random, root = np.random.default_rng(seed), tmp_path_factory.mktemp("shuffled")
    renamed = {name: f"{random.integers(10)}-{name}" for name in (f"{f}-{p}" for f in "xy" for p in SIZES)}
    copies: list[Path] = []
    for place in random.permutation(len(sweep)):
        copies.append(shutil.copytree(sweep[place], root / f"{random.integers(10)}-{place}"))
        record = json.loads((copies[-1] / "results.json").read_text())
        repeats = [record["repeats"][i] for i in random.permutation(3)]
        write_json(
            copies[-1] / "results.json", record | {"repeats": repeats, "architecture": renamed[record["architecture"]]}
        )
    files = compare(data_item, copies, root / "out")
    assert files["blocks.csv"] == expected["blocks.csv"] and files["correlations.csv"] == expected["correlations.csv"]
    by = ["dataset", "family", "architecture", "repeat"]
    networks = table(out, "networks").replace({"architecture": renamed}).sort_values(by, ignore_index=True)
    pd.testing.assert_frame_equal(table(root / "out", "networks").sort_values(by, ignore_index=True), networks)


def test_names_of_data_sets_and_families_change_nothing_either(study: Study, data_item: Path, tmp_path: Path) -> None:
    sweep, _, expected = study
    copies = [shutil.copytree(item, tmp_path / "sweep" / item.name) for item in sweep]
    for item in copies:
        record = json.loads((item / "results.json").read_text())
        names = {"dataset": {"a": "z", "b": "k"}[record["dataset"]], "family": {"x": "v", "y": "u"}[record["family"]]}
        write_json(item / "results.json", record | names)
    assert compare(data_item, copies, tmp_path / "out")["blocks.csv"] == expected["blocks.csv"]


def test_one_data_set_and_family_has_nothing_across(data_item: Path, tmp_path: Path) -> None:
    compare(data_item, write_study(tmp_path / "sweep", "a", "x"), tmp_path / "out")
    blocks = table(tmp_path / "out", "blocks")
    assert set(blocks["scope"]) == {"all networks", "within data set and family"}
    assert blocks[["mean", "p_value"]].notna().all(axis=None)


def test_diverged_networks_are_left_out(data_item: Path, tmp_path: Path) -> None:
    sweep = write_study(tmp_path / "sweep", "a", "x")
    for item in sweep[:2]:
        tensors = load_file(item / "weights.safetensors")
        tensors["0.hidden.0.weight"][0, 0] = torch.nan
        save_file(tensors, item / "weights.safetensors")
    compare(data_item, sweep, tmp_path / "out")
    networks = table(tmp_path / "out", "networks")
    assert not ((networks["parameters"] < 400) & (networks["repeat"] == 0)).any()
    assert (table(tmp_path / "out", "correlations")["n"] == 10).all()


def test_a_study_of_which_nothing_is_finite_has_empty_tables(data_item: Path, tmp_path: Path) -> None:
    sweep = write_study(tmp_path / "sweep", "a", "x")
    for item in sweep:
        tensors = load_file(item / "weights.safetensors")
        save_file({name: tensor * torch.nan for name, tensor in tensors.items()}, item / "weights.safetensors")
    compare(data_item, sweep, tmp_path / "out")
    assert all(table(tmp_path / "out", name.removesuffix(".csv")).empty for name in TABLES)


def test_real_items(sweep_items: Items, data_item: Path, tmp_path: Path) -> None:
    compare(data_item, list(sweep_items.values()), tmp_path / "out", CONFIG | {"poor_share": 0.5, "good_points": 1e-6})
    networks, blocks = (table(tmp_path / "out", name) for name in ("networks", "blocks"))
    assert set(networks["family"]) == {"dnn", "cnn", "vit"} and (networks["group"] == "good").sum() >= 3
    assert set(blocks["scope"]) <= set(SCOPES) and "across families" in set(blocks["scope"])
    assert set(blocks["quantity"]) == {"weights", "strengths"} and blocks["mean"].notna().all()


def test_good_and_poor(tmp_path: Path) -> None:
    validation = [0.9, 0.895, 0.89, 0.889, 0.5, 0.4, 0.1, 0.1]
    networks = pd.DataFrame({"dataset": "a", "family": "x", "validation": validation})
    groups = similarity.choose_networks(networks, CONFIG)["group"]
    assert groups.to_dict() == {0: "good", 1: "good", 2: "good", 6: "poor", 7: "poor"}
    alike = similarity.choose_networks(networks.assign(validation=0.9), CONFIG)["group"]
    assert alike.tolist() == ["good"] * 5  # at most five, and none that is good is poor


def test_spearman_is_scipys() -> None:
    pairs = np.random.default_rng(0).integers(6, size=(4, 30, 2)).astype(float)
    for measured, sample in zip(similarity.spearman(pairs), pairs, strict=True):
        assert measured == pytest.approx(stats.spearmanr(sample).statistic)
    assert np.isnan(similarity.spearman(np.array([[1.0, 2], [1, 3]])))
