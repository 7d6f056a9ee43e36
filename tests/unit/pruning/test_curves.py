"""Curves of stage prune: weights zeroed by magnitude, fine-tuned or not, and units of one group alone."""

import copy
import csv

import pytest
import torch
from networks import groups
from stage import FINETUNE, broken, changed_by_test_images, contents, read

from minarch.curve import write_curve
from minarch.models.weights import load_networks
from minarch.pruning import curves
from minarch.pruning.cut import masked
from minarch.pruning.groups import find_groups
from minarch.pruning.magnitude import prunable_weights, prune_magnitude
from minarch.training.evaluate import evaluate

LEVELS = [0.25, 0.5, 0.9]
MAGNITUDE = {"kind": "magnitude", "levels": LEVELS, "scope": "global"}
BY_LAYER = MAGNITUDE | {"scope": "layer"}
FINETUNED = {"kind": "magnitude", "levels": [0.8], "scope": "global", "training": FINETUNE | {"weight_decay": 1e-3}}
SENSITIVITY = {"kind": "sensitivity", "importance": "L1", "levels": [0.3, 0.75]}
EVERY = pytest.mark.parametrize("config", [MAGNITUDE, BY_LAYER, FINETUNED, SENSITIVITY], ids=["g", "l", "f", "s"])
CLOSE = {"abs": 0.005}  # of an accuracy: one or two images, where sums are taken in another order


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture
def measured(monkeypatch):
    """The networks of a curve, in its order, as they are when they are evaluated."""
    measured_points = []

    def noted(points, splits, out, **names):
        def watched():
            for point in points:
                measured_points.append((point.values, copy.deepcopy(point.network)))
                yield point

        write_curve(watched(), splits, out, **names)

    monkeypatch.setattr(curves, "write_curve", noted)
    return measured_points


@pytest.mark.parametrize("config", [MAGNITUDE, BY_LAYER], ids=["global", "layer"])
@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_magnitude_starts_at_the_base_and_ends_worse(run, sweep_items, family, config):
    item = sweep_items[family]
    out, sweep = run(config, item), read(item / "results.json")
    results, curve = read(out / "results.json"), rows(out / "curve.csv")
    assert {name: results[name] for name in ("kind", "scope", "finetuned", "levels", "parent")} == {
        "kind": "magnitude",
        "scope": config["scope"],
        "finetuned": False,
        "levels": [0.0, *LEVELS],
        "parent": item.name,
    }
    assert results["repeats"] == [
        {"repeat": repeat, "status": "ok", "parameters": sweep["parameters"]} for repeat in (0, 1)
    ]
    assert list(curve[0]) == ["repeat", "level", "remaining_parameters", "validation_loss", "validation_accuracy"]
    assert [(int(row["repeat"]), float(row["level"])) for row in curve] == [
        (r, n) for r in (0, 1) for n in [0, *LEVELS]
    ]
    for entry in sweep["repeats"]:
        rows_of_repeat = [row for row in curve if int(row["repeat"]) == entry["repeat"]]
        assert float(rows_of_repeat[0]["validation_accuracy"]) == pytest.approx(
            entry["final"]["validation_accuracy"], **CLOSE
        )
        assert float(rows_of_repeat[0]["validation_loss"]) == pytest.approx(entry["final"]["validation_loss"], rel=1e-3)
        assert float(rows_of_repeat[-1]["validation_accuracy"]) < float(rows_of_repeat[0]["validation_accuracy"]) - 0.1


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_magnitude_is_measured_on_exactly_these_shares(run, sweep_items, splits, measured, scope):
    item = sweep_items["cnn"]
    out = run(MAGNITUDE | {"scope": scope}, item)
    parents, total = load_networks(item), read(item / "results.json")["parameters"]
    assert len(measured) == 8
    for (name, network), row, tested in zip(measured, rows(out / "curve.csv"), rows(out / "test.csv"), strict=True):
        weights = prunable_weights(network)
        gone = [int((weight == 0).sum()) for weight in weights]
        if scope == "layer":
            assert gone == [round(name["level"] * weight.numel()) for weight in weights]
        assert sum(gone) == pytest.approx(round(name["level"] * sum(w.numel() for w in weights)), abs=len(weights) / 2)
        assert int(row["remaining_parameters"]) == total - sum(gone)
        (again,) = prune_magnitude(parents[name["repeat"]], [name["level"]], scope)
        measured_again = evaluate(again.network, splits["validation"])
        assert float(row["validation_accuracy"]) == measured_again.accuracy
        assert float(row["validation_loss"]) == pytest.approx(measured_again.loss)
        assert float(tested["accuracy"]) == evaluate(again.network, splits["test"]).accuracy
        assert (tested["repeat"], tested["level"]) == (row["repeat"], row["level"])


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_fine_tuned_weights_that_are_zero_stay_zero(run, sweep_items, measured, scope):
    item = sweep_items["dnn"]
    out = run(FINETUNED | {"scope": scope}, item)
    without = rows(run({"kind": "magnitude", "scope": scope, "levels": [0.8]}, item) / "curve.csv")
    results = read(out / "results.json")
    assert (results["finetuned"], results["levels"], results["scope"]) == (True, [0.8], scope)
    assert [name["level"] for name, _ in measured[:2]] == [0.8, 0.8]
    for (name, network), row in zip(measured[:2], rows(out / "curve.csv"), strict=True):
        (sparse,) = prune_magnitude(load_networks(item)[name["repeat"]], [0.8], scope)
        for then, now in zip(prunable_weights(sparse.network), prunable_weights(network), strict=True):
            assert (now == 0).equal(then == 0) and not now.equal(then)
        before = next(r for r in without if r["repeat"] == row["repeat"] and float(r["level"]) == 0.8)
        assert float(row["validation_accuracy"]) > float(before["validation_accuracy"])
        assert int(row["remaining_parameters"]) == results["repeats"][0]["parameters"] - sparse.removed


