"""What is cut and what is trained, other than trained weights in one step: iterative, rewound, fresh."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from stage import FRESH, REWOUND, SWEPT, broken, contents, method, read, same

from minarch.models.build import build
from minarch.models.weights import load_networks
from minarch.pruning import STEPS, retraining
from minarch.pruning.structured import Criterion, prune_structured
from minarch.training.blocks import train_repeats
from minarch.training.evaluate import evaluate
from minarch.training.loop import Recipe
from minarch.training.repeats import Task
from minarch.training.strategy import choose


class TestIterative:
    @pytest.fixture(params=["units", "macs"])
    def chain(self, run, sweep_items, request):
        """Items of levels 0.25 and 0.5, the second made from the first."""
        how = {"schedule": "iterative", "target": request.param}
        item = sweep_items["dnn"]
        first = run(method(level=0.25, **how), item)
        return first, run(method(level=0.5, **how), first, origin=item), run(method(target=request.param), item)

    def test_a_level_is_a_share_of_the_original(self, chain):
        _, second, direct = (read(out / "results.json")["repeats"] for out in chain)
        for entry, other in zip(second, direct, strict=True):
            for name in ("spec", "groups", "removed_share", "parameters", "macs", "parameters_before", "macs_before"):
                assert entry[name] == other[name]
            assert entry["validation"]["base"] == other["validation"]["base"]

    def test_it_goes_on_from_the_fine_tuned_networks(self, chain, sweep_items, splits):
        first, second, _ = chain
        results = read(second / "results.json")
        assert results["level"] == 0.5 and results["how"]["schedule"] == "iterative"
        assert results["architecture"] == read(sweep_items["dnn"] / "results.json")["architecture"]
        for repeat, network in load_networks(first).items():
            original, entry = load_networks(sweep_items["dnn"])[repeat], results["repeats"][repeat]
            smaller = prune_structured(
                network,
                level=0.5,
                criterion=Criterion(round_to=1, target=results["how"]["target"]),
                original=original,
            )
            assert entry["validation"]["pruned"] == evaluate(smaller.network, splits["validation"]).accuracy
            assert (
                entry["validation"]["pruned"]
                < read(first / "results.json")["repeats"][repeat]["validation"]["finetuned"]
            )

    def test_what_diverged_before_is_unstable_now(self, chain, run, sweep_items, tmp_path):
        out = run(method(schedule="iterative"), broken(chain[0], tmp_path / "broken", 0), origin=sweep_items["dnn"])
        bad, good = read(out / "results.json")["repeats"]
        assert (bad["status"], bad["spec"], good["status"]) == ("unstable", None, "ok")
        assert {bad["validation"][step] for step in STEPS[1:]} == {None}
        third = run(method(level=0.75, schedule="iterative"), out, origin=sweep_items["dnn"])
        assert [entry["status"] for entry in read(third / "results.json")["repeats"]] == ["unstable", "ok"]


@pytest.fixture
def starts(monkeypatch):
    """The networks that training starts from, in the order of the repeats."""
    networks, real = [], retraining.train_on

    def noted(starts, *arguments):
        networks.extend(starts.values())
        return real(starts, *arguments)

    monkeypatch.setattr(retraining, "train_on", noted)
    return networks


def rows_that_stay(network, masks):
    """The weights of a dnn's units that stay, taken out by hand."""
    first, second = masks["hidden.0"], masks["hidden.1"]
    return [
        network.hidden[0].weight[first],
        network.hidden[0].bias[first],
        network.hidden[1].weight[second][:, first],
        network.hidden[1].bias[second],
        network.classifier.weight[:, second],
        network.classifier.bias,
    ]


def assert_the_weights_are(network, expected, **tolerance):
    for parameter, values in zip(network.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter, values, **tolerance)


def test_rewound_to_the_start_are_the_sweep_s_initial_weights(run, sweep_items, starts):
    """Recomputed from the seed, bit by bit; the units are those that the trained weights chose."""
    run(REWOUND, sweep_items["dnn"])
    trained, runs = load_networks(sweep_items["dnn"]), read(sweep_items["dnn"] / "results.json")["repeats"]
    for entry, start in zip(runs, starts, strict=True):
        masks = prune_structured(trained[entry["repeat"]], level=0.5, criterion=Criterion(round_to=1)).masks
        torch.manual_seed(entry["seed"])
        assert_the_weights_are(start, rows_that_stay(build(entry["spec"]), masks), rtol=0, atol=0)


def test_rewound_to_an_epoch_are_the_weights_after_as_many(run, sweep_items, splits, starts):
    """Against the sweep itself, stopped there."""
    training = SWEPT | {"epochs": 1}
    identity = {"dataset": "digits", "family": "dnn", "knobs": {"depth": 2, "width": 16}, "seed": SWEPT["seed"]}
    spec = read(sweep_items["dnn"] / "results.json")["repeats"][0]["spec"]
    task = Task(spec, identity, splits["train"], splits["validation"], Recipe.of(training | {"epochs": 2}))
    stopped = train_repeats(task, [0, 1], choose(task, 2, "stacked", torch.device("cpu")))
    run(method(weights="rewound", rewind=2, training=training), sweep_items["dnn"])
    trained, runs = load_networks(sweep_items["dnn"]), read(sweep_items["dnn"] / "results.json")["repeats"]
    for entry, start in zip(runs, starts, strict=True):
        repeat = entry["repeat"]
        masks = prune_structured(trained[repeat], level=0.5, criterion=Criterion(round_to=1)).masks
        network = stopped[repeat].networks["final"]
        assert_the_weights_are(start, rows_that_stay(network, masks), rtol=1e-3, atol=1e-4)


def test_fresh_weights_do_not_depend_on_the_parent_s(run, sweep_items, tmp_path, starts):
    item = sweep_items["dnn"]
    other = tmp_path / "other"
    shutil.copytree(item, other)
    mirrored = {name: -tensor for name, tensor in load_file(item / "weights.safetensors").items()}
    save_file(mirrored, other / "weights.safetensors")
    first, second = run(FRESH, item), run(FRESH, other)
    (one, two, again, _), parents = starts, load_networks(item)
    assert same(one, again) and not same(one, two)
    for repeat, start in enumerate((one, two)):
        near = torch.cdist(start.hidden[0].weight, parents[repeat].hidden[0].weight)
        torch.manual_seed(read(item / "results.json")["repeats"][repeat]["seed"])
        initial = build(parents[repeat].spec())
        assert near.min() > 0.1 and torch.cdist(start.hidden[0].weight, initial.hidden[0].weight).min() > 0.1
    assert contents(first)["weights.safetensors"] == contents(second)["weights.safetensors"]
    pruned = [read(out / "results.json")["repeats"][0]["validation"]["pruned"] for out in (first, second)]
    assert pruned[0] != pruned[1]  # measured with the trained weights
