"""The stage prune on real trained items: structured methods."""

import json
import subprocess
import sys

import pytest
import torch
from stage import (
    FINETUNE,
    FRESH,
    LEARNED,
    MACS,
    PLAIN,
    RANDOM,
    REWOUND,
    broken,
    changed_by_test_images,
    contents,
    method,
    read,
    same,
    title,
)

from minarch import prune
from minarch.data.tensors import Split
from minarch.models.cost import macs, parameters
from minarch.models.weights import load_networks
from minarch.pruning import STEPS
from minarch.pruning.recovery import reestimate
from minarch.pruning.structured import Criterion, prune_structured
from minarch.training.evaluate import evaluate

pytestmark = pytest.mark.usefixtures("short_evolution")


@pytest.mark.parametrize("config", [PLAIN, MACS], ids=["layer", "global"])
@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_what_is_recorded_is_what_is_in_the_weights(run, sweep_items, splits, family, config):
    item = sweep_items[family]
    out = run(config, item)
    results, tested, model = read(out / "results.json"), read(out / "test.json"), read(item / "results.json")
    names_of_model = ("kind", "method", "parent", "dataset", "family", "architecture", "level")
    expected = ["structured", "own", item.name, "digits", family, model["architecture"], 0.5]
    assert [results[name] for name in names_of_model] == expected
    names = {"importance", "scope", "target", "floor", "heads", "residual", "schedule"}
    names |= {"weights", "rewind", "round_to"}
    assert results["how"] == {name: config[name] for name in names}
    assert [entry["status"] for entry in results["repeats"]] == ["ok", "ok"]
    networks, parents = load_networks(out), load_networks(item)
    for entry, test in zip(results["repeats"], tested["repeats"], strict=True):
        repeat, accuracies = entry["repeat"], entry["validation"]
        assert (
            test["repeat"] == repeat and set(test) == {"repeat", "accuracy", *STEPS} and set(accuracies) == set(STEPS)
        )
        assert (test["accuracy"], entry["validation_accuracy"]) == (test["finetuned"], accuracies["finetuned"])
        network, base = networks[repeat], parents[repeat]
        criterion = Criterion(**{name: config[name] for name in prune.CRITERION})
        smaller = prune_structured(base, level=0.5, criterion=criterion)
        for split, recorded in (("validation", accuracies), ("test", test)):
            assert recorded["finetuned"] == evaluate(network, splits[split]).accuracy
            assert recorded["base"] == pytest.approx(evaluate(base, splits[split]).accuracy, abs=0.005)
            assert recorded["pruned"] == evaluate(smaller.network, splits[split]).accuracy
            assert recorded["reestimated"] == recorded["pruned"]  # no batch norm
        assert accuracies["base"] == model["repeats"][repeat]["final"]["validation_accuracy"] > 0.85
        assert accuracies["finetuned"] > accuracies["pruned"]
        assert entry["spec"] == network.spec() == smaller.network.spec()
        assert (entry["removed_share"], entry["groups"]) == (smaller.removed_share, smaller.group_sizes())
        assert entry["parameters"] == parameters(network) < entry["parameters_before"] == parameters(base)
        assert entry["macs"] == macs(network, [1, 8, 8]) < entry["macs_before"] == macs(base, [1, 8, 8])
    how, trained = (read(folder / "timing.json") for folder in (out, item))
    for name in ("device", "processor", "strategy", "at_once", "layout"):
        assert how.get(name) == trained.get(name)
    assert bool(how.get("products")) == (how["strategy"] == "stacked")


def test_batch_norms_are_estimated_again_before_training(run, mobile_item, splits):
    out = run(PLAIN, mobile_item)
    (entry,) = read(out / "results.json")["repeats"]
    network = prune_structured(load_networks(mobile_item)[0], level=0.5, criterion=Criterion(round_to=1)).network
    for step in ("pruned", "reestimated"):
        for name, recorded in (("validation", entry["validation"]), ("test", read(out / "test.json")["repeats"][0])):
            assert recorded[step] == evaluate(network, splits[name]).accuracy
        reestimate(network, splits["train"])
    assert entry["validation"]["reestimated"] != entry["validation"]["pruned"]
    assert entry["validation"]["finetuned"] == evaluate(load_networks(out)[0], splits["validation"]).accuracy


@pytest.mark.parametrize("config", [MACS, RANDOM, LEARNED, REWOUND, FRESH], ids=title)
def test_running_again_gives_the_same_bytes(run, sweep_items, config):
    torch.manual_seed(1)
    first = contents(run(config, sweep_items["vit"]))
    torch.manual_seed(2)
    assert first == contents(run(config, sweep_items["vit"]))


@pytest.mark.parametrize("config", [PLAIN, LEARNED, REWOUND, FRESH], ids=title)
def test_dropout_draws_from_the_item_s_own_seeds(run, mobile_item, config):
    torch.manual_seed(1)
    first = contents(run(config, mobile_item))
    torch.manual_seed(2)
    assert first == contents(run(config, mobile_item))


