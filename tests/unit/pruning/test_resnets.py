"""Stage prune on trained ResNets of fewer blocks, basic ones and bottlenecks: every method and every curve."""

import csv

import pytest
from stage import FRESH, LEARNED, MACS, PLAIN, RANDOM, REWOUND, method, read, title

from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.weights import load_networks
from minarch.pruning.groups import find_groups
from minarch.training.evaluate import evaluate

pytestmark = pytest.mark.usefixtures("short_evolution")
EVERY = pytest.mark.parametrize("name", ["basic", "bottlenecks"])
MEDIAN = method(importance="geometric_median")


@pytest.mark.parametrize("config", [PLAIN, MEDIAN, MACS, RANDOM, LEARNED, REWOUND, FRESH], ids=title)
@EVERY
def test_every_method_makes_a_smaller_member_of_the_family(run, resnet_items, splits, name, config):
    out = run(config, resnet_items[name])
    (entry,) = read(out / "results.json")["repeats"]
    (network,), (before,) = (load_networks(item).values() for item in (out, resnet_items[name]))
    assert entry["status"] == "ok"
    assert network.spec() == entry["spec"] == build(entry["spec"]).spec()
    assert [len(stage) for stage in entry["spec"]["inner"]] == [len(stage) for stage in before.spec()["inner"]]
    if config["scope"] == "layer":
        assert entry["spec"] == halved(before.spec())
    assert entry["parameters"] == parameters(network) < parameters(before)
    assert entry["macs"] == macs(network, [1, 8, 8]) <= 0.6 * macs(before, [1, 8, 8])
    assert entry["validation"]["finetuned"] == evaluate(network, splits["validation"]).accuracy


def halved(spec):
    """Half of every channel, those of images and classes stay."""

    def half(value):
        return [half(entry) for entry in value] if isinstance(value, list) else value // 2

    return spec | {field: half(spec[field]) for field in ("outer", "inner", "width") if field in spec}


@EVERY
def test_an_iterative_level_goes_on_from_the_one_before(run, resnet_items, name):
    item = resnet_items[name]
    first = run(method(level=0.25, schedule="iterative"), item)
    second = run(method(level=0.5, schedule="iterative"), first, origin=item)
    (entry,), (before,) = read(second / "results.json")["repeats"], load_networks(item).values()
    assert entry["status"] == "ok" and entry["spec"] == halved(before.spec())


@pytest.mark.parametrize("scope", ["global", "layer"])
@EVERY
def test_magnitudes_end_at_chance_and_fine_tuning_brings_some_back(run, resnet_items, name, scope):
    config = {"kind": "magnitude", "scope": scope, "levels": [0.5, 1.0]}
    whole, _, nothing = curve(run(config, resnet_items[name]))
    assert whole > 0.8 and nothing < 0.3
    training = PLAIN["training"] | {"epochs": 4, "learning_rate": 1e-2}
    (_, cut), (tuned,) = (
        curve(run(config | {"levels": [0.8]} | extra, resnet_items[name])) for extra in ({}, {"training": training})
    )
    assert tuned > cut


@EVERY
def test_sensitivity_has_every_group(run, resnet_items, name):
    out = run({"kind": "sensitivity", "importance": "L1", "levels": [0.5]}, resnet_items[name])
    (network,) = load_networks(resnet_items[name]).values()
    rows = list(csv.DictReader((out / "curve.csv").read_text().splitlines()))
    told = [(row["group"], int(row["units"]), int(row["removed"])) for row in rows]
    assert told == [(group.name, group.units, group.units // 2) for group in find_groups(network)]


def curve(out):
    """The validation accuracies of a curve's levels."""
    return [float(row["validation_accuracy"]) for row in csv.DictReader((out / "curve.csv").read_text().splitlines())]
