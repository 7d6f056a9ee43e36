"""Parameters at reduced precision: against exact references, closed forms, and the curve of real small networks."""

import csv
import json
import shutil
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.torch import load_file, save_file

from minarch.data.tensors import load_split
from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.cost import parameters
from minarch.models.weights import load_networks
from minarch.quantization import PRECISIONS, SCHEMES
from minarch.quantization.curve import precision_curve
from minarch.quantization.precision import BITS, CASTS, reduced, rounded, size_bits
from minarch.quantization.ties import Tied
from minarch.training.evaluate import evaluate

INTEGERS = [f"int{bits}" for bits in range(8, 1, -1)]  # with a uniform grid
SCALED = [*INTEGERS, "int1", "fp8"]
POINTS = [(name, scheme) for name in PRECISIONS for scheme in (SCHEMES if name in SCALED else ["tensor"])]
SHAPES = [(7,), (5, 9), (4, 3, 3, 3), (1, 6, 8), (2, 1)]
EVERY = pytest.mark.parametrize("precision", PRECISIONS)
SCHEME = pytest.mark.parametrize("scheme", SCHEMES)
UNIFORM = pytest.mark.parametrize("precision", INTEGERS)
# A normal float's own rounding is far below every grid's; much smaller ones are their own coarse grid.
values = st.floats(-100, 100, width=32).map(lambda value: value if abs(value) > 1e-20 else 0.0)
tensors = arrays.arrays(np.float32, arrays.array_shapes(min_dims=1, max_dims=4, max_side=5), elements=values)


def grid(exponent_bits, mantissa_bits, largest):
    """All finite values of a small float format (IEEE: with subnormals), ascending, float64; every other is even."""
    bias = 2 ** (exponent_bits - 1) - 1
    exponents = np.arange(2**exponent_bits)[:, None]
    mantissas = np.arange(2**mantissa_bits)[None] / 2**mantissa_bits
    values = np.where(
        exponents == 0, mantissas * 2.0 ** (1 - bias), (1 + mantissas) * 2.0 ** (exponents - bias)
    ).ravel()
    return values[values <= largest]


GRIDS = {"fp16": grid(5, 10, 65504.0), "bf16": grid(8, 7, 3.3895313892515355e38), "fp8": grid(4, 3, 448.0)}


def nearest(magnitudes, points):
    """The nearest of ascending `points`; of two equally near the one at an even place: its last bit is 0."""
    above = np.searchsorted(points, magnitudes).clip(1, len(points) - 1)
    below = above - 1
    left, right = magnitudes - points[below], points[above] - magnitudes
    lower = (left < right) | ((left == right) & (below % 2 == 0))
    return np.where(lower, points[below], points[above])


def reference(weight, precision, scheme):
    """float64, one scale at a time."""
    values = weight.astype(np.float64)
    if precision == "fp32":
        return values
    if precision in CASTS:
        return np.sign(values) * nearest(np.abs(values), GRIDS[precision])
    if scheme == "channel" and values.ndim > 1:
        return np.stack([reference(row, precision, "tensor") for row in values])
    top = np.abs(values).max()
    if top == 0:
        return values
    if precision == "int1":
        return np.where(values < 0, -1, 1) * np.abs(values).mean()
    if precision == "fp8":
        return np.sign(values) * nearest(np.abs(values) / (top / 448), GRIDS["fp8"]) * top / 448
    scale = top / (2 ** (int(precision[3:]) - 1) - 1)
    return np.rint(values / scale) * scale


