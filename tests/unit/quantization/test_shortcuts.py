"""Shortcuts through NNCF: they end where NNCF alone does."""

import numpy as np
import pytest
from onnx import numpy_helper
from quantize_items import CONFIGS

from minarch.models.weights import load_networks
from minarch.quantization import shortcuts
from minarch.quantization.export import Deployed, export
from minarch.quantization.int8 import calibration_images
from minarch.quantization.methods import Source, quantize
from minarch.quantization.turn import turned


@pytest.fixture
def sources(sweep_items, splits):
    """sources(family) -> two repeats of an architecture, to be quantized."""
    train = splits["train"]

    def go(family):
        networks = load_networks(sweep_items[family])
        deployed = {repeat: Deployed(network, train.mean, train.std) for repeat, network in networks.items()}
        models = {repeat: export(deployed[repeat], train.images.shape[1:], family) for repeat in deployed}
        return [Source(networks[repeat], models[repeat], family, family == "vit", repeat) for repeat in models][:2]

    return go


def constants(source, splits, config):
    """The nodes and the values of a quantized model."""
    images = calibration_images(splits["train"].images, 64, seed=0)  # two samples of 32
    graph = turned(quantize(config, source, splits, images).model).graph
    return [node.op_type for node in graph.node], [numpy_helper.to_array(tensor) for tensor in graph.initializer]


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
@pytest.mark.parametrize("name", ["plain", "accurate"])
@pytest.mark.parametrize("target", ["any", "vnni"])
def test_quantized_models_are_those_of_nncf_alone(sources, splits, monkeypatch, family, name, target):
    config = CONFIGS[name] | {"target": target}
    repeats = sources(family)
    short = [constants(source, splits, config) for source in repeats]
    for (where, name), replaced in shortcuts.REPLACED.items():
        monkeypatch.setattr(where, name, replaced)
    for source, (nodes, values) in zip(repeats, short, strict=True):
        expected_nodes, expected = constants(source, splits, config)
        assert nodes == expected_nodes
        for value, other in zip(values, expected, strict=True):
            assert value.dtype == other.dtype
            np.testing.assert_allclose(value, other, rtol=1e-5, atol=1e-6)


def test_places_of_quantizers_are_searched_once_per_structure_and_settings(sources, splits, monkeypatch):
    monkeypatch.setattr(shortcuts, "setups", {})
    searches = []
    for family, config in (("dnn", {}), ("dnn", {"preset": "performance"}), ("cnn", {})):
        for source in sources(family):
            constants(source, splits, CONFIGS["plain"] | config)
            searches.append(len(shortcuts.setups))
    assert searches == [1, 1, 2, 2, 3, 3]


def test_repeats_have_one_structure_and_other_architectures_another(sources):
    structures = {
        family: [shortcuts.structure(source.model) for source in sources(family)] for family in ("dnn", "vit")
    }
    assert all(first == second for first, second in structures.values())
    assert structures["dnn"][0] != structures["vit"][0]
