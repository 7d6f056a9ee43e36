"""Whole trainings with gates: what they equal, which way gates go in them, and that networks do not meet."""

import pytest
import torch
from gated_networks import CPU, TRAINED, trained_structure

from minarch.complexity import ensemble
from minarch.complexity.motion import Policy
from minarch.complexity.outcome import Outcome
from minarch.complexity.schedule import Schedule
from minarch.complexity.train import train_gated
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.training.blocks import train_repeats
from minarch.training.loop import Recipe
from minarch.training.repeats import Task
from minarch.training.stacked.ensemble import written
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy

EVERY = pytest.mark.parametrize("name", TRAINED)
STACKED = pytest.mark.parametrize("name", ["dnn", "cnn", "vit"])
DELAY, EPOCHS, SETTLE = 1, 6, 2
REPEATS = [0, 1, 2]


@pytest.fixture
def train(splits):
    """train(name) -> the repeats of a training with gates."""

    def go(name, repeats=REPEATS, *, at_once=None, epochs=EPOCHS, settle=SETTLE, starts=None, **policy):
        task = task_of(name, splits, epochs, starts or {})
        if at_once is None:
            at_once = len(repeats) * written(task.spec)
        schedule = Schedule(epochs=epochs, delay=DELAY, settle=settle)
        chosen = Policy(**{"nu": 3.0, "alpha": 0.5, "beta": 0.5} | policy)
        return train_gated(task, repeats, strategy_of(at_once), trained_structure(name), chosen, schedule)

    return go


def task_of(name, splits, epochs=EPOCHS, starts=None):
    recipe = Recipe(epochs=epochs, batch_size=32, optimizer="adam", learning_rate=1e-2, weight_decay=1e-4)
    return Task(trained_structure(name).spec, {"of": name}, *splits, recipe, measures_train=False, starts=starts or {})


def strategy_of(at_once):
    return Strategy(at_once, Products(CPU, coarse=True))


def same(one, other, tolerance=1e-12):
    """Whether two repeats took the same way: gates and costs exactly, weights and measurements to a tolerance."""
    assert (one.repeat, one.seed, one.best_epoch) == (other.repeat, other.seed, other.best_epoch)
    assert (one.groups, one.branches, one.deterministic) == (other.groups, other.branches, other.deterministic)
    assert [row[:3] for row in one.theta] == [row[:3] for row in other.theta]
    close([row[3:] for row in one.theta], [row[3:] for row in other.theta], tolerance)
    close([row[1:] for row in one.costs], [row[1:] for row in other.costs], 1e-6 * one.costs[0][1])
    close(one.accuracies, other.accuracies, tolerance)
    assert one.network.spec() == other.network.spec()
    states = (repeat.network.state_dict() for repeat in (one, other))
    for name, tensor in next(states).items():
        torch.testing.assert_close(tensor, other.network.state_dict()[name], rtol=0, atol=tolerance)


def close(one, other, tolerance):
    torch.testing.assert_close(torch.tensor(one), torch.tensor(other), rtol=0, atol=tolerance, equal_nan=True)


def kept_from_start(results, name):
    structure = trained_structure(name)
    return all(result.groups == structure.units and all(result.branches) for result in results)


@STACKED
def test_without_a_price_a_stack_is_trained_as_any_other_bit_by_bit(train, splits, name):
    plain = train_repeats(task_of(name, splits), REPEATS, strategy_of(3))
    free = train(name, nu=0.0, settle=1)
    assert kept_from_start(free, name)
    for one, other in zip(free, plain, strict=True):
        assert one.accuracies == [row[2:] for row in other.curve]
        assert one.deterministic is None and {value for row in one.theta for value in row[3:]} == {1}
        for tensor, of_plain in zip(one.network.parameters(), other.networks["final"].parameters(), strict=True):
            assert tensor.equal(of_plain)


