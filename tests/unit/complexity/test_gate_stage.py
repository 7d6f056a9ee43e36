"""Stage complexity: one item by each way, on digits."""

import csv
import shutil

import pytest
import torch

from minarch import gate
from minarch.complexity.schedule import Schedule
from minarch.contract import read_networks, read_test_accuracies
from minarch.data.tensors import load_split
from minarch.files import read_json
from minarch.flow.stages.complexity import title_of
from minarch.models.cost import macs, parameters
from minarch.models.families import architecture, spec_of
from minarch.models.weights import load_networks
from minarch.training import FORWARD_PASSES
from minarch.training.evaluate import evaluate
from minarch.training.stacked import products as libraries

EPOCHS, DELAY, SETTLE = 6, 1, 2
TRAIN = {"epochs": EPOCHS, "batch_size": 64, "optimizer": "adam", "learning_rate": 1e-2, "weight_decay": 0.0, "seed": 0}
TRAIN |= {"device": "cpu", "strategy": "auto"}
RULES = {"heads": True, "start": 1.0, "travel": 20.0, "explore": 0.05, "estimator": "balanced"}
PHASES = {"delay": DELAY / EPOCHS, "settle": SETTLE / EPOCHS}
WHOLE = {
    "dnn": {"family": "dnn", "knobs": {"depth": 2, "width": 16}},
    "vit": {"family": "vit", "knobs": {"depth": 2, "width": 8, "heads": 2, "patch": 4}},
    "resnet": {"family": "resnet", "knobs": {"depth": 18, "width": 4, "levels": 2}},
}
PRICES = {
    "dnn": {"nu": 1.0, "alpha": 0.5, "beta": 0.0},
    "vit": {"nu": 1.0, "alpha": 0.5, "beta": 0.5},
    "resnet": {"nu": 1.0, "alpha": 1.0, "beta": 0.5},
}
WAYS = ["full", "short", "gated", "l1", "fresh"]
EVERY = pytest.mark.parametrize("name", WHOLE)
BY_EACH = pytest.mark.parametrize("way", WAYS)
NETWORK = {"repeat", "seed", "status", "spec", "parameters", "macs", "validation_accuracy", "cost"}


def config_of(name, way, repeats=(0, 1), *, training=None, **changes):
    """As minarch.flow.stages.complexity configures an item."""
    config = {"dataset": "digits", **WHOLE[name], "repeats": list(repeats), "way": way}
    config["train"] = TRAIN | ({"epochs": EPOCHS - SETTLE} if way == "short" else {}) | (training or {})
    price = {field: changes.pop(field, value) for field, value in PRICES[name].items()}
    config |= {
        "full": {},
        "short": {},
        "gated": price | RULES | PHASES,
        "l1": {"heads": True} | price | PHASES,
        "fresh": price,
    }[way]
    title = way if way in ("full", "short") else title_of(price) + ("" if way == "gated" else f"-{way}")
    return config | {"title": title} | changes


class Items:
    """The items of an architecture, each made when it is first asked for."""

    def __init__(self, data, folder):
        self.data, self.folder, self.made = data, folder, {}

    def __call__(self, name, way):
        if (name, way) not in self.made:
            self.made[name, way] = self.make(config_of(name, way), name, f"{name}-{way}")
        return self.made[name, way]

    def make(self, config, name, title, **others):
        """Carry out an item; `others` are folders that it reads in place of those of `name`."""
        needs = {"l1": ("short", "gated"), "fresh": ("gated",)}.get(config["way"], ())
        inputs = {"data": self.data} | {way: others.get(way) or self(name, way) for way in needs}
        out = self.folder / title
        out.mkdir()
        gate.work(config, inputs | ({"data": others["data"]} if "data" in others else {}), out)
        return out


@pytest.fixture(scope="module")
def items(data_item, tmp_path_factory):
    return Items(data_item, tmp_path_factory.mktemp("complexity"))


@pytest.fixture
def make(items, tmp_path_factory):
    """make(config) -> the folder of another item."""

    def go(config, name="dnn", **others):
        return Items.make(items, config, name, tmp_path_factory.mktemp("item") / "out", **others)

    return go


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timing.json"}


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def epochs_of(way):
    return {"short": EPOCHS - SETTLE, "l1": SETTLE}.get(way, EPOCHS)


