"""Node strengths: by hand, and by unrolling every layer into a dense matrix."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from minarch.models.build import build
from minarch.statistics.layers import layers_of, stack
from minarch.statistics.strength import hidden, node_strengths

CNNS = [[3], [2, 3], [2, 3, 2]]


def strengths_of(networks: list[nn.Module]) -> dict[str, Tensor]:
    return node_strengths(networks[0], stack(networks, layers_of(networks[0]))[0])


def made(spec: dict[str, Any], seed: int) -> nn.Module:
    """A network whose biases count as much as its weights."""
    torch.manual_seed(seed)
    network = build(spec)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_()
    return network.double()


def unrolled(layer: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The matrix [out, in] and the bias [out] of an affine map of images [C, H, W], from basis images."""
    basis = torch.eye(torch.Size(shape).numel(), dtype=torch.float64).unflatten(1, shape)
    with torch.no_grad():
        bias = layer(torch.zeros(1, *shape, dtype=torch.float64)).flatten()
        return (layer(basis).flatten(1) - bias).T, bias


def dense_rule(layers: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Strengths of the nodes before, between and after dense layers (matrix, bias), as docs/methods.md 2.2 has them."""
    incoming = [torch.ones(layers[0][0].shape[1]), *(matrix.sum(1) + bias for matrix, bias in layers)]
    outgoing = [*(matrix.sum(0) for matrix, _ in layers), torch.ones(len(layers[-1][0]))]
    return [into + out_of for into, out_of in zip(incoming, outgoing, strict=True)]


def test_a_dnn_by_hand() -> None:
    network = build({"family": "dnn", "shape": [1, 1, 2], "classes": 2, "hidden": [3]})
    network.load_state_dict(
        {
            "hidden.0.weight": torch.tensor([[1.0, 2], [-3, 4], [0, -5]]),
            "hidden.0.bias": torch.tensor([0.5, -0.5, 0]),
            "classifier.weight": torch.tensor([[1.0, -1, 2], [3, 0, -2]]),
            "classifier.bias": torch.tensor([10.0, 20]),
        }
    )
    strengths = {name: values.tolist() for name, values in strengths_of([network]).items()}
    assert strengths == {
        "input": [[1 + 1 - 3 + 0, 1 + 2 + 4 - 5]],
        "hidden.0": [[1 + 2 + 0.5 + 1 + 3, -3 + 4 - 0.5 - 1 + 0, 0 - 5 + 0 + 2 - 2]],
        "output": [[1 - 1 + 2 + 10 + 1, 3 + 0 - 2 + 20 + 1]],
    }


@pytest.mark.parametrize("widths", [[4], [4, 1, 3]])
def test_a_dnn_is_the_dense_rule(widths: list[int]) -> None:
    spec = {"family": "dnn", "shape": [2, 3, 2], "classes": 5, "hidden": widths}
    networks = [made(spec, seed) for seed in range(3)]
    strengths = strengths_of(networks)
    assert list(strengths) == ["input", *(f"hidden.{i}" for i in range(len(widths))), "output"]
    for repeat, network in enumerate(networks):
        names = [layer.name for layer in layers_of(network)]
        layers = [(network.get_parameter(f"{name}.weight"), network.get_parameter(f"{name}.bias")) for name in names]
        expected = dense_rule(layers)
        for values, one in zip(strengths.values(), expected, strict=True):
            torch.testing.assert_close(values[repeat], one.detach())


@pytest.mark.parametrize("channels", CNNS)
@pytest.mark.parametrize("shape", [(1, 12, 12), (2, 13, 15)])
def test_a_cnn_is_the_dense_rule_unrolled(channels: list[int], shape: tuple[int, int, int]) -> None:
    """Pooling as averages: one of four units is listened to at a time."""
    networks = [made({"family": "cnn", "shape": shape, "classes": 3, "channels": channels}, seed) for seed in range(2)]
    strengths = strengths_of(networks)
    assert list(strengths) == ["input", *(f"convolutions.{i}" for i in range(len(channels))), "output"]
    for repeat, network in enumerate(networks):
        size: tuple[int, ...] = shape
        layers: list[tuple[Tensor, Tensor]] = []
        for layer in layers_of(network):
            module = network.get_submodule(layer.name)

            def affine(images: Tensor, module: nn.Module = module, first: bool = not layers) -> Tensor:
                if isinstance(module, nn.Linear):
                    return module(images.flatten(1))
                return module(images if first else functional.avg_pool2d(images, 2))

            layers.append(unrolled(affine, size))
            size = tuple(affine(torch.zeros(1, *size, dtype=torch.float64)).shape[1:])
        for values, one in zip(strengths.values(), dense_rule(layers), strict=True):
            torch.testing.assert_close(values[repeat], one)


def test_pixels_at_the_border_are_touched_by_fewer_taps() -> None:
    network = build({"family": "cnn", "shape": [1, 5, 5], "classes": 2, "channels": [2]})
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1)
    taps = torch.tensor([1.0, 2, 3, 2, 1])
    strengths = strengths_of([network])
    assert strengths["input"][0].equal(1 + 2 * torch.outer(taps, taps).flatten().double())
    assert (strengths["convolutions.0"] == 9 + 1 + 2).all()  # kernel sum + bias + one weight to each class
    assert (strengths["output"] == 2 * 9 + 1 + 1).all()


def test_a_vit_by_its_matrices() -> None:
    spec = {"family": "vit", "shape": [2, 4, 8], "classes": 3, "patch": 4, "width": 6, "head_size": 2}
    network = made(spec | {"heads": [2, 1], "ffn": [5, 4]}, 0)
    strengths = {name: values[0] for name, values in strengths_of([network]).items()}
    assert list(strengths) == ["input", "blocks.0.value", "blocks.0.fc1", "blocks.1.value", "blocks.1.fc1", "output"]
    assert hidden(strengths) == list(strengths)[1:-1]
    state = {name: values.detach() for name, values in network.named_parameters()}
    pixels = state["embedding.weight"].sum(0)  # every patch has the same taps
    torch.testing.assert_close(strengths["input"], 1 + torch.cat([pixels, pixels], dim=2).flatten())
    for block in ("blocks.0", "blocks.1"):
        for units, readers in (("value", "output"), ("fc1", "fc2")):
            expected = state[f"{block}.{units}.weight"].sum(1) + state[f"{block}.{units}.bias"]
            expected = expected + state[f"{block}.{readers}.weight"].sum(0)
            torch.testing.assert_close(strengths[f"{block}.{units}"], expected)
    torch.testing.assert_close(strengths["output"], state["classifier.weight"].sum(1) + state["classifier.bias"] + 1)


def test_parts_that_a_block_lacks_have_no_units() -> None:
    """A part that is there has the units that it has in whole blocks."""
    spec = {"family": "vit", "shape": [2, 4, 8], "classes": 3, "patch": 4, "width": 6, "head_size": 2}
    whole, lacking = made(spec | {"heads": [2, 1], "ffn": [5, 4]}, 0), made(spec | {"heads": [0, 1], "ffn": [5, 0]}, 1)
    state = whole.state_dict()
    lacking.load_state_dict({name: state[name] for name in lacking.state_dict()})
    strengths, expected = strengths_of([lacking]), strengths_of([whole])
    assert list(strengths) == ["input", "blocks.0.fc1", "blocks.1.value", "output"]
    assert all(values.equal(expected[name]) for name, values in strengths.items())


def test_other_networks_have_none() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    assert strengths_of([network]) == {}
