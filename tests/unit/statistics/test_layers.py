"""Statistics of weights against scipy, numpy and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from minarch.models.build import build
from minarch.statistics.layers import (
    blank,
    effective_rank,
    layers_of,
    moments,
    quantiles,
    singular_values,
    stack,
)

DNN = {"family": "dnn", "shape": [1, 4, 4], "classes": 3, "hidden": [5]}
CNN = {"family": "cnn", "shape": [1, 8, 8], "classes": 3, "channels": [2, 3]}
VIT = {"family": "vit", "shape": [1, 8, 8], "classes": 3, "patch": 4, "width": 6, "head_size": 3}
VIT |= {"heads": [2, 2], "ffn": [5, 5]}
LACKING = VIT | {"heads": [0, 2], "ffn": [5, 0]}
RESNET = {"family": "resnet", "shape": [1, 8, 8], "classes": 3, "stem": "cifar", "width": 2}
RESNET |= {"outer": [4, 4], "inner": [[[2, 3], 0], []]}
ATTENTION = ["query", "key", "value", "output"]


def orthogonal(rows: int, columns: int) -> torch.Tensor:
    """Rows of equal length that are orthogonal to each other."""
    return torch.linalg.qr(torch.randn(columns, rows, dtype=torch.float64))[0].T.float()


def test_layers_and_their_kinds() -> None:
    assert [(layer.name, layer.kind) for layer in layers_of(build(DNN))] == [
        ("hidden.0", "dense"),
        ("classifier", "dense"),
    ]
    assert [layer.kind for layer in layers_of(build(CNN))] == ["convolution", "convolution", "dense"]
    assert layers_of(build(CNN))[1].shape == (3, 2, 3, 3)
    kinds = {layer.name: layer.kind for layer in layers_of(build(VIT))}
    assert kinds.pop("embedding") == "convolution" and kinds.pop("classifier") == "dense"
    assert {name for name, kind in kinds.items() if kind == "attention"} == {
        f"blocks.{block}.{name}" for block in (0, 1) for name in ATTENTION
    }
    assert {name for name, kind in kinds.items() if kind == "dense"} == {
        f"blocks.{block}.{name}" for block in (0, 1) for name in ("fc1", "fc2")
    }


def test_what_is_removed_is_no_layer() -> None:
    blocks = [layer.name for layer in layers_of(build(LACKING)) if layer.name.startswith("blocks")]
    assert blocks == ["blocks.0.fc1", "blocks.0.fc2", *(f"blocks.1.{name}" for name in ATTENTION)]
    first = [f"layer1.0.{name}" for name in ("conv1", "conv2", "conv3", "downsample.0")]
    assert [layer.name for layer in layers_of(build(RESNET))] == ["conv1", *first, "fc"]


@given(count=st.integers(3, 200), seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_moments_are_scipys(count: int, seed: int) -> None:
    values = np.random.default_rng(seed).gamma(2.0, size=(3, count)).astype(np.float32) - 1
    statistics = moments(torch.from_numpy(values), near_zero=0.1)
    exact = values.astype(float)
    expected = {
        "mean": exact.mean(axis=1),
        "std": exact.std(axis=1),
        "skewness": stats.skew(exact, axis=1),
        "kurtosis": stats.kurtosis(exact, axis=1),
        "min": exact.min(axis=1),
        "max": exact.max(axis=1),
        "near_zero": (abs(exact) < 0.1).mean(axis=1),
    }
    assert statistics.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(statistics[name].numpy(), value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_equal_weights_have_no_shape() -> None:
    statistics = moments(torch.full((1, 7), 0.1), near_zero=0.2)
    assert (float(statistics["std"]), float(statistics["near_zero"])) == (0, 1)
    assert statistics["skewness"].isnan() and statistics["kurtosis"].isnan()


@pytest.mark.parametrize(
    ("matrix", "norm", "rank"),
    [
        (torch.eye(5), 1, 5),
        (3 * orthogonal(4, 9), 3, 4),
        (3 * orthogonal(4, 9).T, 3, 4),
        (torch.ones(6, 8) / 2, 48**0.5 / 2, 1),
        (torch.outer(torch.arange(1.0, 4), torch.arange(1.0, 8)), 14**0.5 * 140**0.5, 1),
        (torch.diag(torch.tensor([3.0, 1, 0])), 3, 4 / 3**0.75),  # shares 3/4, 1/4
        (torch.zeros(2, 3), 0, np.nan),
    ],
    ids=["identity", "orthogonal", "tall", "constant", "rank one", "diagonal", "zero"],
)
def test_closed_forms_of_the_spectrum(matrix: torch.Tensor, norm: float, rank: float) -> None:
    singular = singular_values(matrix[None])
    assert float(singular[0, -1]) == pytest.approx(norm, rel=1e-6)
    assert float(effective_rank(singular)) == pytest.approx(rank, rel=1e-6, nan_ok=True)


@given(rows=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_singular_values_are_numpys(rows: int, columns: int, seed: int) -> None:
    matrices = np.random.default_rng(seed).normal(size=(2, rows, columns)).astype(np.float32)
    singular = singular_values(torch.from_numpy(matrices))
    expected = np.linalg.svd(matrices.astype(float), compute_uv=False)[:, ::-1]
    np.testing.assert_allclose(singular.numpy(), expected, atol=1e-7)
    np.testing.assert_allclose(singular[:, -1].numpy(), np.linalg.norm(matrices, ord=2, axis=(1, 2)), rtol=1e-5)
    assert ((effective_rank(singular) > 1 - 1e-6) & (effective_rank(singular) < min(rows, columns) + 1e-6)).all()


def test_quantiles_are_values_that_occurred() -> None:
    values = torch.randn(2, 512)
    assert quantiles(values).equal(values.sort(dim=1).values)
    two = quantiles(torch.tensor([[2.0, -1.0]]))
    assert (two[0, :256] == -1).all() and (two[0, 256:] == 2).all()
    many = quantiles(torch.arange(51200.0)[None].flip(1))[0]
    assert many.equal(torch.arange(512.0) * 100 + 49)
    assert not torch.signbit(quantiles(torch.tensor([[-0.0, 0.0]]))).any()


def test_what_diverged_is_zero_in_the_stack_and_blank_in_the_results() -> None:
    networks = [build(DNN) for _ in range(3)]
    with torch.no_grad():
        networks[1].get_parameter("hidden.0.weight")[0, 0] = torch.inf
    stacked, sound = stack(networks, layers_of(networks[0]))
    assert sound.tolist() == [True, False, True]
    assert set(stacked) == {"hidden.0.weight", "hidden.0.bias", "classifier.weight", "classifier.bias"}
    assert stacked["hidden.0.weight"][2].equal(networks[2].get_parameter("hidden.0.weight"))
    assert all((values[1] == 0).all() for values in stacked.values())
    blanked = blank(stacked["classifier.weight"], sound)
    assert blanked[1].isnan().all() and blanked[[0, 2]].isfinite().all()


@given(order=st.permutations(range(4)))
@settings(max_examples=10, deadline=None)
def test_shuffling_repeats_shuffles_the_rows(order: list[int]) -> None:
    matrices = torch.randn(4, 6, 9, generator=torch.Generator().manual_seed(0))
    values = matrices.flatten(1)
    before, after = moments(values, 0.1), moments(values[order], 0.1)
    assert all(after[name].equal(before[name][order]) for name in before)
    assert singular_values(matrices[order]).equal(singular_values(matrices)[order])
    assert quantiles(values[order]).equal(quantiles(values)[order])