@BY_EACH
@EVERY
def test_an_item_keeps_the_contract_of_networks(items, name, way):
    item, knobs = items(name, way), architecture(WHOLE[name]["family"], WHOLE[name]["knobs"])
    results, networks, whole = read_networks(item), load_networks(item), spec_of(knobs, [1, 8, 8], 10)
    title = f"{WHOLE[name]['family']}-{knobs.label}"
    assert results["whole"] == title and results["architecture"] == f"{title}-{config_of(name, way)['title']}"
    assert (results["method"], results["level"], results["way"], results["classes"]) == ("original", 0, way, 10)
    assert results["knobs"] == WHOLE[name]["knobs"] and results["epochs"] == (4 if way == "short" else EPOCHS)
    assert {field: results.get(field) for field in PRICES[name]} == (
        dict.fromkeys(PRICES[name]) if way in ("full", "short") else PRICES[name]
    )
    validation = load_split(items.data, "validation")
    for entry in results["repeats"]:
        network = networks.pop(entry["repeat"])
        assert entry["spec"] == network.spec() and entry["status"] == "ok"
        assert (entry["parameters"], entry["macs"]) == (parameters(network), macs(network, [1, 8, 8]))
        assert entry["validation_accuracy"] == pytest.approx(evaluate(network, validation).accuracy, abs=0.006)
        assert set(entry) == NETWORK | ({"deterministic", "groups", "layers"} if way == "gated" else set())
        if way in ("full", "short"):
            full = {"parameters": parameters(network), "macs": macs(network, [1, 8, 8])}
            assert network.spec() == whole and results["full"] == full
    assert not networks
    assert list(read_test_accuracies(item)) == [0, 1]
    assert {"seconds", "threads", "torch", "device", "strategy"} <= set(read_json(item / "timing.json"))


@BY_EACH
@EVERY
def test_what_its_epochs_cost_adds_up(items, name, way):
    item = items(name, way)
    results, rows = read_networks(item), rows_of(item / "curves.csv")
    columns = ["repeat", "epoch", "train_macs", "validation_loss", "validation_accuracy", "parameters", "macs"]
    assert list(rows[0]) == columns and len(rows) == 2 * epochs_of(way)
    images = {split: len(load_split(items.data, split)) for split in ("train", "validation")}
    for entry in results["repeats"]:
        of_repeat = [row for row in rows if int(row["repeat"]) == entry["repeat"]]
        assert [int(row["epoch"]) for row in of_repeat] == list(range(results["epochs"] + 1))[-epochs_of(way) :]
        trained = [int(row["train_macs"]) for row in of_repeat]
        assert trained == sorted(trained, reverse=True)
        assert entry["cost"] == {
            "training": FORWARD_PASSES * images["train"] * sum(trained),
            "validation": images["validation"] * sum(trained),
        }
        last = of_repeat[-1]
        assert float(last["validation_accuracy"]) == entry["validation_accuracy"]
        assert (float(last["parameters"]), float(last["macs"])) == (entry["parameters"], entry["macs"])
        if way == "gated":
            full = results["full"]
            assert (float(of_repeat[0]["parameters"]), float(of_repeat[0]["macs"])) == tuple(full.values())
            assert trained[0] == full["macs"] and trained[-1] >= entry["macs"] and entry["macs"] < full["macs"]
        else:
            assert set(trained) == {entry["macs"]}


@EVERY
def test_training_costs_less_from_when_something_is_cut(items, name):
    rows = rows_of(items(name, "gated") / "curves.csv")
    assert min(int(row["train_macs"]) for row in rows) < max(int(row["train_macs"]) for row in rows)


