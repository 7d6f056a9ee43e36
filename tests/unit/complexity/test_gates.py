"""Gates alone: how they are drawn, moved by slopes that are given, fixed and closed."""

import math

import pytest
import torch
from gated_networks import EVERY, gates_of, structure, turn

from minarch.complexity.draws import CHUNK
from minarch.complexity.gates import PATIENCE
from minarch.complexity.motion import CLIP, FASTEST, RAMP

MANY = 64 * CHUNK  # draws


def strengths(gates):
    """Of every group, the second unit is the strongest."""
    return [torch.eye(width)[1 % width].expand(len(gates.theta), -1) for width in gates.remains.widths]


def prices(gates):
    """What a step from off to on costs each gate, in nats, at the full price."""
    slopes = gates.structure.cost.slopes(gates.remains.values(gates.theta), gates.weights)
    return (slopes[:, gates.remains.factor] * gates.price).float()


def units_of(gates, group):
    return gates.theta[:, gates.remains.slices[group]]


@pytest.mark.parametrize("estimator", ["balanced", "first_order"])
@EVERY
def test_chances_stay_between_0_and_1_and_what_is_fixed_stays_where_it_is(name, estimator):
    gates = gates_of(name, 2, nu=30.0, start=0.7, estimator=estimator)
    gates.moving = True
    gates.fixed[0, ::3] = True
    gates.theta[0, ::3] = (torch.arange(len(gates.theta[0, ::3])) % 2).float()
    fixed, generator = gates.theta[0, ::3].clone(), torch.Generator().manual_seed(0)
    wild = [0.0, 1e-30, 1e30, math.inf, -math.inf, math.nan]
    for step in range(60):
        slopes = torch.randn(gates.theta.shape, generator=generator)
        if step >= 40:
            slopes[1] *= wild[step % len(wild)]
        gates.move(slopes, gates.draw())
        assert gates.theta.min() >= 0 and gates.theta.max() <= 1
        assert gates.theta[0, ::3].equal(fixed)
    assert gates.theta[0].unique().numel() > 5  # the others moved
    assert not gates.theta[1].any()  # of a network that diverged all are off


@pytest.mark.parametrize("policy", [{"nu": 0.0}, {"beta": 0.0}, {"beta": 1.0}], ids=str)
@EVERY
def test_a_gate_without_a_price_is_on_from_the_start_for_good(name, policy):
    gates = gates_of(name, 2, start=0.5, **policy)
    units = sum(gates.structure.units)
    expected = torch.full_like(gates.theta, 0.5)
    if policy.get("beta") != 0:
        expected[:, :units] = 1
    if policy.get("beta") != 1:
        expected[:, units:] = 1
    assert gates.theta.equal(expected) and gates.fixed.equal(expected == 1)
    gates.moving = gates.drawable
    for _ in range(20):
        gates.move(torch.ones_like(gates.theta), gates.draw())
    assert (gates.theta[expected == 1] == 1).all() and (gates.theta[expected < 1] < 0.5).all()


def test_draws_are_on_as_often_as_their_chances_say_and_while_they_move_at_least_as_often_as_explored():
    gates = gates_of("dnn", 2)
    gates.theta[:] = torch.linspace(0, 1, gates.theta.shape[1])
    for moving, chances in ((False, gates.theta), (True, gates.theta.clamp(0.05, 0.95))):
        gates.moving = moving
        share = torch.stack([gates.draw() for _ in range(MANY)]).mean(0)
        assert ((share - chances).abs() <= 4 * (chances * (1 - chances) / MANY).sqrt()).all()


def test_what_a_network_draws_depends_neither_on_its_neighbours_nor_on_which_gates_are_left():
    """Nor on how many steps ago they were forgotten."""
    whole, alone, cut = gates_of("vit", 3, start=0.5), gates_of("vit", first=1, start=0.5), gates_of("vit", start=0.5)
    drawn = torch.stack([whole.draw() for _ in range(3 * CHUNK)])
    assert torch.stack([alone.draw() for _ in range(3 * CHUNK)])[:, 0].equal(drawn[:, 1])
    left = torch.ones_like(cut.fixed[0])
    for step in range(3 * CHUNK):
        assert cut.draw()[0].equal(drawn[step, 0, left])
        if step == CHUNK + 5:
            cut.fixed[0, 1:6], cut.theta[0, 1:6], left[1:6] = True, 0, False
            cut.drop(cut.needed())
    assert drawn[:, 0].ne(drawn[:, 1]).any()


