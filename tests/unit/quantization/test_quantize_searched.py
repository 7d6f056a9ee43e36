"""The stage quantize on networks that a search for depth found: every repeat has a structure and a size of its own."""

import csv

import pytest
from quantize_items import CONFIGS, CURVE
from searched import searched_item

from minarch.commands.exported import exported_model
from minarch.contract import variant_of
from minarch.files import read_json
from minarch.models.families import architecture
from minarch.models.weights import load_networks
from minarch.quantization.measure import accuracy, runner

FULL = {"vit": {"depth": 2, "width": 16, "heads": 2, "patch": 4}, "resnet": {"depth": 18, "width": 4}}
DEPTHS = [1, 2]


@pytest.fixture(scope="module", params=FULL)
def item(request, data_item, tmp_path_factory):
    """Two repeats of different depths."""
    full = architecture(request.param, FULL[request.param])
    folder = tmp_path_factory.mktemp("searched") / request.param
    return searched_item(folder, data_item, full, DEPTHS, stacked=request.param == "vit")


@pytest.mark.parametrize("name", ["plain", "torch", "controlled", "int4"])
def test_every_repeat_is_exported_with_its_own_structure(run, item, splits, name):
    out, parent = run(CONFIGS[name], item), read_json(item / "results.json")
    results, validation = read_json(out / "results.json"), splits["validation"]
    assert variant_of(results) == variant_of(parent)
    for entry, original in zip(results["repeats"], parent["repeats"], strict=True):
        assert entry["status"] == "ok"
        assert [entry[size] for size in ("parameters", "macs")] == [original[size] for size in ("parameters", "macs")]
        assert entry["validation"]["torch"] == pytest.approx(original["validation_accuracy"], abs=0.005)
    shallow, deep = results["repeats"]
    logits = runner(exported_model("params.yaml", str(out), None, "fp32").model.path)(validation.images)
    assert accuracy(logits, validation.labels) == shallow["validation"]["fp32"]  # the first one keeps its files
    assert shallow["weight_bytes"]["fp32"] < deep["weight_bytes"]["fp32"]


def test_every_repeat_has_a_simulated_curve_of_its_own_size(run, item):
    out = run(CURVE, item)
    with (out / "curve.csv").open(newline="") as file:
        whole = {int(row["repeat"]): row for row in csv.DictReader(file) if row["precision"] == "fp32"}
    networks = load_networks(item)
    sizes = {repeat: 4 * sum(p.numel() for p in network.parameters()) for repeat, network in networks.items()}
    assert {repeat: int(row["bytes"]) for repeat, row in whole.items()} == sizes and len(set(sizes.values())) == 2
    for entry in read_json(item / "results.json")["repeats"]:
        assert float(whole[entry["repeat"]]["validation_accuracy"]) == pytest.approx(entry["validation_accuracy"])
