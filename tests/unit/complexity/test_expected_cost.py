"""The expected cost of a network with gates is what draws cost on average, and its slopes are derivatives."""

import pytest
import torch
from gated_networks import EVERY, STRUCTURES, gates_of, structure
from networks import SPECS, closed_form, sample

from minarch.complexity.cost import Cost, Term
from minarch.models.cost import macs, parameters

STEPS, REPEATS = 1000, 20  # 20,000 draws


@EVERY
def test_a_whole_network_costs_what_is_counted(name):
    spec, _ = STRUCTURES[name]
    network, whole = sample(spec), structure(name)
    assert (whole.full_parameters, whole.full_macs) == (parameters(network), macs(network, SPECS[spec]["shape"]))
    assert (whole.full_parameters, whole.full_macs) == closed_form(SPECS[spec])


@EVERY
def test_expected_cost_is_the_mean_cost_of_draws(name):
    gates = gates_of(name, REPEATS)
    gates.theta = torch.rand(gates.theta.shape[1]).expand(REPEATS, -1)
    expected = gates.expected()
    drawn = torch.cat([gates.draw() for _ in range(STEPS)])
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    for mean, costs in zip(expected, gates.structure.cost.expected(gates.remains.values(drawn)), strict=True):
        z = (costs.mean() - mean[0]) / (costs.std() / len(costs) ** 0.5)
        assert costs.std() > 0.02 * mean[0]
        assert abs(z) < 4


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0), (0.3, 0.7)])
@EVERY
def test_slopes_are_derivatives(name, weights):
    gates, weights = gates_of(name, 3), torch.tensor(weights, dtype=torch.float64)
    values = gates.remains.values(torch.rand(gates.theta.shape)).requires_grad_()
    cost = gates.structure.cost
    (slopes,) = torch.autograd.grad((weights[:, None] * torch.stack(cost.expected(values))).sum(), values)
    assert slopes.dtype == torch.float64 and slopes.abs().min() > 0
    torch.testing.assert_close(cost.slopes(values.detach(), weights), slopes, rtol=1e-12, atol=0)


def test_a_cost_is_a_sum_of_products():
    cost = Cost([Term(7, 1, ()), Term(2, 3, (0, 1, 2)), Term(5, 0, (1,)), Term(1, 1, (2, 0, 1))], 3)
    values = torch.tensor([[2.0, 3.0, 0.5], [0.0, 1.0, 1.0]])
    assert [of_kind.tolist() for of_kind in cost.expected(values)] == [[7 + 3 * 3 + 5 * 3, 7 + 5], [1 + 4 * 3, 1]]
    slopes = cost.slopes(values[:1], torch.tensor([1.0, 0.0]))
    assert slopes.tolist() == [[3 * 1.5, 3 * 1 + 5, 3 * 6]]


def by_price(name, alpha):
    """The groups in the order of what one of their units is priced at."""
    whole, gates = structure(name), gates_of(name, alpha=alpha)
    slopes = whole.cost.slopes(gates.remains.values(torch.ones_like(gates.theta)), gates.weights)[0]
    return slopes[: len(whole.groups)].argsort().tolist()


@pytest.mark.parametrize("name", ["cnn", "resnet", "bottlenecks"])
def test_alpha_prices_other_units_where_parameters_and_macs_differ(name):
    assert by_price(name, 0.0) != by_price(name, 1.0)


def test_alpha_changes_nothing_where_every_weight_multiplies_once():
    assert by_price("dnn", 0.0) == by_price("dnn", 1.0)


@EVERY
def test_the_whole_network_is_priced_at_one(name):
    """So nu is nats for the whole network: the weights of alpha are shares of it."""
    for alpha in (0.0, 0.5, 1.0):
        gates = gates_of(name, alpha=alpha)
        full = torch.tensor([gates.structure.full_parameters, gates.structure.full_macs], dtype=torch.float64)
        assert float(gates.weights @ full) == pytest.approx(1)
