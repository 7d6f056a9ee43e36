"""Stage prune on a trained network of depthwise-separable convolutions: every method and every curve."""

import csv

import pytest
from stage import FRESH, LEARNED, MACS, PLAIN, RANDOM, REWOUND, method, read, title

from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.weights import load_networks
from minarch.pruning.groups import find_groups
from minarch.training.evaluate import evaluate

pytestmark = pytest.mark.usefixtures("short_evolution")
MEDIAN = method(importance="geometric_median")


@pytest.mark.parametrize("config", [PLAIN, MEDIAN, MACS, RANDOM, LEARNED, REWOUND, FRESH], ids=title)
def test_every_method_makes_a_smaller_member_of_the_family(run, separable_item, splits, config):
    out = run(config, separable_item)
    (entry,) = read(out / "results.json")["repeats"]
    (network,), (before,) = (load_networks(item).values() for item in (out, separable_item))
    assert entry["status"] == "ok"
    assert network.spec() == entry["spec"] == build(entry["spec"]).spec()
    whole, cut = before.spec(), entry["spec"]
    assert cut | {"channels": whole["channels"]} == whole
    assert all(1 <= few <= many for few, many in zip(cut["channels"], whole["channels"], strict=True))
    if config["scope"] == "layer":
        assert cut["channels"] == [units // 2 for units in whole["channels"]]
    assert entry["parameters"] == parameters(network) < parameters(before)
    assert entry["macs"] == macs(network, [1, 8, 8]) <= 0.7 * macs(before, [1, 8, 8])
    assert entry["validation"]["finetuned"] == evaluate(network, splits["validation"]).accuracy


def test_an_iterative_level_goes_on_until_one_channel_is_left(run, separable_item):
    """Of one channel NNCF cannot tell any more that a depthwise convolution filters it."""
    first = run(method(level=0.5, schedule="iterative"), separable_item)
    second = run(method(level=0.95, schedule="iterative"), first, origin=separable_item)
    third = run(method(level=0.97, schedule="iterative"), second, origin=separable_item)
    for out in (second, third):
        (entry,) = read(out / "results.json")["repeats"]
        assert entry["status"] == "ok" and entry["spec"]["channels"] == [1, 1, 1]


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_magnitudes_end_at_chance(run, separable_item, scope):
    out = run({"kind": "magnitude", "scope": scope, "levels": [0, 1.0]}, separable_item)
    rows = list(csv.DictReader((out / "curve.csv").read_text().splitlines()))
    whole, nothing = (float(row["validation_accuracy"]) for row in rows)
    assert whole > 0.9 and nothing < 0.3


def test_sensitivity_has_every_group(run, separable_item):
    out = run({"kind": "sensitivity", "importance": "L1", "levels": [0.5]}, separable_item)
    (network,) = load_networks(separable_item).values()
    rows = list(csv.DictReader((out / "curve.csv").read_text().splitlines()))
    told = [(row["group"], int(row["units"]), int(row["removed"])) for row in rows]
    assert told == [(group.name, group.units, group.units // 2) for group in find_groups(network)]
    assert [units for _, units, _ in told] == network.spec()["channels"]
