"""What a gate is estimated to be worth, against the difference of two forward passes, on trained networks."""

from dataclasses import replace

import pytest
import torch
from gated_networks import CPU, RECIPE, trained_structure

from minarch.complexity.ensemble import GatedEnsemble
from minarch.complexity.gates import Gates
from minarch.complexity.motion import Policy
from minarch.complexity.schedule import Schedule
from minarch.complexity.train import train_gated
from minarch.training.repeats import Task
from minarch.training.stacked.pixels import Pixels
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy

CHANCE, STACK, ROUNDS, EXACT_ROUNDS = 0.98, 16, 100, 10  # 1,600 draws, 160 of them compared
POLICY = Policy(nu=1.0, alpha=0.5, beta=0.5, start=CHANCE, explore=1 - CHANCE)


def trained(name, splits):
    """A network trained while its gates were drawn, all with the same chance."""
    recipe = replace(RECIPE, epochs=20, batch_size=32)
    task = Task(trained_structure(name).spec, {"of": name}, *splits, recipe, measures_train=False)
    schedule, strategy = Schedule(epochs=20, delay=19, settle=1), Strategy(1, Products(CPU, coarse=True))
    (result,) = train_gated(task, [0], strategy, trained_structure(name), POLICY, schedule)
    return result.network


@torch.no_grad()
def worths(name, splits):
    """Mean over draws of both estimates, and of the exact differences, [S] each: of one batch of images."""
    structure, network = trained_structure(name), trained(name, splits)
    gates = Gates(structure, POLICY, [torch.Generator().manual_seed(seed) for seed in range(STACK)], 1)
    stack = GatedEnsemble(gates, [network] * STACK, RECIPE, Products(CPU, coarse=True), stacked=True)
    pixels, index = Pixels(splits[0], 10, CPU), torch.arange(32).expand(STACK, -1)
    noted, gates.moving = [], True
    gates.move = lambda slopes, drawn: noted.append((slopes, drawn))
    for _ in range(ROUNDS):
        stack.differentiate(pixels, index)
    slopes, drawn = (torch.cat(tensors) for tensors in zip(*noted, strict=True))
    gates.chance = torch.full_like(drawn, CHANCE)
    estimates = {"balanced": gates.motion.worth(slopes, drawn, gates.chance).mean(0), "first_order": slopes.mean(0)}

    (images, targets), exact = pixels.batch(index), []
    for _, others in noted[:EXACT_ROUNDS]:
        exact.append([_loss(stack, others, gate, 1, images, targets) - _loss(stack, others, gate, 0, images, targets)
                      for gate in range(others.shape[1])])  # fmt: skip
    return estimates, torch.tensor(exact).mean(0)


def _loss(stack, drawn, gate, value, images, targets):
    """Mean loss of the stack's networks where one of the gates has a value and the others are as drawn."""
    drawn = drawn.clone()
    drawn[:, gate] = value
    for tensor in stack.gated:
        tensor.show(drawn)
    return float(-(torch.log_softmax(stack.gradients.forward(images), 1) * targets).sum(1).mean())


@pytest.mark.parametrize("name", ["dnn", "cnn", "vit"])
def test_the_balanced_estimate_is_near_the_exact_difference_where_first_order_sees_nothing(splits, name):
    estimates, exact = worths(name, splits)
    ratio = {estimator: float(of_gates.sum() / exact.sum()) for estimator, of_gates in estimates.items()}
    assert exact.sum() < 0 and ratio["first_order"] < 0.3  # at 1 it would be unbiased
    assert abs(ratio["balanced"] - 1) < abs(ratio["first_order"] - 1)
    assert torch.corrcoef(torch.stack([estimates["balanced"], exact]))[0, 1] > 0.6