def drawn(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.3


@EVERY
@SCHEME
@pytest.mark.parametrize("shape", SHAPES)
def test_values_are_the_reference_s(precision, scheme, shape):
    weight = drawn(shape, seed=len(shape))
    weight.flatten()[0] = 0
    coarse = rounded(weight, precision, scheme)
    assert coarse.dtype == torch.float32 and coarse.shape == weight.shape
    np.testing.assert_allclose(coarse.numpy(), reference(weight.numpy(), precision, scheme), rtol=1e-6, atol=0)


@pytest.mark.parametrize("precision", GRIDS)
def test_the_grids_are_torch_s(precision):
    """All bit patterns of the format, so that the reference's grid is not ours alone."""
    dtype = CASTS.get(precision, torch.float8_e4m3fn)
    patterns = torch.arange(256 if precision == "fp8" else 65536).to(torch.uint8 if precision == "fp8" else torch.int32)
    patterns = patterns if precision == "fp8" else patterns.to(torch.uint16)
    values = patterns.view(dtype).double()
    np.testing.assert_array_equal(values[values.isfinite() & ~values.signbit()].sort().values.numpy(), GRIDS[precision])


@pytest.mark.parametrize("precision", GRIDS)
def test_floats_of_every_size_go_to_the_nearest(precision):
    """Subnormals and ties of the format, too; with 448 in it an fp8 tensor has scale 1."""
    points = GRIDS[precision][GRIDS[precision] < 1e37]
    normal = points[points > 1e-37]  # as float32
    weight = np.concatenate([normal, (normal[1:] + normal[:-1]) / 2, normal * 1.01])
    weight = np.append(weight[weight <= points[-1]], 0).astype(np.float32)
    for sign in (1, -1):
        coarse = rounded(torch.from_numpy(sign * weight), precision, "tensor").numpy()
        np.testing.assert_array_equal(coarse, sign * nearest(weight.astype(np.float64), points))


@given(weight=tensors)
def test_ties_go_to_even_exactly(weight):
    """In rational numbers, where a tie is a tie: half the largest always is one, as the number of steps is odd."""
    largest = np.abs(weight).max()
    weight, top = np.append(weight, largest / 2), Fraction(float(largest))
    for precision in INTEGERS:
        steps = 2 ** (int(precision[3:]) - 1) - 1
        exact = [float(round(Fraction(float(v)) * steps / top) * top / steps) if top else 0 for v in weight]
        coarse = rounded(torch.from_numpy(weight), precision, "tensor")
        np.testing.assert_array_equal(coarse.numpy(), np.array(exact).astype(np.float32), precision)


@UNIFORM
def test_half_the_largest_is_a_tie_whatever_the_scale(precision):
    """The number of steps is odd; the scale itself is no float, and one divided by it would miss some of these."""
    steps = 2 ** (int(precision[3:]) - 1) - 1
    top = drawn((2000, 1)).abs() + 0.01
    coarse = rounded(torch.cat([top, top / 2], 1), precision, "channel")[:, 1:].double() / top * steps
    torch.testing.assert_close(coarse, torch.full_like(coarse, round(steps / 2)), rtol=0, atol=1e-4)


@UNIFORM
@SCHEME
@pytest.mark.parametrize("exponent", [-40, -3, 0, 5, 40])
def test_constructed_ties_go_to_even_at_every_scale(precision, scheme, exponent):
    """Of a tensor and of its rows: all values half-way between two levels, the largest being a whole number of steps.

    Powers of two scale without rounding, so nothing else may change. Rows differ by odd factors.
    """
    steps = 2 ** (int(precision[3:]) - 1) - 1
    halves = torch.arange(-2 * steps, 2 * steps + 1)  # of a step
    below = halves.div(2, rounding_mode="floor")
    levels = torch.where(halves % 2 == 0, below, below + below % 2)  # ties go to the even one of their neighbours
    factors = torch.tensor([[1.0], [3.0], [5.0]]) if scheme == "channel" else torch.ones(3, 1)
    unit = factors * 2.0**exponent
    coarse = rounded(halves * unit, precision, scheme)
    assert coarse.equal(levels * (2 * unit))
    assert rounded(halves.flip(0) * unit, precision, scheme).equal(coarse.flip(1))


@given(weight=tensors, exponent=st.integers(-30, 30))
def test_scaling_by_powers_of_two_changes_nothing(weight, exponent):
    weight, scale = torch.from_numpy(weight), 2.0**exponent
    for precision, scheme in POINTS:
        if precision in SCALED or precision == "bf16":  # fp16 has fewer exponents
            assert rounded(weight * scale, precision, scheme).equal(rounded(weight, precision, scheme) * scale)


def test_known_values():
    weight = torch.tensor([-1.0, -0.5, -0.49, 0.0, 0.5, 0.51, 0.75, 1.0])
    assert rounded(weight, "int2", "tensor").tolist() == [-1, 0, 0, 0, 0, 1, 1, 1]
    assert rounded(3 * weight, "int3", "tensor").tolist() == [-3, -2, -1, 0, 2, 2, 2, 3]
    mean = float(weight.abs().double().mean())
    assert rounded(weight, "int1", "tensor").tolist() == pytest.approx([-mean] * 3 + [mean] * 5)
    assert rounded(torch.tensor([1e6, 1.0]), "fp16", "tensor").tolist() == [float("inf"), 1]


@given(weight=tensors)
def test_rounding_again_changes_nothing(weight):
    for name in POINTS:
        once = rounded(torch.from_numpy(weight), *name)
        torch.testing.assert_close(rounded(once, *name), once, rtol=1e-6, atol=0, msg=str(name))


@given(weight=tensors)
def test_there_are_no_more_levels_than_bits_allow(weight):
    for precision, bits in BITS.items():
        levels = len(rounded(torch.from_numpy(weight), precision, "tensor").unique())
        assert levels <= (2 if bits == 1 else 2**bits - 1), precision


@UNIFORM
def test_all_levels_are_used(precision):
    bits = int(precision[3:])
    weight = torch.linspace(-1, 1, 2001)
    assert len(rounded(weight, precision, "tensor").unique()) == 2**bits - 1


@given(weight=tensors)
def test_the_error_is_at_most_half_a_step(weight):
    for precision, scheme in POINTS:
        if precision not in INTEGERS:
            continue
        rows = weight.reshape(len(weight) if scheme == "channel" and weight.ndim > 1 else 1, -1).astype(np.float64)
        scale = np.abs(rows).max(1, keepdims=True) / (2 ** (int(precision[3:]) - 1) - 1)
        error = np.abs(rounded(torch.from_numpy(weight), precision, scheme).numpy().reshape(rows.shape) - rows)
        assert (error <= scale / 2 + 1e-6 * np.abs(rows)).all(), (precision, scheme)


@given(weight=tensors)
def test_the_error_of_fp8_is_at_most_half_its_last_bit(weight):
    top = np.abs(weight.astype(np.float64)).max()
    error = np.abs(rounded(torch.from_numpy(weight), "fp8", "tensor").numpy().astype(np.float64) - weight)
    assert (error <= np.maximum(np.abs(weight) / 16, top / 448 * 2**-10) * (1 + 1e-6)).all()


@given(weight=tensors)
def test_signs_are_symmetric_and_zeros_stay(weight):
    """But for one bit, which has no zero: there a zero is positive, unless all that share the scale are zero."""
    weight = torch.from_numpy(weight)
    zero = weight == 0
    for name in POINTS:
        coarse, mirrored = rounded(weight, *name), rounded(-weight, *name)
        assert coarse[~zero].equal(-mirrored[~zero]) and (coarse * weight >= 0).all(), name
        if name[0] == "int1":
            assert (coarse[zero] >= 0).all() and coarse[zero].equal(mirrored[zero]), name
        else:
            assert (coarse[zero] == 0).all(), name


@given(weight=tensors)
def test_a_channel_is_a_tensor_of_its_own(weight):
    """And of one dimension, such as a bias, all is one."""
    weight = torch.from_numpy(weight)
    for precision in PRECISIONS:
        rows = [weight] if weight.dim() == 1 else weight
        alone = torch.stack([rounded(row, precision, "tensor") for row in rows]).view_as(weight)
        assert rounded(weight, precision, "channel").equal(alone), precision


@pytest.mark.parametrize("precision", SCALED)
@SCHEME
def test_nothing_but_zeros_stays(precision, scheme):
    weight = drawn((3, 4))
    weight[1] = 0
    assert rounded(torch.zeros(3, 4), precision, scheme).equal(torch.zeros(3, 4))
    coarse = rounded(weight, precision, scheme)
    assert coarse.isfinite().all() and (scheme == "tensor" or coarse[1].equal(torch.zeros(4)))


def test_channels_have_scales_of_their_own():
    """A small row beside a large one: of one scale nothing is left of it."""
    weight = torch.tensor([[100.0, 50.0], [0.1, 0.05]])
    assert rounded(weight, "int4", "tensor")[1].tolist() == [0, 0]
    assert rounded(weight, "int4", "channel")[1].tolist() == pytest.approx([0.1, 4 / 7 * 0.1])


@pytest.mark.parametrize(("precision", "scheme", "named"), [("int9", "tensor", "int9"), ("int8", "row", "row")])
def test_what_does_not_exist_is_named(precision, scheme, named):
    network = build({"family": "dnn", "shape": [1, 2, 2], "classes": 2, "hidden": [3]})
    for call in (lambda: reduced(network, precision, scheme), lambda: size_bits(network, precision, scheme)):
        with pytest.raises(UserError, match=rf"^(precision|scheme): '{named}' is not allowed; allowed: .*$"):
            call()


@pytest.fixture(scope="module")
def splits(data_item):
    return {name: load_split(data_item, name) for name in ("train", "validation", "test")}


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
@SCHEME
def test_every_parameter_of_a_copy_is_rounded(sweep_items, family, scheme):
    network = load_networks(sweep_items[family])[0]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    coarse = reduced(network, "int3", scheme)
    for name, parameter in coarse.named_parameters():
        assert parameter.detach().equal(rounded(before[name], "int3", scheme)), name
        assert not parameter.detach().equal(before[name]) or before[name].numel() < 10, name
    assert all(tensor.equal(before[name]) for name, tensor in network.state_dict().items())
    assert coarse.spec() == network.spec()


def test_buffers_stay():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4))
    network[1].running_mean = drawn(4)
    coarse = reduced(network, "int2", "tensor")
    assert coarse[1].running_mean.equal(drawn(4)) and not coarse[0].weight.equal(network[0].weight)


