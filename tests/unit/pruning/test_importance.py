"""Importances are NNCF's definitions, computed here by hand."""

import math

import pytest
import torch
from networks import groups, sample

from minarch.pruning.groups import Group
from minarch.pruning.importance import score


def rows(tensor, units):
    """Each unit's weights as plain numbers."""
    return [list(row) for row in tensor.double().reshape(units, -1).tolist()]


def l1(units):
    return [sum(abs(value) for value in unit) for unit in units]


def l2(units):
    return [math.sqrt(sum(value**2 for value in unit)) for unit in units]


def geometric_median(units):
    """Sum of the distances to all other units of the tensor."""
    return [sum(math.dist(unit, other) for other in units) for unit in units]


DEFINITIONS = {"L1": l1, "L2": l2, "geometric_median": geometric_median, "learned": l2}


def found(name, group, importance, **options):
    return score(sample(name), group, importance, torch.Generator().manual_seed(0), **options)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("importance", DEFINITIONS)
@pytest.mark.parametrize("name", ["dnn", "cnn", "vit", "resnet", "mobile"])
def test_importances_are_summed_over_the_layers_that_lose_the_unit(name, importance, normalised):
    """... or, to compare units of different groups, averaged over them, each tensor divided by its norm."""
    state = sample(name).state_dict()
    for group in groups(name):
        expected = torch.zeros(group.units, dtype=torch.float64)
        for weight in group.weights:
            values = state[weight].double()
            values = values / math.sqrt(float(values.square().sum())) if normalised else values
            expected += torch.tensor(DEFINITIONS[importance](rows(values, group.units)), dtype=torch.float64)
        expected = expected / len(group.weights) if normalised else expected
        result = found(name, group, importance, normalised=normalised)
        assert result.shape == (group.units,) and result.dtype == torch.float32
        torch.testing.assert_close(result.double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("importance", [*DEFINITIONS, "random"])
def test_a_group_of_one_unit_has_one_importance(importance):
    group = Group("classifier", "neurons", 1, ("classifier.weight",), ())
    assert found("dnn", group, importance).shape == (1,)


def test_random_importances_are_those_of_the_seed():
    group = groups("dnn")[0]
    draws = [score(sample("dnn"), group, "random", torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert draws[0].equal(draws[1]) and not draws[0].equal(draws[2])
    assert len(set(draws[0].tolist())) == group.units