@EVERY
def test_gates_are_told_group_by_group_in_every_epoch(items, name):
    item = items(name, "gated")
    results, rows = read_networks(item), rows_of(item / "gates.csv")
    assert list(rows[0]) == ["repeat", "epoch", "group", "kind", "min", "q25", "median", "q75", "max"]
    schedule = Schedule.of(EPOCHS, **PHASES)
    assert results["gates"] == RULES | {"delay_epochs": schedule.delay, "settle_epochs": schedule.settle}
    assert (schedule.delay, schedule.settle) == (DELAY, SETTLE)
    for entry in results["repeats"]:
        named = [(group["name"], "units") for group in entry["groups"]]
        named += [(layer["name"], "layer") for layer in entry["layers"]]
        assert bool(entry["layers"]) == (name != "dnn") and 0 <= entry["deterministic"] <= 1
        of_repeat = [row for row in rows if int(row["repeat"]) == entry["repeat"]]
        told = [(int(row["epoch"]), row["group"], row["kind"]) for row in of_repeat]
        assert told == [(epoch, *of_gates) for epoch in range(1, EPOCHS + 1) for of_gates in named]
        for row in of_repeat:
            chances = [float(row[quantile]) for quantile in ("min", "q25", "median", "q75", "max")]
            assert chances == sorted(chances) and chances[0] >= 0 and chances[-1] <= 1
            assert int(row["epoch"]) > DELAY or set(chances) == {1.0}
            assert row["kind"] == "units" or len(set(chances)) == 1
        last = of_repeat[-len(named) :]
        for row, group in zip(last, entry["groups"], strict=False):
            assert (float(row["min"]) == 1, float(row["max"]) == 0) == (
                group["after"] == group["before"], group["after"] == 0,
            )  # fmt: skip
        for row, layer in zip(last[len(entry["groups"]) :], entry["layers"], strict=True):
            assert float(row["max"]) == layer["kept"]


def test_groups_and_layers_are_those_of_the_network(items):
    for entry in read_networks(items("vit", "gated"))["repeats"]:
        after = {group["name"]: group["after"] for group in entry["groups"]}
        assert entry["spec"]["heads"] == [after[f"blocks.{i}.heads"] for i in range(2)]
        assert entry["spec"]["ffn"] == [after[f"blocks.{i}.fc1"] for i in range(2)]
        sizes = [entry["spec"][part][i] for i in range(2) for part in ("heads", "ffn")]
        assert [layer["kept"] for layer in entry["layers"]] == [size > 0 for size in sizes]
        assert {group["kind"] for group in entry["groups"]} == {"heads", "neurons"}


def test_repeats_are_paired_over_the_ways(items):
    seeds = {way: [entry["seed"] for entry in read_networks(items("dnn", way))["repeats"]] for way in WAYS}
    assert len({tuple(of_way) for of_way in seeds.values()}) == 1
    full, short, gated = (rows_of(items("dnn", way) / "curves.csv") for way in ("full", "short", "gated"))
    for repeat in ("0", "1"):
        losses = [[float(row["validation_loss"]) for row in rows if row["repeat"] == repeat]
                  for rows in (full, short, gated)]  # fmt: skip
        assert losses[0][: EPOCHS - SETTLE] == losses[1]
        assert losses[0][:DELAY] == pytest.approx(losses[2][:DELAY], abs=1e-4)  # perhaps by another library


@EVERY
def test_l1_costs_what_gates_left(items, name):
    """Of the whole networks below no unit is more than a tenth."""
    pairs = zip(*(read_networks(items(name, way))["repeats"] for way in ("l1", "gated")), strict=True)
    for entry, gated in pairs:
        assert entry["macs"] == pytest.approx(gated["macs"], rel=0.1) and entry["repeat"] == gated["repeat"]


@EVERY
def test_fresh_has_the_structure_that_gates_left(items, name):
    folders = [items(name, way) for way in ("fresh", "gated")]
    for entry, gated in zip(*(read_networks(folder)["repeats"] for folder in folders), strict=True):
        assert entry["spec"] == gated["spec"]
    fresh, gated = (load_networks(folder)[0] for folder in folders)
    assert any(not one.equal(other) for one, other in zip(fresh.parameters(), gated.parameters(), strict=True))


@BY_EACH
def test_running_again_gives_the_same_bytes(items, make, way):
    items("vit", way)
    torch.manual_seed(1)
    assert contents(make(config_of("vit", way), "vit")) == contents(items("vit", way))


@pytest.mark.parametrize("name", ["dnn", "resnet"])
def test_also_with_gates_of_other_families(items, make, name):
    assert contents(make(config_of(name, "gated"), name)) == contents(items(name, "gated"))


