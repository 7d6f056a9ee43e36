"""Importances are NNCF's definitions, computed here by hand."""

import math

import pytest
import torch
from networks import groups, sample

from minarch.models.build import build
from minarch.pruning.groups import Group, find_groups
from minarch.pruning.importance import score
from minarch.pruning.selection import ranked


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


def importances(name, group, importance, **options):
    return score(sample(name), group, importance, torch.Generator().manual_seed(0), **options)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("importance", DEFINITIONS)
@pytest.mark.parametrize("name", ["dnn", "cnn", "vit", "resnet", "separable", "mobile"])
def test_importances_are_summed_over_the_layers_that_lose_the_unit(name, importance, normalised):
    """... and, to compare units of different groups, divided by the mean of the group."""
    state = sample(name).state_dict()
    for group in groups(name):
        expected = torch.zeros(group.units, dtype=torch.float64)
        for weight in group.weights:
            expected += torch.tensor(DEFINITIONS[importance](rows(state[weight], group.units)), dtype=torch.float64)
        expected = expected / expected.mean() if normalised else expected
        result = importances(name, group, importance, normalised=normalised)
        assert result.shape == (group.units,) and result.dtype == torch.float32
        torch.testing.assert_close(result.double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("importance", DEFINITIONS)
def test_one_ranking_is_fair_to_layers_of_any_fan_in(importance):
    """Equally spread weights of 784 and of 16 inputs: neither layer loses most of its units to the other."""
    torch.manual_seed(0)
    network = build({"family": "dnn", "shape": [1, 28, 28], "classes": 10, "hidden": [16, 16]})
    scores = {g.name: score(network, g, importance, torch.Generator(), normalised=True) for g in find_groups(network)}
    units = ranked(scores, {name: 16 for name in scores}, 16, floor=0, round_to=1)
    assert sum(units.values()) == 16 and min(units.values()) >= 4


@pytest.mark.parametrize("importance", [*DEFINITIONS, "random"])
def test_a_group_of_one_unit_has_one_importance(importance):
    group = Group("classifier", "neurons", 1, ("classifier.weight",), ())
    assert importances("dnn", group, importance).shape == (1,)


def test_random_importances_are_those_of_the_seed():
    group = groups("dnn")[0]
    draws = [score(sample("dnn"), group, "random", torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert draws[0].equal(draws[1]) and not draws[0].equal(draws[2])
    assert len(set(draws[0].tolist())) == group.units