@EVERY
def test_size_of_a_dnn(precision):
    """Weights [16, 64], [16, 16], [10, 16] and biases of one dimension."""
    network = build({"family": "dnn", "shape": [1, 8, 8], "classes": 10, "hidden": [16, 16]})
    count = 65 * 16 + 17 * 16 + 17 * 10
    scaled = precision in SCALED
    assert parameters(network) == count
    assert size_bits(network, precision, "tensor") == count * BITS[precision] + scaled * 32 * 6
    assert size_bits(network, precision, "channel") == count * BITS[precision] + scaled * 32 * (16 + 16 + 10 + 3)


CONFIG = {"kind": "curve", "precisions": list(PRECISIONS), "schemes": ["channel", "tensor"]}


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture
def run(tmp_path, splits):
    """run(config, networks) -> what the curve returned, and its folder."""

    def go(config, networks, splits=splits):
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        return precision_curve(config, networks, splits, out), out

    return go


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_a_curve_has_every_precision_of_every_repeat(run, sweep_items, splits, family):
    networks = load_networks(sweep_items[family])
    results, out = run(CONFIG, networks)
    total = parameters(networks[0])
    assert results == {
        "simulated": True,
        "precisions": list(PRECISIONS),
        "schemes": list(SCHEMES),
        "repeats": [{"repeat": repeat, "status": "ok", "parameters": total} for repeat in (0, 1)],
    }
    curve_rows, test_rows = rows(out / "curve.csv"), rows(out / "test.csv")
    measures = ["validation_loss", "validation_accuracy"]
    assert list(curve_rows[0]) == ["repeat", "precision", "scheme", "bits", "bytes", *measures]
    assert list(test_rows[0]) == ["repeat", "precision", "scheme", "accuracy"]
    assert [(row["precision"], row["scheme"]) for row in curve_rows] == 2 * POINTS
    for row, tested in zip(curve_rows, test_rows, strict=True):
        name = row["precision"], row["scheme"]
        coarse = Tied(reduced(networks[int(row["repeat"])], *name))
        assert [tested[key] for key in ("repeat", "precision", "scheme")] == [row["repeat"], *name]
        assert int(row["bits"]) == BITS[row["precision"]]
        assert 0 <= 8 * int(row["bytes"]) - size_bits(coarse, *name) < 8
        measured = evaluate(coarse, splits["validation"])
        assert (float(row["validation_loss"]), float(row["validation_accuracy"])) == (measured.loss, measured.accuracy)
        assert float(tested["accuracy"]) == evaluate(coarse, splits["test"]).accuracy


