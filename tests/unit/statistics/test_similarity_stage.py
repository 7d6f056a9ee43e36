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
    "networks": 3,
    "permutations": 400,
    "confidence": 0.95,
    "seed": 0,
}
SIZES = {60: 0.5, 400: 0.8}  # parameters -> validation accuracy of the best repeat
REPEATS = 16
SCOPES = [
    "within architecture",
    "within data set and family",
    "across data sets",
    "across families",
    "across both",
]
TABLES = ["architectures.csv", "networks.csv", "blocks.csv", "verdicts.csv", "correlations.csv"]
OF_NUMBERS = ["blocks.csv", "verdicts.csv", "correlations.csv"]  # without names of architectures


def write_trained(item: Path, dataset: str, family: str, parameters: int, seed: int, repeats: int = REPEATS) -> Path:
    """A sweep item whose better half of repeats is alike, while each of the others has a width of its own."""
    write_sweep(item, dataset, family, parameters, (0.5, 0.5), repeats=repeats)
    record = json.loads((item / "results.json").read_text())
    spec = {"family": "dnn", "shape": [1, 8, 8], "classes": 10, "hidden": [8]}
    generator, runs, networks = torch.Generator().manual_seed(seed), [], {}
    for run in record["repeats"]:
        repeat, rank = run["repeat"], run["repeat"] * 7 % repeats
        accuracy = SIZES[parameters] - 0.3 * (1 - rank / repeats) + 0.001 * seed
        metrics = run["final"] | {"validation_accuracy": accuracy}
        runs.append(run | {"seed": 1000 * seed + repeat, "spec": spec, "final": metrics})
        networks[repeat] = build(spec)
        poor = rank < repeats / 2
        width = 0.1 * 8 ** float(2 * torch.rand(1, generator=generator) - 1) if poor else 0.1
        for tensor in networks[repeat].parameters():
            tensor.data.normal_(std=width, generator=generator)
    save_networks(item / "weights.safetensors", networks)
    write_json(item / "results.json", record | {"repeats": runs})
    return item


