"""Precision, backend and control: what each quantization makes of a network."""

import pytest
import torch
from quantize_items import CONFIGS, ConvolutionalNetwork

from minarch.errors import UserError
from minarch.models.weights import load_networks
from minarch.quantization import int8
from minarch.quantization.export import Deployed, export, save
from minarch.quantization.int8 import calibration_images
from minarch.quantization.measure import accuracy, core, runner
from minarch.quantization.methods import Source, quantize
from minarch.quantization.preprocessing import Preprocessing
from minarch.quantization.storage import with_halved_tables
from minarch.quiet import openvino as ov
from minarch.training.evaluate import evaluate

DIGITS = Preprocessing("digits", [1, 8, 8], [str(digit) for digit in range(10)], resize=False)


def source(network, splits, name="dnn"):
    model = export(Deployed(network, splits["train"].mean, splits["train"].std), DIGITS.shape, name)
    return Source(network, model, name, name == "vit", 0)


@pytest.fixture
def images(splits):
    return calibration_images(splits["train"].images, 64, seed=0)


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
@pytest.mark.parametrize("name", ["plain", "accurate", "torch"])
def test_int8_agrees_with_the_network(sweep_items, splits, images, family, name):
    original = source(load_networks(sweep_items[family])[0], splits, family)
    validation = splits["validation"]
    expected = original.network(validation.batch(slice(None))).argmax(1)
    before = evaluate(original.network, validation).accuracy
    quantized = quantize(CONFIGS[name], original, splits, images)
    logits = runner(quantized.model)(validation.images)
    assert (logits.argmax(1) == expected).double().mean() >= 0.93
    assert abs(accuracy(logits, validation.labels) - before) < 0.04
    assert evaluate(original.network, validation).accuracy == before  # it is a copy that was quantized
    assert (quantized.network is not None) == (name == "torch")
    assert quantized.reverted is None and quantized.qat is None


@pytest.mark.parametrize("count", [64, 50])
@pytest.mark.parametrize("family", ["dnn", "cnn", "resnet"])
def test_images_that_are_computed_together_calibrate_as_one_by_one(
    sweep_items, resnet_items, splits, images, monkeypatch, family, count
):
    item = resnet_items["basic"] if family == "resnet" else sweep_items[family]
    original = source(load_networks(item)[0], splits, family)
    logits = []
    for at_once in (int8.AT_ONCE, 1):
        monkeypatch.setattr(int8, "AT_ONCE", at_once)
        quantized = quantize(CONFIGS["plain"], original, splits, images[:count])
        logits.append(runner(quantized.model)(splits["test"].images))
    together, alone = logits
    near = (together - alone).abs() <= 1e-4 * alone.abs().max()  # a value between two levels may become either
    assert near.double().mean() > 0.95 and (together.argmax(1) == alone.argmax(1)).double().mean() > 0.99


def test_attention_is_calibrated_image_by_image(sweep_items, splits):
    attention = {
        family: int8.attends(source(load_networks(item)[0], splits).model) for family, item in sweep_items.items()
    }
    assert attention == {"dnn": False, "cnn": False, "vit": True}


def test_accuracy_control_names_the_layers_that_are_float_again_and_keeps_its_bound(
    damaged_item, splits, images, tmp_path
):
    original = source(load_networks(damaged_item)[0], splits)
    validation = splits["validation"]
    made = {name: quantize(CONFIGS[name], original, splits, images) for name in ("plain", "controlled")}
    reached = {
        name: accuracy(runner(quantized.model)(validation.images), validation.labels)
        for name, quantized in made.items()
    }
    base = accuracy(runner(original.model)(validation.images), validation.labels)
    assert base - reached["plain"] > 0.1
    assert base - reached["controlled"] <= 0.01
    reverted = made["controlled"].reverted
    assert reverted and set(reverted) < {"hidden.0", "hidden.1", "classifier"}
    sizes = {}
    for name, quantized in made.items():
        save(quantized.model, tmp_path / f"{name}.xml", DIGITS)
        sizes[name] = (tmp_path / f"{name}.bin").stat().st_size
    weights = {name: module.weight.numel() for name, module in original.network.named_modules() if name in reverted}
    grown = 3 * sum(weights.values())  # 4 bytes each instead of 1; scales go
    assert 0.7 * grown < sizes["controlled"] - sizes["plain"] <= grown