def test_forgotten_gates_are_known_by_their_places_in_the_whole_network():
    gates = gates_of("vit", 3, start=0.75)
    turn(gates, 0)
    before, kept, expected = gates.whole(), gates.kept(), gates.expected()
    units = gates.drop(gates.needed())
    assert (
        gates.whole().equal(before) and gates.kept() == kept and sum(gates.remains.widths) < sum(structure("vit").units)
    )
    for one, other in zip(gates.expected(), expected, strict=True):
        torch.testing.assert_close(one, other)
    for group, index in enumerate(units):
        assert index.shape == (3, gates.remains.widths[group]) and (index.diff(dim=1) > 0).all()
    assert gates.remains.widths == torch.tensor(kept[0]).max(0).values.tolist()
    assert gates.remains.alive == torch.tensor(kept[1]).any(0).tolist()


def test_the_price_rises_over_the_first_moves():
    gates = gates_of("cnn", moves=50, start=0.5, estimator="first_order", travel=0.05)
    gates.moving, rate = True, 0.05 / 50
    slope, ramps = 1.0, []
    for _ in range(50):
        price, before = prices(gates), gates.theta.clone()
        gates.move(torch.full_like(gates.theta, slope), gates.draw())
        ramps.append(float(((((before - gates.theta) / rate) - 1) * slope / price).mean()))  # 1: of the slope itself
    expected = [min(1.0, move / (RAMP * 50)) for move in range(1, 51)]
    assert ramps == pytest.approx(expected, abs=0.01)


def test_a_chance_changes_by_the_rate_times_at_most_the_clip():
    for moves, travel, rate in ((1000, 20.0, 0.02), (100, 20.0, FASTEST)):
        gates = gates_of("dnn", moves=moves, start=0.5, travel=travel, nu=1e5)
        gates.moving = True
        for _ in range(8):
            before = gates.theta.clone()
            gates.move(torch.zeros_like(gates.theta), gates.draw())
            assert (before - gates.theta).numpy() == pytest.approx(CLIP * rate, abs=1e-6) or not gates.theta.any()


