"""Every stage that makes networks keeps the contract of networks (minarch.contract), so that later stages use them."""

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file
from tiny import QUANTIZE, TINY

from minarch.contract import read_networks, read_test_accuracies, variant_of
from minarch.data.tensors import load_split
from minarch.errors import UserError
from minarch.files import read_json, write_json
from minarch.flow.stages import STAGES as DECLARED
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.weights import finite, load_networks
from minarch.quantize import work as quantize
from minarch.training.evaluate import evaluate

STAGES = [name for name, stage in DECLARED.items() if stage.makes_networks]


@pytest.fixture(params=STAGES)
def item(request, folders):
    """The folder of a tiny item."""
    return folders(request.param)[0]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timing.json"}


def test_every_stage_that_makes_networks_has_a_tiny_item():
    assert set(TINY) == set(STAGES)


def test_weights_are_those_of_the_networks_that_results_describe(item):
    results, networks = read_networks(item), load_networks(item)
    described = [entry for entry in results["repeats"] if entry["spec"] is not None]
    assert described and list(networks) == [entry["repeat"] for entry in described]
    for entry in described:
        network = networks[entry["repeat"]]
        assert finite(network)
        assert network.spec() == build(entry["spec"]).spec() == entry["spec"]
        assert parameters(network) == entry["parameters"]
        assert macs(network, entry["spec"]["shape"]) == entry["macs"]


def test_accuracies_are_those_of_the_weights(item, folders):
    validation, test = (load_split(folders("data")[0], name) for name in ("validation", "test"))
    networks, tested = load_networks(item), read_test_accuracies(item)
    for entry in read_networks(item)["repeats"]:
        network = networks[entry["repeat"]]
        assert entry["validation_accuracy"] == evaluate(network, validation).accuracy
        assert tested[entry["repeat"]] == evaluate(network, test).accuracy


def test_test_results_are_of_the_same_repeats(item):
    assert list(read_test_accuracies(item)) == [entry["repeat"] for entry in read_networks(item)["repeats"]]


@pytest.mark.parametrize("stage", STAGES)
def test_only_test_json_holds_what_came_of_the_test_images(folders, stage):
    made, permuted = map(contents, folders(stage))
    assert {name for name in made if made[name] != permuted[name]} == {"test.json"} and set(made) == set(permuted)


def test_what_was_made_is_quantized(item, folders, tmp_path):
    quantize(QUANTIZE, {"data": folders("data")[0], "parent": item}, tmp_path)
    parent, results = read_networks(item), read_json(tmp_path / "results.json")
    assert variant_of(results) == variant_of(parent)
    for entry, quantized in zip(parent["repeats"], results["repeats"], strict=True):
        assert {name: quantized[name] for name in ("repeat", "parameters", "macs")} == {
            name: entry[name] for name in ("repeat", "parameters", "macs")
        }
        assert quantized["status"] == "ok"
    assert {path.name for path in tmp_path.glob("*.onnx")} == {f"{name}-0.onnx" for name in ("fp32", "int8")}


def test_a_repeat_of_which_nothing_could_be_made_is_passed_on(folders, tmp_path):
    """It has no spec and no tensors; its entries stay."""
    parent, out = tmp_path / "parent", tmp_path / "out"
    shutil.copytree(folders("prune")[0], parent)
    out.mkdir()
    results, weights = read_json(parent / "results.json"), parent / read_networks(parent)["weights"]
    results["repeats"][0] |= dict.fromkeys(("spec", "parameters", "macs", "validation_accuracy"))
    write_json(parent / "results.json", results)
    save_file({name: tensor for name, tensor in load_file(weights).items() if not name.startswith("0.")}, weights)
    assert list(load_networks(parent)) == [1]
    quantize(QUANTIZE, {"data": folders("data")[0], "parent": parent}, out)
    quantized = read_json(out / "results.json")["repeats"]
    assert [(entry["repeat"], entry["status"]) for entry in quantized] == [(0, "unstable"), (1, "ok")]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda results: results.pop("method"), "method: Field required"),
        (lambda results: results["repeats"][1].pop("macs"), r"repeats\.1\.macs: Field required"),
        (lambda results: results["repeats"][0].update(parameters="many"), r"repeats\.0\.parameters: Input should be"),
    ],
    ids=["item", "repeat", "type"],
)
def test_what_breaks_the_contract_is_one_line_that_names_the_field(item, tmp_path, broken, reason):
    shutil.copytree(item, tmp_path / "item")
    results = json.loads((item / "results.json").read_text())
    broken(results)
    write_json(tmp_path / "item" / "results.json", results)
    with pytest.raises(UserError, match=rf"results\.json: is no record of networks \({reason}.*allowed: ") as raised:
        read_networks(tmp_path / "item")
    assert "\n" not in str(raised.value)


def test_a_missing_record_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"results\.json: is no record of networks .*allowed: ") as raised:
        read_networks(tmp_path)
    assert "\n" not in str(raised.value)