def test_other_seeds_give_other_random_units_and_every_repeat_its_own(run, sweep_items):
    other = method(importance="random", training=FINETUNE | {"seed": 1})
    first, second = (load_networks(run(config, sweep_items["dnn"])) for config in (RANDOM, other))
    parents = load_networks(sweep_items["dnn"])

    def units(networks, repeat):
        """Which units of the first layer stayed: fine-tuning leaves rows near those of the parent."""
        rows, parent = networks[repeat].hidden[0].weight, parents[repeat].hidden[0].weight
        return sorted(torch.cdist(rows, parent).argmin(1).tolist())

    assert units(first, 0) != units(second, 0)
    assert units(first, 0) != units(first, 1)


@pytest.mark.parametrize("config", [MACS, LEARNED, REWOUND, FRESH], ids=title)
def test_the_test_split_reaches_only_its_own_file(run, sweep_items, data_item, tmp_path, config):
    assert changed_by_test_images(run, config, sweep_items["dnn"], data_item, tmp_path / "data") == ["test.json"]


@pytest.mark.parametrize("config", [PLAIN, LEARNED], ids=title)
def test_units_are_chosen_without_validation_and_test_images(run, sweep_items, splits, config, monkeypatch):
    """No other split is opened while a network is cut; a learned ranking does open training images."""
    opened, cutting, real = [], [], Split.batch

    def batch(self, index):
        opened.extend([len(self)] * len(cutting))
        return real(self, index)

    def cut(*arguments, **options):
        cutting.append(True)
        smaller = prune_structured(*arguments, **options)
        cutting.pop()
        return smaller

    monkeypatch.setattr(Split, "batch", batch)
    monkeypatch.setattr(prune, "prune_structured", cut)
    run(config, sweep_items["dnn"])
    assert len({len(split) for split in splits.values()}) > 1
    assert set(opened) == ({len(splits["train"])} if config is LEARNED else set())


def test_a_parent_that_is_not_finite_is_recorded(run, sweep_items, tmp_path):
    out = run(PLAIN, broken(sweep_items["dnn"], tmp_path / "broken", 1))
    good, bad = read(out / "results.json")["repeats"]
    assert (good["status"], bad["status"]) == ("ok", "unstable")
    assert set(bad) == set(good)
    nothing = ("spec", "parameters", "macs", "removed_share", "validation_accuracy")
    assert [bad[name] for name in nothing] == [None] * 5 and bad["groups"] == []
    assert bad["validation"] == dict.fromkeys(STEPS)
    assert read(out / "test.json")["repeats"][1] == {"repeat": 1, "accuracy": None, **dict.fromkeys(STEPS)}
    assert list(load_networks(out)) == [0]


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_a_training_that_diverges_is_recorded(run, sweep_items):
    out = run(method(training=FINETUNE | {"optimizer": "sgd", "learning_rate": 1e30}), sweep_items["dnn"])
    for entry, test in zip(read(out / "results.json")["repeats"], read(out / "test.json")["repeats"], strict=True):
        assert entry["status"] == "diverged" and entry["spec"]["hidden"] == [8, 8]
        assert entry["validation"]["finetuned"] is None and test["finetuned"] is None
        assert entry["validation"]["pruned"] > 0 and entry["validation"]["reestimated"] > 0


def test_a_layer_too_small_for_the_level_is_recorded(run, sweep_items):
    out = run(method(round_to=64), sweep_items["dnn"])
    for entry in read(out / "results.json")["repeats"]:
        assert (entry["status"], entry["removed_share"]) == ("nothing_removed", 0)
        assert entry["validation"]["pruned"] == pytest.approx(entry["validation"]["base"], abs=0.005)
        assert [group["after"] for group in entry["groups"]] == [16, 16]


def test_level_0_removes_nothing_and_is_ok(run, sweep_items):
    entries = read(run(method(level=0.0), sweep_items["dnn"]) / "results.json")["repeats"]
    assert [(entry["status"], entry["removed_share"]) for entry in entries] == [("ok", 0)] * 2


def test_a_pruned_item_needs_no_nncf(run, sweep_items, data_item):
    """Elsewhere, where NNCF and OpenVINO cannot be imported, it gives the accuracies that were recorded."""
    out = run(MACS, sweep_items["vit"])
    code = (
        "import sys; sys.modules['nncf'] = sys.modules['openvino'] = None\n"
        "from pathlib import Path\n"
        "from minarch.data.tensors import load_split\n"
        "from minarch.models.weights import load_networks\n"
        "from minarch.training.evaluate import evaluate\n"
        "item, data = map(Path, sys.argv[1:])\n"
        "split = load_split(data, 'validation')\n"
        "print([evaluate(network, split).accuracy for network in load_networks(item).values()])\n"
    )
    shown = subprocess.run([sys.executable, "-c", code, out, data_item], capture_output=True, text=True, check=True)
    entries = read(out / "results.json")["repeats"]
    assert json.loads(shown.stdout) == [entry["validation"]["finetuned"] for entry in entries]


def test_saved_and_loaded_are_equal(run, mobile_item, monkeypatch):
    """Buffers too: the statistics of batch norms and how many batches they saw."""
    kept, real = {}, prune.save_networks

    def noted(path, networks):
        kept.update(networks)
        real(path, networks)

    monkeypatch.setattr(prune, "save_networks", noted)
    loaded = load_networks(run(PLAIN, mobile_item))
    assert list(loaded) == [0] and same(loaded[0], kept[0]) and not loaded[0].training
