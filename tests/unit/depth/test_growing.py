"""The search for the first depth that meets a target: where each depth starts, where it stops, what it costs."""

from dataclasses import replace

import pytest
import torch
from problems import bits, every_family, problem, specs_of

from minarch.depth import search as searching
from minarch.depth.search import Method, search
from minarch.models.build import build
from minarch.models.cost import macs
from minarch.training.repeats import derive_seed

ALWAYS, NEVER = 0.0, 2.0
METHODS = {
    "continue": Method(restart="continue", warmup=1, rate=1e-2),
    "warmup": Method(restart="warmup", warmup=1, rate=1e-2),
    "initial": Method(restart="warmup", warmup=0, rate=1e-2),
    "scratch": Method(restart="scratch", warmup=0, rate=1e-2),
}


@pytest.fixture
def starts(monkeypatch):
    """The states from which depths were trained, in order, and those that the depths before left."""
    seen, original = [], searching._start

    def start(made, one, depth, restart):
        network = original(made, one, depth, restart)
        latest = bits(one.latest) if one.latest is not None else None
        tower = one.tower.copy(depth) if one.tower is not None else None
        seen.append((depth, network, latest, tower))
        return network

    monkeypatch.setattr(searching, "_start", start)
    return seen


@every_family
def test_restart_warmup_takes_every_depth_from_the_warm_up_bit_for_bit(name, splits, starts):
    search(problem(splits, specs_of(name), epochs=1), [0], METHODS["warmup"], NEVER)
    assert [depth for depth, *_ in starts] == sorted(specs_of(name))
    for _, network, _, tower in starts:
        assert bits(network) == bits(tower)


@every_family
def test_continue_keeps_the_layers_trained_and_takes_the_others_from_the_warm_up(name, splits, starts):
    search(problem(splits, specs_of(name), epochs=1), [0], METHODS["continue"], NEVER)
    for _, network, latest, tower in starts[1:]:
        state, warm = bits(network), bits(tower)
        trained = {key for key in latest if key.partition(".")[0] not in network.HEAD}
        assert trained and all(state[key] == latest[key] for key in trained)
        assert set(state) - trained and all(state[key] == warm[key] for key in set(state) - trained)


@every_family
def test_training_a_depth_leaves_the_warm_up_as_it_was(name, splits, starts):
    (one,), _ = search(problem(splits, specs_of(name), epochs=2), [0], METHODS["continue"], NEVER)
    for depth, _, _, tower in starts:
        assert bits(one.tower[depth]) == bits(tower)


def test_without_warm_up_a_depth_starts_from_the_initial_layers(splits, starts):
    specs = specs_of("resnet")
    (one,), _ = search(problem(splits, specs, epochs=1), [0], METHODS["initial"], NEVER)
    torch.manual_seed(derive_seed({"seed": 0}, 0))
    assert bits(starts[-1][1]) == bits(build(specs[max(specs)]))
    assert one.warmup_macs == 0 and one.warmup_accuracies == {}


@pytest.mark.parametrize("method", METHODS)
def test_it_stops_at_the_first_depth_that_meets_the_target(method, splits):
    made = problem(splits, specs_of("vit"), epochs=2)
    (whole,), _ = search(made, [0], METHODS[method], NEVER)
    reached = [training.validation_accuracy for training in whole.trainings]
    for threshold in sorted(set(reached)):
        (one,), _ = search(made, [0], METHODS[method], threshold)
        first = next(i for i, accuracy in enumerate(reached) if accuracy >= threshold)
        assert [training.validation_accuracy for training in one.trainings] == reached[: first + 1]
        assert one.met and one.depth == one.trainings[-1].depth == sorted(made.specs)[first]
        assert one.network.spec() == made.specs[one.depth]