@BY_EACH
def test_test_images_reach_only_their_own_file(items, make, tmp_path, way):
    other = tmp_path / "data"
    shutil.copytree(items.data, other)
    shutil.copy(other / "validation.safetensors", other / "test.safetensors")
    before, after = contents(items("dnn", way)), contents(make(config_of("dnn", way), data=other))
    assert [name for name in before if before[name] != after[name]] == ["test.json"]


@BY_EACH
def test_they_are_opened_once_after_the_networks_are_saved(items, make, way, monkeypatch):
    items("dnn", way)  # and what it reads
    steps, save = [], gate.save_networks
    monkeypatch.setattr(gate, "load_split", lambda folder, name: (steps.append(name), load_split(folder, name))[1])
    monkeypatch.setattr(gate, "save_networks", lambda *given: (steps.append("saved"), save(*given)))
    make(config_of("dnn", way))
    assert steps == ["train", "validation", "saved", "test"]


def test_tested_is_what_is_in_the_weights(items):
    test = load_split(items.data, "test")
    for name in WHOLE:
        for way in WAYS:
            networks, told = load_networks(items(name, way)), read_test_accuracies(items(name, way))
            assert told == {repeat: evaluate(network, test).accuracy for repeat, network in networks.items()}


def test_a_price_beyond_all_is_a_collapse_and_no_error(make):
    config = config_of("vit", "gated", nu=1e5)
    for entry in read_networks(make(config, "vit"))["repeats"]:
        assert entry["status"] == "collapsed" and entry["spec"]["heads"] == entry["spec"]["ffn"] == [0, 0]
        assert {group["after"] for group in entry["groups"]} == {0}


def test_macs_that_l1_cannot_reach_are_told(items, make, tmp_path):
    """Gates leave a branch out; pruning by layers keeps a unit of each."""
    bare = make(config_of("vit", "gated", [0], nu=1e5), "vit")
    item = make(config_of("vit", "l1", [0], nu=1e5), "vit", gated=bare)
    (entry,) = read_networks(item)["repeats"]
    empty = ("spec", "parameters", "macs", "validation_accuracy")
    assert entry["status"] == "unreachable" and {entry[field] for field in empty} == {None}
    assert entry["cost"] == {"training": 0, "validation": 0} and set(entry) == NETWORK
    assert entry["seed"] == read_networks(bare)["repeats"][0]["seed"]
    assert load_networks(item) == {} and read_test_accuracies(item) == {0: None}
    assert rows_of(item / "curves.csv") == []


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
@BY_EACH
def test_a_training_that_diverges_is_recorded(make, way):
    """And what is made of it by L1 or afresh."""
    training = {"optimizer": "sgd", "learning_rate": 1e30}
    others = {other: make(config_of("dnn", other, training=training)) for other in ("short", "gated")}
    item = others.get(way) or make(config_of("dnn", way, training=training), **others)
    statuses = {entry["status"] for entry in read_networks(item)["repeats"]}
    assert statuses == {"diverged"} or (way == "fresh" and statuses <= {"diverged", "collapsed"})  # of few units: dead
    assert len(load_networks(item)) == 2


def test_gates_change_nothing_where_they_have_no_price(make, monkeypatch):
    """The network is that of a full training: bit by bit, by one library."""
    monkeypatch.setattr(libraries, "fastest", lambda question, timers: "torch")
    training = {"learning_rate": 1e-3, "strategy": "stacked"}
    free = make(config_of("dnn", "gated", nu=0.0, training=training))
    full = make(config_of("dnn", "full", training=training))
    for entry, plain in zip(*(read_networks(item)["repeats"] for item in (free, full)), strict=True):
        assert entry["deterministic"] is None
        assert {field: entry[field] for field in NETWORK} == plain
    assert (free / "weights.safetensors").read_bytes() == (full / "weights.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("epochs", "delay", "settle", "phases"),
    [(30, 0.1, 0.3, (3, 18, 9)), (4, 0.1, 0.05, (0, 3, 1)), (10, 0.0, 0.5, (0, 5, 5))],
)
def test_shares_of_the_epochs_are_whole_epochs_of_which_one_at_least_settles(epochs, delay, settle, phases):
    schedule = Schedule.of(epochs, delay, settle)
    assert (schedule.delay, schedule.moving, schedule.settle) == phases and sum(phases) == schedule.epochs