@pytest.mark.parametrize("family", ["dnn", "vit"])
def test_sensitivity_is_that_of_one_group_alone(run, sweep_items, splits, family):
    item = sweep_items[family]
    out = run(SENSITIVITY, item)
    results, curve, tested = read(out / "results.json"), rows(out / "curve.csv"), rows(out / "test.csv")
    assert (results["kind"], results["importance"], results["levels"]) == ("sensitivity", "L1", [0.3, 0.75])
    measures = ["validation_loss", "validation_accuracy"]
    assert list(curve[0]) == ["repeat", "group", "units", "level", "removed", *measures]
    networks = load_networks(item)
    names = [group.name for group in find_groups(networks[0])]
    assert [row["group"] for row in curve] == [name for _ in (0, 1) for name in names for _ in (0.3, 0.75)]
    for row, test in zip(curve, tested, strict=True):
        network = networks[int(row["repeat"])]
        (group,) = (group for group in find_groups(network) if group.name == row["group"])
        norms = sum(
            network.state_dict()[weight].abs().reshape(group.units, -1).sum(1).double() for weight in group.weights
        )
        removed = int(group.units * float(row["level"]) + 1e-9)
        assert (int(row["units"]), int(row["removed"])) == (group.units, removed)
        stays = torch.ones(group.units, dtype=torch.bool)
        stays[norms.argsort()[:removed]] = False
        alone = masked(network, [group], {group.name: stays})
        assert float(row["validation_accuracy"]) == evaluate(alone, splits["validation"]).accuracy
        assert float(test["accuracy"]) == evaluate(alone, splits["test"]).accuracy
        assert [row[key] for key in ("repeat", "group", "level")] == [test[key] for key in ("repeat", "group", "level")]


def test_one_group_masked_by_hand(run, sweep_items, splits):
    """Of a dnn, without the groups of the pruning core."""
    out = run(SENSITIVITY, sweep_items["dnn"])
    for row in rows(out / "curve.csv"):
        network = load_networks(sweep_items["dnn"])[int(row["repeat"])]
        layer = network.get_submodule(row["group"])
        with torch.no_grad():
            gone = layer.weight.abs().sum(1).argsort()[: int(16 * float(row["level"]))]
            layer.weight[gone], layer.bias[gone] = 0, 0
        accuracy = evaluate(network, splits["validation"]).accuracy
        assert float(row["validation_accuracy"]) == pytest.approx(accuracy, **CLOSE)


@EVERY
def test_running_again_gives_the_same_bytes(run, sweep_items, mobile_item, config):
    for item in (sweep_items["vit"], mobile_item):
        torch.manual_seed(1)
        first = contents(run(config, item))
        torch.manual_seed(2)
        assert first == contents(run(config, item))


@EVERY
def test_the_test_split_reaches_only_its_own_file(run, sweep_items, data_item, tmp_path, config):
    assert changed_by_test_images(run, config, sweep_items["dnn"], data_item, tmp_path / "data") == ["test.csv"]


@EVERY
def test_a_repeat_that_is_not_finite_is_recorded_and_left_out(run, sweep_items, tmp_path, config):
    one = broken(sweep_items["dnn"], tmp_path / "one", 1)
    out = run(config, one)
    assert [entry["status"] for entry in read(out / "results.json")["repeats"]] == ["ok", "unstable"]
    assert {row["repeat"] for name in ("curve.csv", "test.csv") for row in rows(out / name)} == {"0"}
    out = run(config, broken(one, tmp_path / "both", 0))
    assert [entry["status"] for entry in read(out / "results.json")["repeats"]] == ["unstable"] * 2
    for name, last in (("curve.csv", "validation_accuracy"), ("test.csv", "accuracy")):
        (header,) = (out / name).read_text().splitlines()
        assert header.startswith("repeat,") and header.endswith(f",{last}")


def test_a_fine_tuning_that_diverges_has_no_loss(run, sweep_items):
    wild = FINETUNED["training"] | {"optimizer": "sgd", "learning_rate": 1e30}
    for row in rows(run(FINETUNED | {"training": wild}, sweep_items["dnn"]) / "curve.csv"):
        assert row["validation_loss"] == "" and float(row["validation_accuracy"]) < 0.2


def test_norms_and_heads_are_masked_too(run, mobile_item, sweep_items):
    """Groups of every kind are in a curve: tied channels, heads."""
    assert {row["group"] for row in rows(run(SENSITIVITY, mobile_item) / "curve.csv")} == {
        group.name for group in groups("mobile")
    }
    assert {row["group"] for row in rows(run(SENSITIVITY, sweep_items["vit"]) / "curve.csv")} == {
        "blocks.0.heads",
        "blocks.0.fc1",
    }


def test_memory_decides_only_how_many_are_evaluated_at_once(run, sweep_items, monkeypatch):
    together = contents(run(MAGNITUDE, sweep_items["dnn"]))
    monkeypatch.setattr("minarch.curve.HELD_BYTES", 1)
    assert contents(run(MAGNITUDE, sweep_items["dnn"])) == together
