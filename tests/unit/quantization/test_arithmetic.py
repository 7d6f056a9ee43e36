"""INT8 files for any processor compute the same without VNNI; those for VNNI saturate there, and that is told apart.

The other kind of processor is this one, its oneDNN kept from VNNI. AVX512_CORE is the limit for it, which is none where
there is no AVX-512: OpenVINO itself does not know of it, and at AVX2 may still choose what needs AVX-512, and fail.
"""

import json
import os
import platform
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from quantize_items import CONFIGS, PLAIN, QAT, change_weights

from minarch.files import read_json
from minarch.flow.stages.quantize import Quantization
from minarch.models.build import build
from minarch.models.families import architecture
from minarch.models.weights import load_networks
from minarch.quantization.arithmetic import float_logits, in_float, int8_kernel, saturates
from minarch.quantization.export import Deployed, export
from minarch.quantization.files import Exported
from minarch.quantization.int8 import calibration_images
from minarch.quantization.measure import core, runner
from minarch.quantization.methods import Source, quantize
from minarch.quantization.parity import torch_logits
from minarch.quantization.preprocessing import Preprocessing
from minarch.quiet import openvino as ov

DIGITS = Preprocessing("digits", [1, 8, 8], [str(digit) for digit in range(10)], resize=False)
LARGEST = 2**15 // (2 * 255)  # of a weight: two products with activations of 8 bits are a number of 16 bits
METHODS = {name: CONFIGS[name] for name in ("plain", "accurate", "controlled", "torch")}
METHODS |= {"trained": CONFIGS["torch"] | {"qat": QAT | {"epochs": 2, "learning_rate": 0.03, "above_points": 0.0}}}
METHODS |= {"symmetric": PLAIN | {"preset": "performance"}}
WITHOUT_VNNI = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}
SATURATES = "from minarch.quantization.arithmetic import saturates; assert saturates()"
RUN = f"""
{SATURATES}
import sys
from pathlib import Path
import numpy as np
import torch
from minarch.quantization.measure import runner

images = torch.from_numpy(np.load(sys.argv[1]))
for file in sys.argv[2:]:
    np.save(f"{{file}}.npy", runner(Path(file))(images).numpy())
"""
WORK = f"""
{SATURATES}
import json, sys
from pathlib import Path
from minarch.quantize import work

config, data, parent, out = json.loads(sys.argv[1])
work(config, {{"data": Path(data), "parent": Path(parent)}}, Path(out))
"""
without_vnni = pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors have no such limit")


@pytest.fixture(scope="module")
def networks(sweep_items):
    torch.manual_seed(0)
    by_name = {family: load_networks(item)[0] for family, item in sweep_items.items()}
    by_name |= {"other dnn": load_networks(sweep_items["dnn"])[1]}
    return by_name | {"resnet": build(architecture("resnet", {"depth": 18, "width": 4}).spec([1, 8, 8], 10)).eval()}


@pytest.fixture(scope="module")
def flat_item(sweep_items, tmp_path_factory):
    """The DNN with weights of one size, so that each is the largest there is."""
    item = tmp_path_factory.mktemp("flat") / "item"
    shutil.copytree(sweep_items["dnn"], item)
    change_weights(item, lambda name, tensor: 0.1 * tensor.sign() if name.endswith("weight") else tensor)
    return item


@pytest.fixture
def written(networks, splits, tmp_path):
    """written(family, config) -> the exported files."""

    def write(family, config):
        network = networks[family]
        deployed = Deployed(network, splits["train"].mean, splits["train"].std)
        model = export(deployed, DIGITS.shape, family)
        images = calibration_images(splits["train"].images, 64, seed=0)
        quantized = quantize(config, Source(network, model, family, family == "vit", 0), splits, images)
        files = Exported(
            tmp_path,
            len(list(tmp_path.glob("fp32-*.onnx"))),
            {"fp32": model, config["precision"]: quantized.model},
            {"fp32": deployed, config["precision"]: quantized.network},
        )
        files.write(DIGITS, family)
        return files

    return write


def weights(path):
    """The integers of all layers."""
    constants = [operation for operation in core().read_model(path).get_ops() if not operation.inputs()]
    return [abs(c.data.astype(int)) for c in constants if c.get_element_type().get_type_name() == "i8"]


def factors(model):
    """What the factors of attention's products are made by, before they are moved about."""
    for product in model.get_ops():
        for factor in product.input_values()[:2] if product.get_type_name() == "ScaledDotProductAttention" else ():
            node = factor.get_node()
            while node.get_type_name() in ("Transpose", "Reshape"):
                node = node.input_value(0).get_node()
            yield node.get_type_name()


@without_vnni
@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_files_for_any_processor_compute_the_same_without_vnni(written, splits, tmp_path, family):
    made = [written(family, METHODS[name]) for name in ("plain", "torch", "trained")]
    paths = [files.path("int8") for files in made]
    assert [path.suffix for path in paths] == [".onnx"] * 3
    images = splits["test"].images
    np.save(tmp_path / "images.npy", images.numpy())
    command = [sys.executable, "-c", RUN, str(tmp_path / "images.npy"), *map(str, paths)]
    subprocess.run(command, check=True, env=WITHOUT_VNNI)
    for path in paths:
        (expected,) = float_logits([core().read_model(path)], images)
        logits = torch.from_numpy(np.load(f"{path}.npy"))
        assert (logits - expected).abs().amax(1).median() <= 1e-3 * expected.abs().max(), path.name
        assert (logits.argmax(1) == expected.argmax(1)).double().mean() > 0.99, path.name


