"""Small networks with gates: their structures, ensembles of them, and what their gates do computed in another way."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial

import pytest
import torch
from networks import SPECS, sample
from torch import Tensor, nn

from minarch.complexity.ensemble import GatedEnsemble
from minarch.complexity.gates import Gates
from minarch.complexity.motion import Policy
from minarch.complexity.structure import Structure
from minarch.models.build import build
from minarch.models.families import architecture
from minarch.training.loop import Recipe
from minarch.training.stacked.ensemble import written
from minarch.training.stacked.products import Products

CPU = torch.device("cpu")
STRUCTURES = {  # name in SPECS, and whether heads have gates
    "dnn": ("dnn", True),
    "cnn": ("cnn", True),
    "vit": ("vit", True),
    "vit, heads stay": ("vit", False),
    "fewer blocks": ("fewer blocks", True),
    "resnet": ("resnet", True),
    "bottlenecks": ("bottlenecks", True),
    "separable": ("separable", True),
}
TRAINED = {  # family and knobs, on digits
    "dnn": ("dnn", {"depth": 2, "width": 8}),
    "cnn": ("cnn", {"depth": 2, "channels": 8}),
    "vit": ("vit", {"depth": 2, "width": 8, "heads": 2, "patch": 4}),
    "basic": ("resnet", {"depth": 18, "width": 4, "levels": 2}),
    "bottlenecks": ("resnet", {"depth": 50, "width": 4, "levels": 2}),
    "separable": ("separable", {"depth": 2, "channels": 8}),
}
EVERY = pytest.mark.parametrize("name", STRUCTURES)
RECIPE = Recipe(epochs=1, batch_size=16, optimizer="adam", learning_rate=1e-2, weight_decay=1e-4)


@cache
def structure(name: str) -> Structure:
    spec, heads = STRUCTURES[name]
    return Structure(sample(spec), heads=heads)


@cache
def trained_structure(name: str) -> Structure:
    family, knobs = TRAINED[name]
    return Structure(build(architecture(family, knobs).spec([1, 8, 8], 10)), heads=True)


def gates_of(name: str, repeats: int = 1, moves: int = 10, *, first: int = 0, **policy) -> Gates:
    """Gates of networks that draw from the generators `first`, `first + 1` and so on."""
    generators = [torch.Generator().manual_seed(first + repeat) for repeat in range(repeats)]
    return Gates(structure(name), Policy(**{"nu": 1.0, "alpha": 0.5, "beta": 0.5} | policy), generators, moves)


def stack_of(name: str) -> int:
    """How many networks the tests stack: of families whose gradients are autograd's there is no stack."""
    return 3 if written(SPECS[STRUCTURES[name][0]]) else 1


def ensemble_of(name: str, gates: Gates) -> GatedEnsemble:
    """Networks as `sample` makes them, each with other weights; statistics of norms are not trivial."""
    networks = [sample(STRUCTURES[name][0]) for _ in gates.theta]
    for seed, network in enumerate(networks):
        torch.manual_seed(seed)
        for parameter in network.parameters():
            parameter.data += torch.randn_like(parameter) * 0.1
    stacked = written(gates.structure.spec)
    return GatedEnsemble(gates, networks, RECIPE, Products(CPU, coarse=True), stacked=stacked)


def turn(gates: Gates, seed: int, chance: float = 0.5) -> None:
    """Fix every gate at 0 or 1 at random; of a group without units that has nothing around it the first stays."""
    drawn = torch.rand(gates.theta.shape, generator=torch.Generator().manual_seed(seed)) < chance
    gates.theta = torch.where(drawn, 1.0, 0.0)
    gates.settle([torch.zeros(len(gates.theta), width) for width in gates.remains.widths])


def images_for(gates: Gates, count: int = 16) -> Tensor:
    return torch.randn(count, *gates.structure.spec["shape"], generator=torch.Generator().manual_seed(1))


@contextmanager
def gated(network: nn.Module, gates: Gates, values: Tensor) -> Iterator[nn.Module]:
    """The network while gates (`values` [S], of a whole network) multiply what its layers read and its branches add.

    The library multiplies weights: this is the other way to see it.
    """
    handles = []
    for tensor, (group, size) in gates.structure.columns.items():
        of_inputs = values[gates.remains.slices[group]].repeat_interleave(size)
        hook = partial(_multiply_inputs, values=of_inputs)
        handles.append(network.get_submodule(tensor.rpartition(".")[0]).register_forward_pre_hook(hook))
    for position, branch in enumerate(gates.structure.branches):
        hook = partial(_multiply_output, value=values[gates.remains.slots[position]])
        handles.append(network.get_submodule(branch.output).register_forward_hook(hook))
    yield network
    for handle in handles:
        handle.remove()


def _multiply_inputs(module: nn.Module, arguments: tuple[Tensor], values: Tensor) -> tuple[Tensor]:
    (inputs,) = arguments
    return (inputs * (values[:, None, None] if isinstance(module, nn.Conv2d) else values),)


def _multiply_output(module: nn.Module, arguments: tuple[Tensor], output: Tensor, value: Tensor) -> Tensor:
    return output * value