def test_eight_bits_cost_little_and_one_bit_much(run, sweep_items):
    trained = json.loads((sweep_items["cnn"] / "results.json").read_text())
    _, out = run(CONFIG, load_networks(sweep_items["cnn"]))
    reached = {(row["repeat"], row["precision"], row["scheme"]): row for row in rows(out / "curve.csv")}
    for entry in trained["repeats"]:
        accuracy = {name: float(reached[str(entry["repeat"]), *name]["validation_accuracy"]) for name in POINTS}
        best = accuracy["fp32", "tensor"]
        assert best == pytest.approx(entry["best"]["validation_accuracy"], abs=0.005)
        assert accuracy["int8", "channel"] > best - 0.02 and accuracy["fp16", "tensor"] > best - 0.01
        assert accuracy["int1", "tensor"] < best - 0.1


def test_what_was_not_asked_for_is_not_measured_but_fp32(run, sweep_items):
    results, out = run({"precisions": ["int4", "bf16"], "schemes": ["channel"]}, load_networks(sweep_items["dnn"]))
    assert (results["precisions"], results["schemes"]) == (["fp32", "bf16", "int4"], ["channel"])
    names = [(row["precision"], row["scheme"]) for row in rows(out / "curve.csv") if row["repeat"] == "1"]
    assert names == [("fp32", "tensor"), ("bf16", "tensor"), ("int4", "channel")]


