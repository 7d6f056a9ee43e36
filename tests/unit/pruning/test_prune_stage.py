"""The stage prune on real trained items."""

import csv
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from minarch.data.tensors import load_split
from minarch.models.weights import load_networks
from minarch.prune import work
from minarch.training.evaluate import evaluate

FINETUNE = {"epochs": 3, "batch_size": 32, "optimizer": "adam", "learning_rate": 2e-3, "weight_decay": 0.0, "seed": 0}
STRUCTURED = {"method": "structured", "level": 0.5, "importance": "L1", "round_to": 1, "finetune": FINETUNE}
MAGNITUDE = {"method": "magnitude", "levels": [0.25, 0.5, 0.9], "scope": "global"}


@pytest.fixture
def run(tmp_path, data_item):
    """run(config, parent) -> the folder of the finished work."""

    def go(config, parent, data=data_item):
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        work(config, {"data": data, "parent": parent}, out)
        return out

    return go


@pytest.fixture
def half_broken(sweep_items, tmp_path):
    """A dnn item whose repeat 1 diverged in training: its weights are not finite."""
    item = tmp_path / "broken"
    shutil.copytree(sweep_items["dnn"], item)
    tensors = load_file(item / "best.safetensors")
    tensors["1.hidden.0.weight"][0, 0] = torch.inf
    save_file(tensors, item / "best.safetensors")
    return item


def read(path):
    return json.loads(path.read_text())


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "timing.json"}


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_structured_records_what_is_in_the_weights(run, sweep_items, data_item, family):
    out = run(STRUCTURED, sweep_items[family])
    results, validation = read(out / "results.json"), load_split(data_item, "validation")
    assert [entry["status"] for entry in results["repeats"]] == ["ok", "ok"]
    assert (results["parent"], results["family"]) == (sweep_items[family].name, family)
    networks, parents = load_networks(out), load_networks(sweep_items[family])
    for entry in results["repeats"]:
        accuracies = entry["validation"]
        assert accuracies["finetuned"] == evaluate(networks[entry["repeat"]], validation).accuracy
        assert accuracies["base"] == evaluate(parents[entry["repeat"]], validation).accuracy
        assert accuracies["base"] > 0.85
        assert accuracies["finetuned"] > accuracies["pruned"]
        assert entry["parameters"] == sum(p.numel() for p in networks[entry["repeat"]].parameters())
        assert entry["parameters"] < entry["parameters_before"] and entry["macs"] < entry["macs_before"]
        assert entry["removed_share"] == 0.5
    assert set(read(out / "test.json")["repeats"][0]) == {"repeat", "base", "pruned", "finetuned"}


@pytest.mark.parametrize("config", [STRUCTURED, MAGNITUDE], ids=lambda config: config["method"])
def test_running_again_gives_the_same_bytes(run, sweep_items, config):
    assert contents(run(config, sweep_items["vit"])) == contents(run(config, sweep_items["vit"]))


@pytest.mark.parametrize("config", [STRUCTURED, MAGNITUDE], ids=lambda config: config["method"])
def test_the_test_split_reaches_only_its_own_file(run, sweep_items, data_item, tmp_path, config):
    other = tmp_path / "data"
    shutil.copytree(data_item, other)
    shutil.copy(other / "validation.safetensors", other / "test.safetensors")
    before, after = contents(run(config, sweep_items["dnn"])), contents(run(config, sweep_items["dnn"], other))
    assert [name for name in before if before[name] != after[name]] in (["test.json"], ["test.csv"])


def test_a_parent_that_is_not_finite_is_recorded(run, half_broken):
    out = run(STRUCTURED, half_broken)
    good, bad = read(out / "results.json")["repeats"]
    assert (good["status"], bad["status"]) == ("ok", "unstable")
    assert bad["spec"] is None and bad["parameters"] is None and set(bad["validation"].values()) == {None}
    assert list(load_networks(out)) == [0]
    curve = list(csv.DictReader((run(MAGNITUDE, half_broken) / "curve.csv").read_text().splitlines()))
    assert {row["repeat"] for row in curve} == {"0"}


def test_a_fine_tuning_that_diverges_is_recorded(run, sweep_items):
    recipe = {**FINETUNE, "optimizer": "sgd", "learning_rate": 1e30}
    out = run({**STRUCTURED, "finetune": recipe}, sweep_items["dnn"])
    entry = read(out / "results.json")["repeats"][0]
    assert entry["status"] == "diverged"
    assert entry["validation"]["finetuned"] is None and entry["validation"]["pruned"] > 0
    assert read(out / "test.json")["repeats"][0]["finetuned"] is None


def test_a_layer_too_small_for_the_level_is_recorded(run, sweep_items):
    out = run({**STRUCTURED, "round_to": 64}, sweep_items["dnn"])
    entry = read(out / "results.json")["repeats"][0]
    assert (entry["status"], entry["removed_share"]) == ("nothing_removed", 0)
    assert entry["validation"]["pruned"] == entry["validation"]["base"]


def test_magnitude_curves_start_at_the_base_and_end_worse(run, sweep_items):
    out = run(MAGNITUDE, sweep_items["cnn"])
    rows = list(csv.DictReader((out / "curve.csv").read_text().splitlines()))
    sweep = read(sweep_items["cnn"] / "results.json")
    assert [float(row["level"]) for row in rows] == [0, 0.25, 0.5, 0.9] * 2
    for entry in sweep["repeats"]:
        curve = [row for row in rows if int(row["repeat"]) == entry["repeat"]]
        assert int(curve[0]["remaining_parameters"]) == sweep["parameters"]
        assert float(curve[0]["validation_accuracy"]) == entry["best"]["validation_accuracy"]
        assert float(curve[0]["validation_loss"]) == pytest.approx(entry["best"]["validation_loss"])
        assert float(curve[-1]["validation_accuracy"]) < float(curve[0]["validation_accuracy"]) - 0.1
        remaining = [int(row["remaining_parameters"]) for row in curve]
        assert remaining == sorted(remaining, reverse=True)
