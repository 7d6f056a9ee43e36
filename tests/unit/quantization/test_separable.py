"""Stage quantize on a trained network of depthwise-separable convolutions: grouped weights, in every file."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from quantize_items import CURVE, PLAIN

from minarch.files import read_json
from minarch.models.weights import load_networks


@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_it_is_exported_and_quantized(run, separable_item, backend):
    """The stage itself compares every file with its network: an exporter's bug raises."""
    out, trained = run(PLAIN | {"backend": backend}, separable_item), read_json(separable_item / "results.json")
    (entry,) = read_json(out / "results.json")["repeats"]
    assert entry["status"] == "ok" and (entry["parameters"], entry["macs"]) == (trained["parameters"], trained["macs"])
    assert entry["validation"]["fp32"] == pytest.approx(trained["repeats"][0]["validation_accuracy"], abs=0.005)
    assert entry["validation"]["fp32"] > 0.9 and entry["validation"]["int8"] > entry["validation"]["fp32"] - 0.05
    assert entry["no_onnx"] == {"fp32": None, "int8": None}


def test_norms_are_folded_and_a_channel_is_filtered_by_itself(run, separable_item):
    (network,) = load_networks(separable_item).values()
    out, channels = run(PLAIN, separable_item), network.spec()["channels"]
    graphs = {precision: onnx.load(out / f"{precision}-0.onnx").graph for precision in ("fp32", "int8")}
    for graph in graphs.values():
        kinds = [node.op_type for node in graph.node]
        assert "BatchNormalization" not in kinds and "Reshape" in kinds
        convolutions = [node for node in graph.node if node.op_type == "Conv"]
        groups = [next((a.i for a in node.attribute if a.name == "group"), 1) for node in convolutions]
        assert groups == [1, channels[0], 1, channels[1], 1]
    stored = [numpy_helper.to_array(tensor) for tensor in graphs["int8"].initializer]
    filters = [tensor.shape for tensor in stored if tensor.dtype == np.int8 and tensor.ndim == 4]
    assert [shape for shape in filters if shape[1:] == (1, 3, 3)] == [(channels[0], 1, 3, 3)] * 2 + [
        (channels[1], 1, 3, 3)
    ]


def test_scales_of_activations_are_of_whole_tensors(run, separable_item):
    """NNCF's own choice are scales for each channel that a depthwise convolution reads."""
    graph = onnx.load(run(PLAIN, separable_item) / "int8-0.onnx").graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    scales = [constants[node.input[1]] for node in graph.node if node.op_type == "QuantizeLinear"]
    assert scales and all(scale.size == 1 for scale in scales)


def test_low_bits_are_simulated(run, separable_item):
    out = run(CURVE, separable_item)
    (entry,) = read_json(out / "results.json")["repeats"]
    assert entry["status"] == "ok" and len((out / "curve.csv").read_text().splitlines()) == 1 + 3
