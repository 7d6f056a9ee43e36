"""The stage prune on networks that a search for depth found: every repeat has a structure and a size of its own."""

import json

import pytest
import torch
from searched import searched_item
from stage import FRESH, LEARNED, MACS, PLAIN, RANDOM, broken, contents, method, read, title

from minarch.contract import read_networks
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.families import architecture
from minarch.models.weights import load_networks, save_networks
from minarch.pruning import STEPS
from minarch.training.evaluate import evaluate

pytestmark = pytest.mark.usefixtures("short_evolution")
FULL = {
    "dnn": ({"depth": 3, "width": 12}, [1, 3]),
    "cnn": ({"depth": 2, "channels": 6}, [2, 1]),
    "vit": ({"depth": 2, "width": 16, "heads": 2, "patch": 4}, [1, 2]),
    "resnet": ({"depth": 18, "width": 4}, [1, 3]),
}
CONFIGS = [PLAIN, MACS, RANDOM, LEARNED, FRESH]


@pytest.fixture(scope="module")
def items(data_item, tmp_path_factory):
    """Family -> an item of two repeats of different depths."""
    root = tmp_path_factory.mktemp("searched")
    return {
        family: searched_item(root / family, data_item, architecture(family, knobs), depths, family != "resnet")
        for family, (knobs, depths) in FULL.items()
    }


@pytest.mark.parametrize("family", FULL)
@pytest.mark.parametrize("config", CONFIGS, ids=title)
def test_every_repeat_is_cut_from_its_own_structure(run, items, splits, family, config):
    out = run(config, items[family])
    results, networks, parents = read_networks(out), load_networks(out), read(items[family] / "results.json")
    assert results["architecture"] == parents["architecture"]
    left = []
    for entry, parent in zip(results["repeats"], parents["repeats"], strict=True):
        network = networks[entry["repeat"]]
        assert (entry["status"], entry["spec"]) == ("ok", network.spec())
        assert (entry["parameters"], entry["macs"]) == (parameters(network), macs(network, [1, 8, 8]))
        assert (entry["parameters_before"], entry["macs_before"]) == (parent["parameters"], parent["macs"])
        assert entry["validation"]["base"] == parent["validation_accuracy"]
        assert entry["validation_accuracy"] == evaluate(network, splits["validation"]).accuracy
        assert sum(group["before"] for group in entry["groups"]) == pytest.approx(
            sum(group["after"] for group in entry["groups"]) / (1 - entry["removed_share"])
        )
        left.append(entry["macs"] / entry["macs_before"])
        if config is PLAIN:
            assert entry["removed_share"] == 0.5
    assert results["repeats"][0]["groups"] != results["repeats"][1]["groups"]
    assert max(left) <= (0.5 if config is MACS else 0.999)
    how = read(out / "timing.json")["strategy"]
    assert how == ("sequential" if family == "resnet" else "stacked")


@pytest.mark.parametrize("family", FULL)
def test_an_iterative_level_goes_on_from_every_repeat_s_own_network(run, items, family):
    how = {"schedule": "iterative"}
    first = run(method(level=0.25, **how), items[family])
    second, direct = run(method(level=0.5, **how), first, origin=items[family]), run(PLAIN, items[family])
    for entry, other in zip(*(read(out / "results.json")["repeats"] for out in (second, direct)), strict=True):
        assert (entry["spec"], entry["removed_share"]) == (other["spec"], 0.5)


def test_a_repeat_is_cut_and_trained_as_if_it_were_alone(run, items, tmp_path):
    """Whatever depths the other repeats have: nothing of one reaches another."""
    item = items["resnet"]
    alone = tmp_path / "alone" / item.name  # by the item's name seeds are derived
    alone.mkdir(parents=True)
    record, tests = read(item / "results.json"), read(item / "test.json")
    save_networks(alone / record["weights"], {1: load_networks(item)[1]})
    for name, body in (("results.json", record), ("test.json", tests)):
        (alone / name).write_text(json.dumps(body | {"repeats": body["repeats"][1:]}))
    (alone / "timing.json").write_bytes((item / "timing.json").read_bytes())
    for config in (RANDOM, FRESH):
        both, one = load_networks(run(config, item)), load_networks(run(config, alone))
        assert list(one) == [1]
        assert all(t.equal(one[1].state_dict()[name]) for name, t in both[1].state_dict().items())


@pytest.mark.parametrize("config", CONFIGS, ids=title)
def test_running_again_gives_the_same_bytes(run, items, config):
    torch.manual_seed(1)
    first = contents(run(config, items["resnet"]))
    torch.manual_seed(2)
    assert first == contents(run(config, items["resnet"]))


def test_a_search_that_ended_without_finite_weights_is_recorded(run, items, tmp_path):
    out = run(PLAIN, broken(items["dnn"], tmp_path / "broken", 1))
    good, bad = read(out / "results.json")["repeats"]
    assert (good["status"], bad["status"], bad["spec"]) == ("ok", "unstable", None)
    assert bad["validation"] == dict.fromkeys(STEPS) and list(load_networks(out)) == [0]


def test_fresh_weights_are_drawn_for_the_structure_that_is_left(run, items):
    out = run(FRESH, items["dnn"])
    entries = read(out / "results.json")["repeats"]
    assert [len(entry["spec"]["hidden"]) for entry in entries] == [1, 3]
    assert [parameters(build(entry["spec"])) for entry in entries] == [entry["parameters"] for entry in entries]