@EVERY
def test_without_a_price_a_single_network_is_trained_as_by_the_plain_loop(float64, train, splits, name):
    """To the rounding of images, which both normalise; but for the statistics of norms, which are estimated anew once
    gates are fixed.
    """
    (plain,) = train_repeats(task_of(name, splits), [1], strategy_of(0))
    (free,) = train(name, [1], at_once=0, nu=0.0, settle=1)
    assert kept_from_start([free], name)
    close(free.accuracies[:-1], [row[2:] for row in plain.curve[:-1]], 1e-5)
    pairs = zip(free.network.named_parameters(), plain.networks["final"].parameters(), strict=True)
    for (_, tensor), of_plain in pairs:
        torch.testing.assert_close(tensor, of_plain, rtol=0, atol=1e-5)


@STACKED
@pytest.mark.parametrize("at_once", [0, 1, 2])
def test_a_stacked_network_is_the_one_trained_alone(float64, train, name, at_once):
    """By gradients written by hand in stacks of all, of one or two, or by autograd: though in each stack other units
    are cut away in other epochs. In float32 rounding would flip a draw now and then.
    """
    together = train(name)
    others = train(name, at_once=at_once)
    for one, other in zip(together, others, strict=True):
        same(one, other)
    first, *_, last = (macs for macs, *_ in others[0].costs)
    assert last < first and len({tuple(result.groups) for result in together}) > 1


@EVERY
def test_cutting_while_training_changes_nothing_but_what_it_costs(float64, train, name, monkeypatch):
    repeats = [0, 1] if name in ("dnn", "cnn", "vit") else [0]
    cut = train(name, repeats, nu=10.0)
    monkeypatch.setattr(ensemble, "WORTHWHILE", -1.0)
    whole = train(name, repeats, nu=10.0)
    for one, other in zip(cut, whole, strict=True):
        same(one, other)
        trained, uncut = ([macs for macs, *_ in result.costs] for result in (one, other))
        assert sum(trained) < sum(uncut) and trained[-1] == uncut[-1]
        assert uncut[:-SETTLE] == [trained_structure(name).full_macs] * (EPOCHS - SETTLE)


@pytest.mark.parametrize("start", [1.0, 0.8])
@EVERY
def test_gates_move_between_delay_and_settling_only(train, splits, name, start):
    repeats = REPEATS if name in ("dnn", "cnn", "vit") else [0]
    structure = trained_structure(name)
    for result in train(name, repeats, start=start):
        epochs = {epoch: [row[3:] for row in result.theta if row[0] == epoch] for epoch in range(1, EPOCHS + 1)}
        names = [row[1:3] for row in result.theta if row[0] == 1]
        assert names == [(group.name, "units") for group in structure.groups] + [
            (branch.name, "layer") for branch in structure.branches
        ]
        assert all(0 <= low <= q25 <= q50 <= q75 <= high <= 1
                   for rows in epochs.values() for low, q25, q50, q75, high in rows)  # fmt: skip
        assert {value for row in epochs[DELAY] for value in row} == {torch.tensor(start).item()}
        assert epochs[DELAY + 1] != epochs[DELAY]
        assert {row[0] for row in epochs[EPOCHS]} | {row[-1] for row in epochs[EPOCHS]} <= {0, 1}
        assert epochs[EPOCHS - SETTLE + 1] == epochs[EPOCHS]
        assert len(result.curve) == SETTLE and len(result.accuracies) == len(result.costs) == EPOCHS
        trained = [macs for macs, *_ in result.costs]
        assert trained == sorted(trained, reverse=True) and trained[0] == structure.full_macs > trained[-1]
        network, (_, *last) = result.network, result.costs[-1]
        assert last == [parameters(network), macs(network, network.spec()["shape"])]
        assert trained[-1] >= last[1] and (len(repeats) > 1 or trained[-1] == last[1])