def write_study(root: Path, datasets: str = "ab", families: str = "xy", repeats: int = REPEATS) -> list[Path]:
    return [
        write_trained(root / f"{dataset}-{family}-{parameters}", dataset, family, parameters, seed, repeats)
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
    verdicts = table(study[1], "verdicts")
    assert verdicts["scope"].unique().tolist() == SCOPES and len(verdicts) == len(SCOPES) * 2 * 2 * 3
    assert (verdicts["comparison"] == "within architectures").all() and (verdicts["architectures"] == 8).all()
    assert (verdicts["networks_good"] == 24).all() and (verdicts["networks"] == 48).all()  # at most three of four
    raw = verdicts[~verdicts["scaled"]]
    assert (raw["verdict"] == "holds").mean() >= 0.8
    assert (raw["log_ratio"] > 0.3).all() and raw["untrained_log_ratio"].abs().max() < 0.3
    divided = verdicts[verdicts["scaled"] & (verdicts["quantity"] == "weights")]
    assert (divided["verdict"] == "not shown").all()  # all are Gaussians: divided by their width they are alike


def test_blocks_are_those_of_both_comparisons_before_and_after_training(study: Study) -> None:
    blocks = table(study[1], "blocks")
    counts = blocks.groupby(["comparison", "networks"]).size()
    assert counts.loc["within architectures"].tolist() == [len(SCOPES) * 36] * 2
    assert (blocks["permutations"] == 400).all() and (blocks["mean"] > 0).all()
    known = blocks[blocks["low"].notna()]
    assert (known["low"] <= known["mean"]).all() and (known["mean"] <= known["high"]).all()
    own = blocks.query("scope == 'within architecture' and networks == 'trained' and not scaled")
    assert set(own.loc[own["block"] == "poor-poor", "pairs"]) == {8 * 3}
    means = own.pivot_table(index=["quantity", "distance"], columns="block", values="mean")
    assert (means["good-good"] < means["poor-poor"]).all()


def test_the_networks_compared_are_the_good_and_the_poor(study: Study) -> None:
    networks = table(study[1], "networks")
    columns = ["comparison", "dataset", "family", "architecture", "repeat", "parameters", "validation", "group"]
    assert list(networks) == columns
    within = networks[networks["comparison"] == "within architectures"]
    assert (within.groupby(["dataset", "family", "architecture", "group"]).size() == 3).all()
    ranks = within["repeat"] * 7 % REPEATS
    assert set(ranks[within["group"] == "poor"]) <= set(range(4)) and (ranks[within["group"] == "good"] >= 12).all()
    architectures = table(study[1], "architectures")
    assert (architectures["decided"] == "compared").all() and (architectures["repeats"] == REPEATS).all()


def test_few_repeats_cannot_be_compared_within_architectures(data_item: Path, tmp_path: Path) -> None:
    compare(data_item, write_study(tmp_path / "sweep", "a", "x", repeats=5), tmp_path / "out")
    assert table(tmp_path / "out", "architectures")["decided"].tolist() == ["too few repeats"] * 2
    verdicts = table(tmp_path / "out", "verdicts")
    assert set(verdicts["verdict"]) == {"cannot tell"}  # of two architectures one is good, the other poor
    assert table(tmp_path / "out", "blocks").empty


def test_correlations_are_over_all_repeats(study: Study) -> None:
    correlations = table(study[1], "correlations")
    assert (correlations["n"] == 2 * REPEATS).all() and len(correlations) == 4 * 5
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
        repeats = [record["repeats"][i] for i in random.permutation(REPEATS)]
        write_json(
            copies[-1] / "results.json", record | {"repeats": repeats, "architecture": renamed[record["architecture"]]}
        )
    files = compare(data_item, copies, root / "out")
    assert {name: files[name] for name in OF_NUMBERS} == {name: expected[name] for name in OF_NUMBERS}
    by = ["comparison", "dataset", "family", "architecture", "repeat"]
    networks = table(out, "networks").replace({"architecture": renamed}).sort_values(by, ignore_index=True)
    pd.testing.assert_frame_equal(table(root / "out", "networks").sort_values(by, ignore_index=True), networks)


def test_names_of_data_sets_and_families_change_nothing_either(study: Study, data_item: Path, tmp_path: Path) -> None:
    sweep, _, expected = study
    copies = [shutil.copytree(item, tmp_path / "sweep" / item.name) for item in sweep]
    for item in copies:
        record = json.loads((item / "results.json").read_text())
        names = {"dataset": {"a": "z", "b": "k"}[record["dataset"]], "family": {"x": "v", "y": "u"}[record["family"]]}
        write_json(item / "results.json", record | names)
    files = compare(data_item, copies, tmp_path / "out")
    assert all(files[name] == expected[name] for name in ("blocks.csv", "verdicts.csv"))


def test_one_data_set_and_family_has_nothing_across(data_item: Path, tmp_path: Path) -> None:
    compare(data_item, write_study(tmp_path / "sweep", "a", "x"), tmp_path / "out")
    verdicts = table(tmp_path / "out", "verdicts")
    assert set(verdicts["scope"]) == set(SCOPES[:2])
    assert verdicts[["log_ratio", "p_value"]].notna().all(axis=None)


def test_diverged_networks_are_left_out(data_item: Path, tmp_path: Path) -> None:
    sweep = write_study(tmp_path / "sweep", "a", "x")
    tensors = load_file(sweep[0] / "weights.safetensors")
    for repeat in (0, 1):
        tensors[f"{repeat}.hidden.0.weight"][0, 0] = torch.nan
    save_file(tensors, sweep[0] / "weights.safetensors")
    compare(data_item, sweep, tmp_path / "out")
    networks, architectures = (table(tmp_path / "out", name) for name in ("networks", "architectures"))
    assert networks.query("parameters == 60 and repeat < 2").empty
    assert architectures["repeats"].tolist() == [REPEATS, REPEATS - 2] and architectures["good"].tolist() == [3, 3]
    assert (table(tmp_path / "out", "correlations")["n"] == 2 * REPEATS - 2).all()


def test_a_study_of_which_nothing_is_finite_has_empty_tables(data_item: Path, tmp_path: Path) -> None:
    sweep = write_study(tmp_path / "sweep", "a", "x")
    for item in sweep:
        tensors = load_file(item / "weights.safetensors")
        save_file({name: tensor * torch.nan for name, tensor in tensors.items()}, item / "weights.safetensors")
    compare(data_item, sweep, tmp_path / "out")
    assert all(table(tmp_path / "out", name.removesuffix(".csv")).empty for name in TABLES)


def test_real_items(sweep_items: Items, data_item: Path, tmp_path: Path) -> None:
    compare(data_item, list(sweep_items.values()), tmp_path / "out", CONFIG | {"poor_share": 0.5, "good_points": 1e-6})
    networks, verdicts = (table(tmp_path / "out", name) for name in ("networks", "verdicts"))
    assert set(networks["family"]) == {"dnn", "cnn", "vit"} and (networks["group"] == "good").sum() >= 3
    assert set(verdicts["scope"]) == {"within architecture", "within data set and family", "across families"}
    assert set(verdicts["verdict"]) == {"cannot tell"}  # two repeats of one architecture each


def test_spearman_is_scipys() -> None:
    pairs = np.random.default_rng(0).integers(6, size=(4, 30, 2)).astype(float)
    for measured, sample in zip(similarity.spearman(pairs), pairs, strict=True):
        assert measured == pytest.approx(stats.spearmanr(sample).statistic)
    assert np.isnan(similarity.spearman(np.array([[1.0, 2], [1, 3]])))
