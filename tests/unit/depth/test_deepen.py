"""Stage depth on real items: what a depth alone and a search leave, the same bytes twice, and who reads what."""

import copy
import csv
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from minarch.contract import read_networks, read_test_accuracies
from minarch.data.tensors import load_split
from minarch.deepen import target_accuracy, work
from minarch.depth import ALONE, SEARCH
from minarch.files import read_json
from minarch.models.weights import load_networks
from minarch.training.evaluate import evaluate

TRAIN = {"epochs": 3, "batch_size": 64, "optimizer": "adam", "learning_rate": 1e-2, "weight_decay": 0.0, "seed": 0}
TRAIN |= {"patience": 2, "decay": 0.5, "decay_after": 1, "later_learning_rate": None, "warmup_learning_rate": 5e-3}
TRAIN |= {"device": "cpu", "strategy": "sequential"}
TOWER = {"dataset": "digits", "family": "dnn", "knobs": {"depth": 3, "width": 8}, "full_depth": 3, "repeats": [0, 1]}
TOWER |= {"train": TRAIN}
DEPTHS = {depth: TOWER | {"kind": ALONE, "way": ALONE, "depth": depth} for depth in (1, 2, 3)}
METHOD = TOWER | {"kind": SEARCH, "way": "odn", "levels": [1, 2, 3], "restart": "continue", "warmup": 1}
METHOD |= {"target": "full", "tolerance_points": 1.0}


@pytest.fixture(scope="module")
def alone(data_item, tmp_path_factory):
    """Depth -> its item, trained alone."""
    items = {}
    for depth, config in DEPTHS.items():
        items[depth] = tmp_path_factory.mktemp(f"alone-{depth}")
        work(config, {"data": data_item}, items[depth])
    return items


@pytest.fixture
def searched(data_item, alone, tmp_path):
    """Makes the item of a search, with changes to its configuration."""

    def make(name="search", data=data_item, **changes):
        out = tmp_path / name
        out.mkdir()
        items = {"full": [alone[3]], "best": list(alone.values())}.get((METHOD | changes)["target"], [])
        work(copy.deepcopy(METHOD) | changes, {"data": data} | ({"alone": items} if items else {}), out)
        return out

    return make


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timing.json"}


def test_a_search_says_its_target_and_what_it_met(searched, alone):
    results = read_networks(searched())
    reached = [entry["validation_accuracy"] for entry in read_networks(alone[3])["repeats"]]
    how = results["search"]
    assert how["accuracy"] == sum(reached) / 2 and how["threshold"] == how["accuracy"] - 0.01
    assert results["architecture"] == "dnn-depth3-width8-odn" and results["tower"] == "dnn-depth3-width8"
    for entry in results["repeats"]:
        depths = [training["depth"] for training in entry["trainings"]]
        assert depths == list(range(1, len(depths) + 1))
        met = [training["epochs_to_target"] is not None for training in entry["trainings"]]
        assert met == [False] * (len(depths) - 1) + [entry["met"]]
        assert entry["spec"]["hidden"] == [8] * entry["depth"]
        assert set(entry["warmup_accuracies"]) == {"1", "2", "3"}


@pytest.mark.parametrize(("target", "depths"), [("full", [3]), ("best", [1, 2, 3])])
def test_the_target_is_the_mean_over_the_repeats(alone, target, depths):
    means = [
        sum(entry["validation_accuracy"] for entry in read_networks(alone[depth])["repeats"]) / 2 for depth in depths
    ]
    assert target_accuracy(target, {"alone": [alone[depth] for depth in depths]}) == max(means)
    assert target_accuracy(0.5, {}) == 0.5


def test_a_target_beyond_reach_is_a_result(searched):
    results = read_networks(searched(target=1.0, tolerance_points=0.0))
    for entry in results["repeats"]:
        best = max(entry["trainings"], key=lambda training: training["validation_accuracy"])
        assert not entry["met"] and len(entry["trainings"]) == 3 and entry["depth"] == best["depth"]


@pytest.mark.parametrize("kind", [ALONE, SEARCH])
def test_the_networks_are_those_that_results_describe(kind, searched, alone, data_item):
    item = alone[2] if kind == ALONE else searched()
    networks, tested = load_networks(item), read_test_accuracies(item)
    for entry in read_networks(item)["repeats"]:
        network = networks[entry["repeat"]]
        assert network.spec() == entry["spec"] and entry["status"] == "ok"
        assert evaluate(network, load_split(data_item, "validation")).accuracy == entry["validation_accuracy"]
        assert evaluate(network, load_split(data_item, "test")).accuracy == tested[entry["repeat"]]


def test_the_path_has_every_epoch_of_every_training(searched):
    item = searched()
    with (item / "path.csv").open() as file:
        rows = list(csv.DictReader(file))
    for entry in read_networks(item)["repeats"]:
        for training in entry["trainings"]:
            key = {"repeat": str(entry["repeat"]), "depth": str(training["depth"])}
            path = [row for row in rows if key.items() <= row.items()]
            assert [int(row["epoch"]) for row in path] == list(range(1, training["epochs"] + 1))
            best = max(float(row["validation_accuracy"]) for row in path)
            assert (
                best
                == training["validation_accuracy"]
                == float(path[training["best_epoch"] - 1]["validation_accuracy"])
            )


@pytest.mark.parametrize("changes", [{}, {"restart": "warmup"}, {"restart": "scratch", "warmup": 0}], ids=str)
@pytest.mark.parametrize("strategy", ["sequential", "stacked"])
def test_the_same_configuration_gives_the_same_bytes(searched, changes, strategy):
    changes = {**changes, "train": TRAIN | {"strategy": strategy}}
    assert contents(searched("one", **changes)) == contents(searched("other", **changes))


def test_other_test_labels_change_the_test_results_only(searched, data_item, tmp_path):
    permuted = tmp_path / "permuted"
    shutil.copytree(data_item, permuted)
    split = load_file(permuted / "test.safetensors")
    order = torch.randperm(len(split["labels"]), generator=torch.Generator().manual_seed(0))
    save_file(split | {"labels": split["labels"][order].contiguous()}, permuted / "test.safetensors")
    one, other = contents(searched("one")), contents(searched("other", data=permuted))
    assert {name for name in one if one[name] != other[name]} == {"test.json"}


def test_a_search_from_new_weights_is_the_depths_trained_alone(searched, alone):
    item = searched(restart="scratch", warmup=0, target=1.0, tolerance_points=0.0)
    for position, entry in enumerate(read_networks(item)["repeats"]):
        trained = [read_networks(alone[depth])["repeats"][position] for depth in (1, 2, 3)]
        assert entry["trainings"] == [single["trainings"][0] for single in trained]
        assert sum(entry["cost"].values()) == sum(sum(single["cost"].values()) for single in trained)


def test_a_network_no_better_than_chance_is_unstable(data_item, tmp_path):
    work(DEPTHS[1] | {"train": TRAIN | {"learning_rate": 0.0, "epochs": 1}}, {"data": data_item}, tmp_path)
    assert {entry["status"] for entry in read_networks(tmp_path)["repeats"]} == {"unstable"}
    assert all(accuracy < 0.3 for accuracy in read_test_accuracies(tmp_path).values())
    assert read_json(tmp_path / "timing.json")["strategy"] == "sequential"