@pytest.mark.parametrize("method", METHODS)
def test_a_target_beyond_reach_is_a_result_of_the_best_depth(method, splits):
    made = problem(splits, specs_of("dnn"))
    (one,), _ = search(made, [0], METHODS[method], NEVER)
    accuracies = {training.depth: training.validation_accuracy for training in one.trainings}
    assert sorted(accuracies) == sorted(made.specs) and not one.met
    assert one.depth == max(accuracies, key=lambda depth: (accuracies[depth], -depth))
    assert one.validation_accuracy == max(accuracies.values()) and one.network.spec() == made.specs[one.depth]


def test_repeats_that_met_the_target_stay_behind_and_the_others_go_on(splits):
    made = problem(splits, specs_of("dnn"), epochs=2)
    whole, _ = search(made, range(4), METHODS["warmup"], NEVER)
    bar = sorted(one.trainings[0].validation_accuracy for one in whole)[2]
    searches, _ = search(made, range(4), METHODS["warmup"], bar)
    assert 1 <= sum(len(one.trainings) == 1 for one in searches) < 4, "some stay behind, or this shows nothing"
    for one, alone in zip(searches, whole, strict=True):
        assert one.trainings == [
            replace(twin, epochs_to_target=training.epochs_to_target)
            for training, twin in zip(one.trainings, alone.trainings, strict=False)
        ]


def test_new_weights_at_every_depth_are_the_depths_trained_alone(splits):
    specs = specs_of("cnn")
    (climb,), _ = search(problem(splits, specs), [0], METHODS["scratch"], NEVER)
    for training in climb.trainings:
        alone = problem(splits, {training.depth: specs[training.depth]})
        (one,), _ = search(alone, [0], METHODS["scratch"], NEVER)
        assert one.trainings == [training]


@pytest.mark.parametrize("name", ["dnn", "resnet"])
def test_the_cost_is_that_of_every_image_passed(name, splits):
    specs = specs_of(name)
    made = problem(splits, specs, epochs=3, patience=3)
    (one,), _ = search(made, [0], METHODS["warmup"], NEVER)
    forward = {depth: macs(build(spec).eval(), spec["shape"]) for depth, spec in specs.items()}
    heads = {
        depth: build(spec).get_submodule("fc" if name == "resnet" else "classifier") for depth, spec in specs.items()
    }
    of_tower = forward[max(specs)] + sum(head.weight.numel() for depth, head in heads.items() if depth < max(specs))
    images, validated = (len(split) for split in splits)
    assert one.cost == {
        "warmup": 3 * of_tower * images,
        "search": sum(3 * forward[t.depth] * images * len(t.curve) for t in one.trainings),
        "fine_tuning": 0,
        "validation": of_tower * validated + sum(forward[t.depth] * validated * len(t.curve) for t in one.trainings),
    }


def test_what_follows_the_first_epoch_on_target_is_fine_tuning(splits):
    made = problem(splits, specs_of("dnn"), epochs=4, patience=4)
    (whole,), _ = search(made, [0], METHODS["scratch"], NEVER)
    first, later = (accuracy for _, accuracy, _ in whole.trainings[0].curve[:2])
    assert later > first, "the second epoch is the first on target, or this shows nothing"
    (one,), _ = search(made, [0], METHODS["scratch"], later)
    training = one.trainings[0]
    assert training.epochs_to_target == 2 and len(training.curve) == 4
    assert one.cost["search"] == one.cost["fine_tuning"] == training.training_macs / 2


def test_later_depths_have_their_own_rate(splits):
    made = replace(problem(splits, specs_of("dnn"), epochs=1), later_rate=5e-3)
    (one,), _ = search(made, [0], METHODS["warmup"], NEVER)
    assert [training.curve[0][2] for training in one.trainings] == [1e-2, 5e-3, 5e-3, 5e-3]


def test_layers_that_diverged_are_not_gone_on_with(splits, starts):
    made = problem(splits, specs_of("dnn"), epochs=1)
    (one,), _ = search(made, [0], METHODS["continue"], ALWAYS)
    for tensor in one.latest.parameters():
        tensor.data.fill_(float("nan"))
    assert bits(searching._start(made, one, 2, "continue")) == bits(one.tower[2])
