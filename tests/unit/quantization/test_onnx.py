"""What torch's exporter writes where no OpenVINO model can be turned: integers where the network quantizes its weights,
and one line where ONNX has no operator.
"""

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from quantize_items import CONFIGS, SpectralNetwork
from torch import nn

from minarch.errors import UserError
from minarch.models.weights import load_networks
from minarch.quantization.export import Deployed, export
from minarch.quantization.graph import NoCounterpart
from minarch.quantization.int8 import calibration_images
from minarch.quantization.measure import runner
from minarch.quantization.methods import Source, quantize
from minarch.quantization.onnx import as_onnx, store_integers, traced
from minarch.quantization.parity import parity, torch_logits
from minarch.quantization.preprocessing import Preprocessing

DIGITS = Preprocessing("digits", [1, 8, 8], [str(digit) for digit in range(10)], resize=False)


@pytest.fixture(scope="module")
def in_torch(sweep_items, splits):
    """Family -> its network at INT8 by the torch backend, with preprocessing."""
    networks = {}
    for family in ("dnn", "cnn"):
        network = load_networks(sweep_items[family])[0]
        model = export(Deployed(network, splits["train"].mean, splits["train"].std), DIGITS.shape, family)
        images = calibration_images(splits["train"].images, 64, seed=0)
        original = Source(network, model, family, False, 0)
        networks[family] = quantize(CONFIGS["torch"], original, splits, images).network
    return networks


@pytest.mark.parametrize("family", ["dnn", "cnn"])
def test_weights_are_stored_as_integers(in_torch, splits, family, tmp_path):
    path = tmp_path / "int8.onnx"
    model = traced(in_torch[family], DIGITS.shape, family)
    onnx.save(model, path)
    onnx.checker.check_model(model, full_check=True)
    constants = {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}
    layers = [node for node in model.graph.node if node.op_type in ("Gemm", "Conv")]
    made_by = {node.output[0]: node for node in model.graph.node}
    assert layers
    for layer in layers:
        weight = made_by[layer.input[1]]
        assert weight.op_type == "DequantizeLinear"
        assert constants[weight.input[0]].dtype == np.int8
    assert not any(node.op_type == "Identity" for node in model.graph.node)
    images = splits["test"].images
    with torch.no_grad():
        expected = in_torch[family](images)
    logits = runner(path)(images)
    assert (logits.argmax(1) == expected.argmax(1)).double().mean() > 0.99


@pytest.mark.parametrize("axis", [0, 1])
def test_integers_are_the_nearest_ones_and_saturate(axis):
    weight = np.array([[0.24, -0.26, 400.0], [0.5, -1.5, -400.0], [0.75, 2.5, 0.0]], np.float32)
    scale = np.array([0.5, 1.0, 0.25], np.float32)
    tensors = {"w": weight, "s": scale, "z": np.zeros(3, np.int8)}
    node = onnx.helper.make_node("QuantizeLinear", ["w", "s", "z"], ["q"], axis=axis)
    graph = onnx.helper.make_graph([node], "g", [], [], [numpy_helper.from_array(t, n) for n, t in tensors.items()])
    store_integers(graph)
    assert not graph.node
    integers = next(numpy_helper.to_array(constant) for constant in graph.initializer if constant.name == "q")
    expected = np.array(
        [
            [round(w / scale[row if axis == 0 else column]) for column, w in enumerate(values)]
            for row, values in enumerate(weight.tolist())
        ]
    ).clip(-128, 127)
    np.testing.assert_array_equal(integers, expected)
    assert integers.dtype == np.int8


def test_the_same_network_is_the_same_bytes(in_torch, tmp_path):
    for name in ("first.onnx", "second.onnx"):
        model = traced(in_torch["cnn"], DIGITS.shape, "cnn")
        (tmp_path / name).write_bytes(model.SerializeToString(deterministic=True))
    assert (tmp_path / "first.onnx").read_bytes() == (tmp_path / "second.onnx").read_bytes()


def test_a_network_whose_model_cannot_be_turned_is_traced_and_computes_the_same(splits, tmp_path):
    """A sorted image: OpenVINO has operations for it that minarch does not know."""

    class Sorting(nn.Module):
        def __init__(self):
            super().__init__()
            self.classifier = nn.Linear(64, 10)

        def forward(self, images):
            return self.classifier(images.flatten(1).sort(1).values)

    torch.manual_seed(0)
    deployed, path = Deployed(Sorting(), splits["train"].mean, splits["train"].std), tmp_path / "fp32.onnx"
    model = export(deployed, DIGITS.shape, "mine")
    with pytest.raises(NoCounterpart, match="operation"):
        as_onnx(model, None, DIGITS, "mine")
    onnx.save(as_onnx(model, deployed, DIGITS, "mine"), path)
    images = splits["test"].images
    assert parity("fp32.onnx", runner(path)(images), torch_logits(deployed, images))["agreement"] == 1


def test_an_operator_that_onnx_refuses_is_named_in_one_line(splits, capfd):
    deployed = Deployed(SpectralNetwork([1, 8, 8], 10), splits["train"].mean, splits["train"].std)
    with pytest.raises(UserError, match=r"mine: ONNX refuses it \(.*linalg_eigvalsh.*allowed: ") as raised:
        traced(deployed, DIGITS.shape, "mine")
    assert "\n" not in str(raised.value)
    assert not capfd.readouterr().out