def test_running_again_gives_the_same_bytes_whatever_the_memory(run, sweep_items, monkeypatch):
    networks = load_networks(sweep_items["vit"])
    first = contents(run(CONFIG, networks)[1])
    assert contents(run(CONFIG, networks)[1]) == first
    monkeypatch.setattr("minarch.curve.HELD_BYTES", 1)
    assert contents(run(CONFIG, networks)[1]) == first


def test_the_test_split_reaches_only_its_own_file(run, sweep_items, data_item, splits, tmp_path):
    networks = load_networks(sweep_items["dnn"])
    other = tmp_path / "data"
    shutil.copytree(data_item, other)
    shutil.copy(other / "validation.safetensors", other / "test.safetensors")
    results, out = run(CONFIG, networks)
    again, other_out = run(CONFIG, networks, splits | {"test": load_split(other, "test")})
    before, after = contents(out), contents(other_out)
    assert results == again and [name for name in before if before[name] != after[name]] == ["test.csv"]


def test_a_repeat_that_is_not_finite_is_recorded_and_left_out(run, sweep_items, tmp_path):
    item = tmp_path / "broken"
    shutil.copytree(sweep_items["dnn"], item)
    tensors = load_file(item / "best.safetensors")
    tensors["1.classifier.weight"][0, 0] = torch.inf
    save_file(tensors, item / "best.safetensors")
    networks = load_networks(item)
    results, out = run(CONFIG, networks)
    assert [entry["status"] for entry in results["repeats"]] == ["ok", "unstable"]
    assert {row["repeat"] for name in ("curve.csv", "test.csv") for row in rows(out / name)} == {"0"}
    for none in ({1: networks[1]}, {}):
        results, out = run(CONFIG, none)
        assert [entry["status"] for entry in results["repeats"]] == ["unstable"] * len(none)
        assert rows(out / "curve.csv") == rows(out / "test.csv") == []
        assert len((out / "curve.csv").read_text().splitlines()) == 1


def test_a_weight_too_large_for_fp16_has_no_loss(run, sweep_items):
    network = load_networks(sweep_items["dnn"])[0]
    with torch.no_grad():
        network.classifier.weight[0] = 1e6
    _, out = run({"precisions": ["fp16", "bf16"], "schemes": ["tensor"]}, {0: network})
    losses = {row["precision"]: row["validation_loss"] for row in rows(out / "curve.csv")}
    assert losses["fp16"] == "" and losses["bf16"] != ""
