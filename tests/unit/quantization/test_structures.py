"""Bottlenecks, removed branches, cut widths and depthwise convolutions are exported and quantized as the rest is."""

import pytest
import torch

from minarch.models.build import build
from minarch.quantization.arithmetic import float_logits
from minarch.quantization.export import Deployed, export
from minarch.quantization.files import Exported
from minarch.quantization.int8 import calibration_images
from minarch.quantization.measure import accuracy, agreement, core, runner
from minarch.quantization.methods import Source, quantize
from minarch.quantization.parity import parity, torch_logits
from minarch.quantization.preprocessing import Preprocessing
from minarch.training.loop import Recipe, train

DIGITS = Preprocessing("digits", [1, 8, 8], [str(digit) for digit in range(10)], resize=False)
RESNET = {"family": "resnet", "shape": [1, 8, 8], "classes": 10, "stem": "cifar"}
VIT = {"family": "vit", "shape": [1, 8, 8], "classes": 10, "patch": 4, "width": 16, "head_size": 4}
SPECS = {
    "bottlenecks": RESNET | {"width": 6, "outer": [12, 12, 16], "inner": [[[4, 5], 0, 6], [], [0, [6, 4]]]},
    "no first stage": RESNET | {"outer": [8, 12], "inner": [[], [6]]},
    "fewer blocks": VIT | {"heads": [0, 3, 0, 2], "ffn": [12, 0, 0, 20]},
    "separable": {"family": "separable", "shape": [1, 8, 8], "classes": 10, "head": 2, "channels": [9, 7, 12]},
    "cut width": VIT | {"width": 13, "heads": [2, 3], "ffn": [12, 20]},
}
RECIPE = Recipe(epochs=8, batch_size=32, optimizer="adam", learning_rate=1e-2, weight_decay=0.0)
INT8 = {"precision": "int8", "preset": "mixed", "target": "any", "bias_correction": "fast"}
INT8 |= {"max_drop_points": None, "qat": None}


@pytest.fixture(scope="module", params=SPECS)
def trained(request, splits):
    """(name, network in evaluation mode)."""
    torch.manual_seed(0)
    network = build(SPECS[request.param])
    train(network, splits["train"], RECIPE, torch.Generator().manual_seed(0))
    return request.param, network.eval()


def constants(model):
    return [operation for operation in model.get_ops() if not operation.inputs() and operation.outputs()]


@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_every_file_computes_what_the_network_does(trained, splits, tmp_path, backend):
    """What exceeds the bound of parity raises."""
    name, network = trained
    validation = splits["validation"]
    deployed = Deployed(network, splits["train"].mean, splits["train"].std)
    model = export(deployed, DIGITS.shape, name)
    source = Source(network, model, name, SPECS[name]["family"] == "vit", 0)
    calibration = calibration_images(splits["train"].images, 64, seed=0)
    quantized = quantize(INT8 | {"backend": backend}, source, splits, calibration)
    models = {"fp32": model, "int8": quantized.model}
    Exported(tmp_path, 0, models, {"fp32": deployed, "int8": quantized.network}).write(DIGITS, name)

    expected = torch_logits(deployed, validation.images)
    assert accuracy(expected, validation.labels) > 0.8  # agreement is not that of one answer for all
    parity("fp32", runner(tmp_path / "fp32-0.onnx")(validation.images), expected)
    stored = core().read_model(tmp_path / "int8-0.onnx")
    logits, of_model = float_logits([stored, quantized.model], validation.images)
    parity("int8", logits, of_model, quantized=True)
    assert agreement(logits.argmax(1), expected.argmax(1)) >= 0.9
    if quantized.network is not None:
        parity("int8", logits, torch_logits(quantized.network, validation.images), quantized=True)
    assert "i8" in {operation.get_element_type().get_type_name() for operation in constants(stored)}
