"""Exported files: they compute what the network did, from raw pixels, for any batch, the same bytes each time."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from quantize_items import PLAIN, ConvolutionalNetwork, SpectralNetwork

from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.cost import parameters
from minarch.models.weights import load_networks
from minarch.quantization.export import Deployed, export, save
from minarch.quantization.files import Exported
from minarch.quantization.int8 import calibration_images
from minarch.quantization.measure import core, latency_ms, runner
from minarch.quantization.methods import Source, quantize
from minarch.quantization.onnx import stored_bytes
from minarch.quantization.preprocessing import Preprocessing, read_preprocessing

FAMILIES = pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
DIGITS = Preprocessing("digits", [1, 8, 8], [str(digit) for digit in range(10)], resize=False)


@pytest.fixture(scope="module")
def exported(sweep_items, splits, tmp_path_factory):
    """Family -> (network, folder with fp32-0.* and int8-0.*)."""
    items = {}
    for family, item in sweep_items.items():
        network, folder = load_networks(item)[0], tmp_path_factory.mktemp(family)
        write_both(network, splits, folder, family)
        items[family] = (network, folder)
    return items


def write_both(network, splits, folder, family):
    deployed = Deployed(network, splits["train"].mean, splits["train"].std)
    model = export(deployed, DIGITS.shape, family)
    images = calibration_images(splits["train"].images, 64, seed=0)
    quantized = quantize(PLAIN, Source(network, model, family, family == "vit", 0), splits, images)
    models = {"fp32": model, "int8": quantized.model}
    Exported(folder, 0, models, {"fp32": deployed, "int8": quantized.network}).write(DIGITS, family)


@FAMILIES
@pytest.mark.parametrize("batch", [1, 7, 100])
def test_fp32_logits_equal_torch_s_for_any_batch(exported, splits, family, batch):
    network, folder = exported[family]
    split = splits["validation"]
    with torch.no_grad():
        expected = network(split.batch(slice(batch))).numpy()
    logits = core().compile_model(folder / "fp32-0.onnx", "CPU")(split.images[:batch].numpy())[0]
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@FAMILIES
def test_the_weights_on_disk_are_real_float32(exported, family):
    """Nothing was compressed to 16 bits: the values take 4 bytes for each parameter, and little more."""
    network, folder = exported[family]
    extra = stored_bytes(onnx.load(folder / "fp32-0.onnx")) - 4 * parameters(network)
    assert 0 <= extra < 700


@FAMILIES
def test_int8_files_hold_integers(exported, family):
    _, folder = exported[family]
    assert TensorProto.INT8 in {tensor.data_type for tensor in onnx.load(folder / "int8-0.onnx").graph.initializer}


BIG = {
    "dnn": {"family": "dnn", "hidden": [64, 64]},
    "cnn": {"family": "cnn", "channels": [8]},
    "vit": {"family": "vit", "patch": 7, "width": 48, "head_size": 12, "heads": [4] * 3, "ffn": [96] * 3},
    "vit-positions": {"family": "vit", "patch": 4, "width": 64, "head_size": 16, "heads": [4] * 2, "ffn": [256] * 2},
}
WHOLE = {"dnn": 0.27, "cnn": 0.28, "vit": 0.45, "vit-positions": 0.35}  # of the file with its graph


@pytest.mark.parametrize("name", BIG)
def test_int8_takes_at_most_three_tenths_above_50_000_parameters(name, splits, tmp_path):
    torch.manual_seed(0)
    network = build(BIG[name] | {"shape": [1, 28, 28], "classes": 10}).eval()
    assert parameters(network) > 50_000
    train = splits["train"]
    images = torch.randint(0, 256, (64, 1, 28, 28), dtype=torch.uint8)
    deployed = Deployed(network, train.mean, train.std)
    model = export(deployed, (1, 28, 28), name)
    quantized = quantize(PLAIN, Source(network, model, name, name.startswith("vit"), 0), splits, images)
    models = {"fp32": model, "int8": quantized.model}
    files = Exported(tmp_path, 0, models, {"fp32": deployed, "int8": quantized.network})
    sizes = files.write(replace(DIGITS, shape=[1, 28, 28]), name)
    int8, float32 = sizes["int8"], sizes["fp32"]
    values, whole = int8.weight_bytes / float32.weight_bytes, int8.bytes / float32.bytes
    assert 0.25 < values <= 0.30
    assert values < whole <= WHOLE[name]


@FAMILIES
def test_the_same_network_is_the_same_bytes(exported, splits, family, tmp_path):
    network, folder = exported[family]
    write_both(network, splits, tmp_path, family)
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in folder.iterdir()}
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (folder / file.name).read_bytes(), file.name


def test_saving_leaves_the_model_alone(sweep_items, splits, tmp_path):
    """Constants that are equal in the file are still apart in the model: quantizing may change one of them."""
    network = load_networks(sweep_items["vit"])[0]
    model = export(Deployed(network, splits["train"].mean, splits["train"].std), DIGITS.shape, "vit")
    before = [(op.get_friendly_name(), op.get_type_name()) for op in model.get_ordered_ops()]
    save(model, tmp_path / "a.xml", DIGITS)
    assert before == [(op.get_friendly_name(), op.get_type_name()) for op in model.get_ordered_ops()]
    stored = core().read_model(tmp_path / "a.xml").get_ordered_ops()
    assert len(stored) < len(before)


@FAMILIES
def test_files_name_no_place(exported, family):
    """Nothing of the machine that wrote them, and nothing of what the tools say of themselves."""
    _, folder = exported[family]
    for file in folder.glob("*.onnx"):
        for word in (b"/src/", b".py", b"nncf/", b"conversion_parameters", str(folder).encode()):
            assert word not in file.read_bytes(), file.name


def test_predictions_do_not_depend_on_the_batch(exported, splits):
    _, folder = exported["cnn"]
    images = splits["validation"].images
    large, small = (runner(folder / "fp32-0.onnx", batch_size=size)(images) for size in (1000, 7))
    assert large.argmax(1).equal(small.argmax(1))


def test_latency_is_ordered_and_positive(exported, splits):
    _, folder = exported["cnn"]
    files = {name: folder / f"{name}-0.onnx" for name in ("fp32", "int8")}
    for batch in (1, 64):
        for ms in latency_ms(files, splits["validation"].images, batch, rounds=3).values():
            assert 0 < ms["low"] <= ms["median"] <= ms["high"]


@pytest.mark.parametrize("batch", [1, 2, 64])
def test_layers_of_one_unit_in_a_row_have_a_latency(splits, tmp_path, batch):
    """Which OpenVINO cannot compile for a fixed batch of 1 or 2."""
    thin = build({"family": "dnn", "shape": [1, 8, 8], "classes": 10, "hidden": [1, 1]}).eval()
    write_both(thin, splits, tmp_path, "dnn")
    files = {name: tmp_path / f"{name}-0.onnx" for name in ("fp32", "int8")}
    for ms in latency_ms(files, splits["validation"].images, batch, rounds=1).values():
        assert ms["median"] > 0


def test_calibration_images_are_a_fixed_subset_without_repetition(splits):
    images = splits["train"].images
    first = calibration_images(images, 50, seed=1)
    assert first.equal(calibration_images(images, 50, seed=1))
    assert not first.equal(calibration_images(images, 50, seed=2))
    source = {image.numpy().tobytes() for image in images}
    assert all(image.numpy().tobytes() in source for image in first)
    assert len({image.numpy().tobytes() for image in first}) == 50
    assert len(calibration_images(images, len(images), seed=1)) == len(images)


def test_what_files_say_of_their_images_is_read_back(exported, sweep_items, splits, tmp_path):
    _, folder = exported["dnn"]
    assert read_preprocessing(folder / "fp32-0.onnx") == DIGITS
    assert read_preprocessing(folder / "int8-0.onnx") == DIGITS
    odd = Preprocessing("my set", [1, 8, 8], ['a> <b> "quoted"', "ä&b;", "", *"defghij"], resize=True)
    train = splits["train"]
    deployed = Deployed(load_networks(sweep_items["dnn"])[0], train.mean, train.std)
    model = export(deployed, odd.shape, "dnn")
    Exported(tmp_path, 0, {"fp32": model}, {"fp32": deployed}).write(odd, "dnn")
    save(model, tmp_path / "fp32-0.xml", odd)
    for suffix in (".xml", ".onnx"):
        assert read_preprocessing(tmp_path / f"fp32-0{suffix}") == odd


@pytest.mark.parametrize("name", ["missing.xml", "text.txt", "empty.xml", "empty.onnx"])
def test_files_of_others_are_refused_in_one_line(tmp_path, name):
    if not name.startswith("missing"):
        (tmp_path / name).write_text("")
    with pytest.raises(UserError, match=rf"{name}: .*allowed: an \.xml") as raised:
        read_preprocessing(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_an_operator_that_openvino_refuses_is_named_in_one_line(splits):
    deployed = Deployed(SpectralNetwork([1, 8, 8], 10), splits["train"].mean, splits["train"].std)
    with pytest.raises(UserError, match=r"mine: OpenVINO refuses it \(.*linalg_eigvalsh.*allowed: ") as raised:
        export(deployed, DIGITS.shape, "mine")
    assert "\n" not in str(raised.value)


def test_a_network_without_linear_layers_is_exported(splits):
    deployed = Deployed(ConvolutionalNetwork([1, 8, 8], 10), splits["train"].mean, splits["train"].std)
    assert export(deployed, DIGITS.shape, "mine").output().get_names() == {"logits"}


def test_importing_starts_no_thread_and_no_telemetry():
    """Stages are imported once and forked per job: a thread would not survive that."""
    code = (
        "import sys, threading, minarch.quantize; "
        "sys.exit(threading.active_count() > 1 or sys.modules['openvino_telemetry'] is not None"
        " or any(name.startswith('minarch.pruning.') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