@pytest.mark.parametrize("chance", [0.05, 0.5, 0.95])
def test_the_balanced_estimate_is_exact_on_average_where_the_loss_is_quadratic(chance):
    """L(xi) = a xi^2 + b xi is a + b higher at 1 than at 0; the plain slopes' mean is 2 a theta + b."""
    a, b = 3.0, -1.0
    worth = {}
    for estimator in ("balanced", "first_order"):
        gates = gates_of("dnn", start=chance, estimator=estimator)
        gates.draw()
        ends = [
            gates.motion.worth(2 * a * drawn + b, drawn, gates.chance)
            for drawn in (torch.zeros(1, 28), torch.ones(1, 28))
        ]
        worth[estimator] = float((torch.lerp(*ends, chance)).mean())
    assert worth == pytest.approx({"balanced": a + b, "first_order": 2 * a * chance + b}, rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_a_gate_stays_if_it_is_worth_more_than_its_price_and_goes_if_less(seed):
    """Of each three gates one has no effect on the loss, one is worth half its price, one twice."""
    gates = gates_of("cnn", moves=600, first=seed, nu=3.0)
    gates.moving = True
    worth = torch.tensor([0.0, 0.5, 2.0]).repeat(7)[: gates.theta.shape[1]]
    for _ in range(600):
        gates.move(-worth * prices(gates), gates.draw())
    assert (gates.theta[:, worth == 0] == 0).all()
    assert (gates.theta[:, worth == 0.5] < 0.5).all() and (gates.theta[:, worth == 2] > 0.5).all()
    assert gates.theta[:, worth == 0.5].median() < 0.01 and gates.theta[:, worth == 2].median() > 0.99


def test_a_gate_is_fixed_once_it_stayed_at_an_end_for_some_epochs():
    gates = gates_of("dnn", 2, start=0.5)
    gates.theta[0, :2], gates.theta[1, :2] = torch.tensor([1e-4, 0.9999]), torch.tensor([0.01, 0.99])
    for epoch in range(1, PATIENCE + 1):
        gates.rest(strengths(gates))
        assert gates.fixed[0, :2].all() == (epoch == PATIENCE) and gates.fixed.sum() == 2 * (epoch == PATIENCE)
        if epoch < PATIENCE:
            assert gates.theta[0, 1] == pytest.approx(0.9999)
    assert gates.theta[0, :2].tolist() == [0, 1] and gates.theta[1, :2].tolist() == pytest.approx([0.01, 0.99])


def test_a_gate_that_leaves_its_end_is_not_fixed():
    gates = gates_of("dnn")
    for chance in (0.0, 0.5, 1.0, 0.5, 0.0):
        gates.theta[:] = chance
        gates.rest(strengths(gates))
        assert not gates.fixed.any()


@EVERY
def test_settled_gates_are_off_or_on_by_the_larger_chance_and_fixed(name):
    gates = gates_of(name, 2)
    gates.theta = 0.3 + 0.6 * torch.rand(gates.theta.shape, generator=torch.Generator().manual_seed(0))
    gates.theta[:, 0] = 0.5
    share, before = gates.deterministic(), gates.theta.clone()
    gates.settle(strengths(gates))
    assert share == [0.0, 0.0] and gates.deterministic() == [1.0, 1.0]
    assert gates.fixed.all() and not gates.drawable and not gates.moving
    closed = gates.theta != (before >= 0.5).float()
    assert set(gates.theta.unique().tolist()) == {0.0, 1.0} and closed.float().mean() < 0.5
    assert gates.draw().equal(gates.theta)


def test_how_deterministic_gates_are_counts_those_that_could_move():
    gates = gates_of("vit", 2, beta=0.0, start=0.5)
    gates.theta[0, :6] = torch.tensor([0, 1, 1e-4, 0.9999, 0.01, 0.99])
    units = sum(gates.structure.units)
    assert gates.deterministic() == [4 / units, 0]
    gates.fixed[:, :4], gates.theta[:, :4] = True, 0
    gates.drop(gates.needed())
    assert gates.deterministic() == [4 / units, 4 / units]  # also those that are forgotten
    assert gates_of("vit", nu=0.0).deterministic() == [None]


def test_a_branch_without_units_is_left_out():
    gates = gates_of("vit", 2)
    gates.theta[0, gates.remains.slices[0]] = 0
    gates.settle(strengths(gates))
    assert gates.theta[0, gates.remains.slots[0]] == 0 and gates.theta.sum() == gates.theta.numel() - 4 - 1
    assert gates.kept()[1] == [[False, True, True, True], [True] * 4]


def test_also_one_that_layers_are_not_priced_in():
    """beta 0 leaves layers on unless all their units went."""
    gates = gates_of("resnet", beta=0.0)
    gates.theta[0, gates.remains.slices[2]] = 0
    gates.settle(strengths(gates))
    gone = gates.structure.around[2]
    assert gates.kept()[1] == [[position != gone for position in range(len(gates.remains.alive))]]


@pytest.mark.parametrize("beta", [0.5, 1.0])
def test_units_go_with_their_branch(beta):
    """Those of both layers of a bottleneck; with beta 1, too, though they have no price."""
    gates = gates_of("bottlenecks", beta=beta)
    gates.theta[0, gates.remains.slots[0]] = 0
    gates.settle(strengths(gates))
    off = [position for position, around in enumerate(gates.structure.around) if around == 0]
    assert len(off) == 2
    for group, around in enumerate(gates.structure.around):
        assert units_of(gates, group).any() == (around != 0)


def test_one_empty_layer_of_a_bottleneck_takes_the_branch_and_the_other_layer():
    gates = gates_of("bottlenecks")
    first, second = (position for position, around in enumerate(gates.structure.around) if around == 0)
    gates.theta[0, gates.remains.slices[second]] = 0
    gates.settle(strengths(gates))
    assert not units_of(gates, first).any() and gates.theta[0, gates.remains.slots[0]] == 0
    assert gates.theta[0].sum() == gates.theta.shape[1] - sum(gates.remains.widths[i] for i in (first, second)) - 1


@pytest.mark.parametrize("name", ["dnn", "cnn"])
def test_the_strongest_unit_stays_where_nothing_goes_around(name):
    gates = gates_of(name, 2)
    gates.theta[1] = 0
    gates.settle(strengths(gates))
    for group in range(len(gates.remains.widths)):
        assert units_of(gates, group)[1].tolist() == [float(unit == 1) for unit in range(gates.remains.widths[group])]
    assert gates.theta[0].all()
    assert gates.kept()[0] == [structure(name).units, [1] * len(gates.remains.widths)]


def test_a_unit_that_went_before_is_not_the_one_that_stays():
    """In another stack it would have been cut away by then."""
    gates = gates_of("dnn")
    gates.theta[0, 1], gates.fixed[0, 1] = 0, True
    gates.rest(strengths(gates))
    gates.theta[0, gates.remains.slices[0]] = 0
    gates.settle(strengths(gates))
    assert units_of(gates, 0)[0].tolist() == [1.0] + [0.0] * (gates.remains.widths[0] - 1)