@pytest.mark.parametrize(
    ("family", "name"),
    [*(("dnn", name) for name in METHODS), ("vit", "plain"), ("vit", "torch"), ("cnn", "trained"), ("resnet", "plain")],
)
def test_only_for_vnni_weights_have_8_bits_and_activations_are_multiplied_at_8_bits(written, family, name):
    for target in ("any", "vnni"):
        files = written(family, METHODS[name] | {"target": target})
        largest = [int(integers.max()) for integers in weights(files.path("int8"))]
        assert all((value <= LARGEST) == (target == "any") for value in largest), largest
        made_by = set(factors(files.models["int8"]))
        assert ("FakeQuantize" in made_by) == (family == "vit" and target == "vnni")


@without_vnni
@pytest.mark.parametrize("target", ["any", "vnni"])
def test_without_vnni_a_study_goes_on_and_says_what_saturated(flat_item, data_item, tmp_path, target):
    config = CONFIGS["torch"] | {"target": target}
    arguments = json.dumps([config, *map(str, (data_item, flat_item, tmp_path))])
    subprocess.run([sys.executable, "-c", WORK, arguments], check=True, env=WITHOUT_VNNI)
    for tested in read_json(tmp_path / "test.json")["repeats"]:
        assert tested["processor_parity"]["int8.onnx"]["saturated"] == (target == "vnni")
        assert tested["parity"]["int8.onnx"]["median_difference"] < 1e-3 * tested["parity"]["int8.onnx"]["bound"]
    timing = read_json(tmp_path / "timing.json")
    assert timing["int8_saturates"] is True and "vnni" not in timing["int8_kernel"]


@pytest.mark.parametrize("target", ["any", "vnni"])
@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_in_float_no_product_is_of_integers_and_torch_agrees(written, splits, family, target):
    files = written(family, CONFIGS["torch"] | {"target": target})
    images = splits["test"].images
    expected = torch_logits(files.networks["int8"], images)
    for model in (core().read_model(files.path("int8")), files.models["int8"]):
        compiled = core().compile_model(in_float(model), "CPU")
        layers = [operation.get_rt_info() for operation in compiled.get_runtime_model().get_ops()]
        kernels = {layer["layerType"].astype(str): layer["primitiveType"].astype(str) for layer in layers}
        products = {kernels[kind] for kind in ("FullyConnected", "Convolution", "MatMul") if kind in kernels}
        assert products and all(kernel.lower().endswith("f32") for kernel in products), products
        differences = (float_logits([model], images)[0] - expected).abs().amax(1)
        assert differences.median() <= 1e-3 * expected.abs().max()


def test_in_float_pixels_are_quantized_to_the_nearest_level():
    """All values of a pixel, normalised and quantized, then multiplied by weights of 8 bits."""
    low, step, mean, std = (np.float32(value) for value in (-0.8199767, 0.01108077, 73.4, 90.46))
    pixels = ov.opset1.parameter([-1, 1, 1, 256], ov.Type.u8)
    normalised = ov.opset1.divide(ov.opset1.subtract(ov.opset1.convert(pixels, "f32"), mean), std)
    high = low + 255 * step
    quantized = ov.opset1.fake_quantize(normalised, low, high, low, high, 256)
    integers = ov.opset1.convert(ov.op.Constant(np.full((1, 1, 1, 1), 64, np.int8)), "f32")
    weights = ov.opset1.multiply(integers, np.float32(1 / 64))
    product = ov.opset1.convolution(quantized, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    images = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 1, 256)
    (levels,) = float_logits([ov.Model([product], [pixels], "pixels")], images)
    exact = ((images.double() - float(mean)) / float(std) - float(low)) / float(step)
    assert (levels - (float(low) + float(step) * exact.round().clip(0, 255))).abs().max() < 1e-3 * step


@pytest.mark.parametrize("precision", ["int4", "nf4"])
def test_beside_weights_of_4_bits_activations_are_float(written, splits, precision):
    """Unless told otherwise OpenVINO rounds them to 8 bits on some processors."""
    path = written("dnn", CONFIGS[precision]).path(precision)
    assert path.suffix == ".xml"
    images = splits["test"].images
    (expected,) = float_logits([core().read_model(path)], images)
    assert (runner(path)(images) - expected).abs().amax(1).median() <= 1e-3 * expected.abs().max()


def test_a_wrong_file_is_an_exporter_s_bug_on_every_processor(written, splits):
    """It holds the weights of another network; whether products saturate has no say in that."""
    files, others = (written(network, CONFIGS["vnni"]) for network in ("dnn", "other dnn"))
    shutil.copy(others.path("int8"), files.path("int8"))
    with pytest.raises(RuntimeError, match=r"int8\.onnx is not what was exported"):
        files.measure(splits, "vnni")


def test_the_kernel_is_named():
    kernel, saturated = int8_kernel()
    assert kernel.lower().endswith("i8") and saturated == saturates()


@pytest.mark.parametrize("precision", ["int4", "nf4"])
def test_a_target_has_no_effect_but_on_int8(precision):
    with pytest.raises(ValidationError, match="target: 'vnni' has no effect but on int8; allowed: any"):
        Quantization(precision=precision, target="vnni")
