"""Shortcuts through NNCF, taken when this module is imported: the same numbers with less work.

Of a tiny network NNCF's work outweighs the network's: threads that wait for each other, a search for the places of
quantizers that ends the same for every repeat of an architecture, checks of every number of every calibration image,
and a model compiled for every layer. What is replaced is private to NNCF, whose version is pinned; tests compare the
numbers with those of NNCF alone.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minarch.quantization.measure import core
from minarch.quiet import openvino as ov

from nncf.experimental.common.tensor_statistics.statistical_functions import mean_per_channel  # isort: skip
from nncf.openvino import engine  # isort: skip
from nncf.openvino.graph.node_utils import get_reducer_output_node_names  # isort: skip
from nncf.openvino.statistics.aggregator import OVStatisticsAggregator  # isort: skip
from nncf.quantization.algorithms.fast_bias_correction.algorithm import FastBiasCorrection  # isort: skip
from nncf.quantization.algorithms.min_max.algorithm import MinMaxQuantization  # isort: skip
from nncf.tensor import Tensor  # isort: skip
from nncf.tensor import functions as fns  # isort: skip

REPLACED: dict[tuple[Any, str], Any] = {  # (where, name) -> what NNCF has there
    (where, name): getattr(where, name)
    for where, name in (
        (engine, "OVNativeEngine"),
        (MinMaxQuantization, "find_quantization_setup"),
        (OVStatisticsAggregator, "_register_statistics"),
        (FastBiasCorrection, "apply"),
    )
}
search, register, correct = list(REPLACED.values())[1:]
setups: dict[tuple[Any, ...], Any] = {}  # what the search gave, by settings and structure


class OneThread(engine.OVNativeEngine):
    """NNCF's engine on one thread, as everything is measured here; its own takes a thread of every core."""

    def __init__(self, model: ov.Model, use_fp32_precision: bool = True) -> None:
        compiled = core().compile_model(model, "CPU")
        self._request = compiled.create_infer_request()
        self._names = [output.get_names() for output in compiled.outputs]

    def infer(self, input_data: Any) -> dict[str, np.ndarray]:
        """The outputs by name; one of several names under each."""
        values = self._request.infer(input_data, share_inputs=True).values()
        return {name: value for names, value in zip(self._names, values, strict=True) for name in names}


def find_setup(algorithm: MinMaxQuantization, model: Any, graph: Any) -> Any:
    """The places of quantizers, searched once for all OpenVINO models of one structure: values do not matter to it.

    The key holds what minarch sets of NNCF's settings; the others are always NNCF's own.
    """
    if not isinstance(model, ov.Model):
        return search(algorithm, model, graph)
    settings = algorithm._preset, algorithm._model_type, algorithm._target_device, repr(algorithm._ignored_scope)
    key = (*settings, structure(model))
    if key not in setups:
        setups[key] = search(algorithm, model, graph)
    return setups[key]


def structure(model: ov.Model) -> tuple[Any, ...]:
    """What a model is apart from the values of its constants: equal for models that differ in those alone."""
    return tuple(
        (
            operation.get_type_name(),
            operation.get_friendly_name(),
            repr(operation.get_attributes()),
            tuple((source.get_node().get_friendly_name(), source.get_index()) for source in operation.input_values()),
            tuple((str(port.get_partial_shape()), str(port.get_element_type())) for port in operation.outputs()),
        )
        for operation in model.get_ordered_ops()
    )


def register_once_checked(aggregator: OVStatisticsAggregator, outputs: Mapping[str, Any], points: Any) -> None:
    """Hand the statistics of a calibration image to what sums them up, where the model itself has computed them all."""
    if getattr(aggregator, "minarch_points", None) is not points:
        aggregator.minarch_points, aggregator.minarch_sums = points, sums(aggregator, points)
    if aggregator.minarch_sums is None:
        register(aggregator, outputs, points)
    else:
        for name, total in aggregator.minarch_sums:
            total.register_reduced_input(outputs[name])


def sums(aggregator: OVStatisticsAggregator, points: Any) -> list[tuple[str, Any]] | None:
    """What sums up the statistics of a model, each with the name of its output; None: the model leaves some to NNCF."""
    pairs = []
    for _, point, collector in points.get_tensor_collectors():
        node, port, _ = aggregator._translate_to_post_layer_operation(point)
        names = {
            hash(reducer): get_reducer_output_node_names(reducer.name, node, port, reducer.output_port_id, inplace=True)
            for reducer in collector.reducers
        }
        pairs += [(names[reducer][output], total) for (reducer, output, _), total in collector.aggregators.items()]
        if not all(reducer.inplace for reducer in collector.reducers):
            return None
    return pairs


def correct_together(algorithm: FastBiasCorrection, model: Any, graph: Any, *arguments: Any, **named: Any) -> Any:
    """Correct the biases of all layers by one compiled model in place of one for each.

    NNCF goes through the layers twice: first to say what each needs, then to use it.
    """
    layers: list[dict[str, Any]] = []

    def note(**layer: Any) -> Any:
        layers.append(layer)
        return fns.stack(layer["output_fp"])

    def run(shift: Callable[..., Any]) -> Any:
        algorithm._get_bias_shift = shift
        try:
            return correct(algorithm, model, graph, *arguments, **named)
        finally:
            del algorithm._get_bias_shift

    if not isinstance(model, ov.Model):
        return correct(algorithm, model, graph, *arguments, **named)
    unchanged = run(note)
    shifts = iter(bias_shifts(layers))
    return run(lambda **_: next(shifts)) if layers else unchanged


def bias_shifts(layers: list[dict[str, Any]]) -> list[Any]:
    """What the biases of layers lack, each [channels]: the means of their float outputs less the quantized ones'.

    Args:
        layers: of each what NNCF's `_get_bias_shift` takes.
    """
    models = [layer["model"] for layer in layers]
    results = [result for model in models for result in model.get_results()]
    together = ov.Model(results, [parameter for model in models for parameter in model.get_parameters()], "layers")
    outputs = core().compile_model(together, "CPU")([blob for layer in layers for blob in layer["input_blob"].values()])
    return [
        fns.stack(layer["output_fp"]) - mean_per_channel(Tensor(output), layer["output_channel_axis"])
        for layer, output in zip(layers, outputs.values(), strict=True)
    ]


SHORTCUTS = (OneThread, find_setup, register_once_checked, correct_together)
for (where, name), shortcut in zip(REPLACED, SHORTCUTS, strict=True):
    setattr(where, name, shortcut)