@pytest.mark.parametrize("name", ["vit", "basic", "bottlenecks"])
def test_beta_0_leaves_layers_on_whose_units_are_left_and_beta_1_leaves_units_alone(train, name):
    structure, repeats = trained_structure(name), REPEATS if name == "vit" else [0]
    for result in train(name, repeats, beta=0.0, nu=1.0):
        within = [
            [units for units, around in zip(result.groups, structure.around, strict=True) if around == branch]
            for branch in range(len(structure.branches))
        ]
        assert result.branches == [min(units) > 0 for units in within]
        assert sum(result.groups) < sum(structure.units)
    gone = set()
    for result in train(name, repeats, beta=1.0, nu=30.0):
        for units, whole, around in zip(result.groups, structure.units, structure.around, strict=True):
            assert units == (whole if around is None or result.branches[around] else 0)
        gone |= {position for position, stays in enumerate(result.branches) if not stays}
    assert gone


def test_alpha_moves_macs_against_parameters(train):
    """An early channel of this CNN costs more MACs, a late one more parameters."""
    whole, ratios = trained_structure("cnn"), {}
    for alpha in (0.0, 1.0):
        ends = [result.costs[-1] for result in train("cnn", epochs=8, alpha=alpha, beta=0.0)]
        ratios[alpha] = [(work / whole.full_macs) / (count / whole.full_parameters) for _, count, work in ends]
    assert max(ratios[1.0]) < 1 < min(ratios[0.0])


def test_units_without_effect_go_at_any_price(train):
    """Some that never are on: their gradients are zero, so they stay as they are, and their gates fall."""
    starts = {}
    for repeat in REPEATS:
        torch.manual_seed(repeat)
        starts[repeat] = build(trained_structure("dnn").spec)
        for layer in starts[repeat].hidden:
            layer.weight.data[:3], layer.bias.data[:3] = 0, -1
    for result in train("dnn", starts=starts, epochs=10, nu=1e-3, beta=0.0):
        assert max(result.groups) <= 5 and min(result.groups) > 1
        for layer in result.network.hidden:
            assert (layer.weight.abs().sum(1) > 0).all()
    for result in train("dnn", starts=starts, nu=0.0):
        assert result.groups == [8, 8]


@EVERY
def test_a_network_that_diverges_turns_its_gates_off_and_leaves_its_neighbours_alone(float64, train, splits, name):
    starts = {1: build(trained_structure(name).spec)}
    next(iter(starts[1].parameters())).data[0] = torch.nan
    stacked = name in ("dnn", "cnn", "vit")
    together = train(name, REPEATS if stacked else [1], starts=starts)
    bad = together.pop(1 if stacked else 0)
    for one, other in zip(together, train(name, [0, 2]) if stacked else [], strict=True):
        same(one, other)
    structure = trained_structure(name)
    assert Outcome.of_gated(task_of(name, splits), bad, structure).status == "diverged"
    assert bad.groups == [int(around is None) for around in structure.around] and not any(bad.branches)
    assert all(0 <= chance <= 1 for row in bad.theta for chance in row[3:])


@EVERY
def test_a_price_beyond_all_leaves_the_least(train, name):
    """One unit where nothing goes around, and no branch; never an empty network."""
    structure = trained_structure(name)
    for result in train(name, REPEATS if name in ("dnn", "cnn", "vit") else [0], nu=1e5):
        assert result.groups == [int(around is None) for around in structure.around]
        assert not any(result.branches)


@STACKED
def test_first_order_slopes_train_another_network(train, name):
    one, other = (train(name, [0], estimator=estimator)[0] for estimator in ("balanced", "first_order"))
    assert one.theta != other.theta


def test_other_repeats_draw_other_gates(train):
    first, second, third = train("dnn")
    assert len({tuple(map(tuple, result.theta)) for result in (first, second, third)}) == 3


def test_repeats_are_paired_over_prices(train, splits):
    """A repeat starts from the same weights, images in the same order, whatever its price."""
    seeds = [[result.seed for result in train("dnn", nu=nu)] for nu in (0.0, 3.0)]
    plain = train_repeats(task_of("dnn", splits), REPEATS, strategy_of(3))
    assert seeds == [[result.seed for result in plain]] * 2
    before = [[row for row in result.accuracies[:DELAY]] for result in train("dnn", nu=3.0)]
    assert before == [[row[2:] for row in result.curve[:DELAY]] for result in plain]