def test_accuracy_control_leaves_alone_what_loses_little(sweep_items, splits, images):
    original = source(load_networks(sweep_items["dnn"])[0], splits)
    plain, controlled = (
        quantize(CONFIGS["plain"] | extra, original, splits, images) for extra in ({}, {"max_drop_points": 50.0})
    )
    assert controlled.reverted == []
    validation = splits["validation"].images
    assert runner(controlled.model)(validation).equal(runner(plain.model)(validation))


def test_only_what_loses_more_than_the_threshold_is_trained(damaged_item, splits, images):
    original = source(load_networks(damaged_item)[0], splits)
    qat = CONFIGS["qat"]["qat"] | {"epochs": 6}  # the first ones may be worse than the start
    before = evaluate(original.network, splits["validation"]).accuracy
    trained, untrained = (
        quantize(CONFIGS["torch"] | {"qat": qat | {"above_points": points}}, original, splits, images)
        for points in (1.0, 90.0)
    )
    assert trained.qat["trained"] and not untrained.qat["trained"]
    assert trained.qat["validation_before"] == untrained.qat["validation_before"] < before
    plain = quantize(CONFIGS["torch"], original, splits, images)
    test = splits["test"].images
    assert runner(untrained.model)(test).equal(runner(plain.model)(test))
    assert not runner(trained.model)(test).equal(runner(plain.model)(test))


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
@pytest.mark.parametrize("precision", ["int4", "nf4"])
def test_four_bits_run_and_are_smaller(sweep_items, splits, images, tmp_path, family, precision):
    """Smaller than INT8 where all weights are in linear layers; a CNN's convolutions stay float."""
    original = source(load_networks(sweep_items[family])[0], splits, family)
    validation = splits["validation"]
    size = {}
    for name in ("plain", precision):
        quantized = quantize(CONFIGS[name], original, splits, images)
        save(quantized.model, tmp_path / f"{name}.xml", DIGITS)
        size[name] = (tmp_path / f"{name}.bin").stat().st_size
    save(original.model, tmp_path / "fp32.xml", DIGITS)
    assert size[precision] < (size["plain"] if family != "cnn" else (tmp_path / "fp32.bin").stat().st_size)
    logits = runner(tmp_path / f"{precision}.xml")(validation.images)
    expected = original.network(validation.batch(slice(None))).argmax(1)
    assert (logits.argmax(1) == expected).double().mean() > 0.85


@pytest.mark.parametrize("precision", ["int4", "nf4"])
def test_a_network_without_linear_layers_has_no_four_bits(splits, images, precision):
    original = source(ConvolutionalNetwork([1, 8, 8], 10).eval(), splits, "mine")
    with pytest.raises(UserError, match=rf"'{precision}' is not allowed for mine, .*allowed: int8") as raised:
        quantize(CONFIGS[precision], original, splits, images)
    assert "\n" not in str(raised.value)


def test_large_tables_take_half_and_weights_stay(tmp_path):
    parameter = ov.opset1.parameter([-1, 300], ov.Type.f32)
    torch.manual_seed(0)
    table, weight = torch.randn(1, 300), torch.randn(300, 300)
    product = ov.opset1.matmul(parameter, ov.op.Constant(weight.numpy()), False, False)
    model = ov.Model([ov.opset1.add(product, ov.op.Constant(table.numpy()))], [parameter], "m")
    halved = with_halved_tables(model)
    for name, variant in (("whole", model), ("halved", halved)):
        save(variant, tmp_path / f"{name}.xml", DIGITS)
    sizes = [(tmp_path / f"{name}.bin").stat().st_size for name in ("whole", "halved")]
    assert sizes == [4 * (300 * 300 + 300), 4 * 300 * 300 + 2 * 300]
    values = torch.randn(5, 300)
    expected, logits = (
        torch.from_numpy(core().compile_model(variant, "CPU")(values.numpy())[0]) for variant in (model, halved)
    )
    assert (logits - expected).abs().max() <= 2**-11 * table.abs().max() + 1e-4
    assert not logits.equal(expected)
