"""Shortcuts through NNCF, taken from the import of this module on: the same numbers with less work.

For tiny networks NNCF's own work outweighs that of the networks: threads that wait for each other, a search for the
places of quantizers that comes out the same for every repeat of an architecture, and checks of every number of every
calibration image.
"""

from typing import Any

from minarch.quantization.measure import core
from minarch.quiet import openvino as ov

from nncf.openvino import engine  # isort: skip - minarch.quiet comes first
from nncf.openvino.statistics.aggregator import OVStatisticsAggregator  # isort: skip
from nncf.quantization.algorithms.min_max.algorithm import MinMaxQuantization  # isort: skip

Structure = tuple[Any, ...]


class OneThread(engine.OVNativeEngine):
    """NNCF's engine on one thread, as everything here is measured; its own takes a thread per core."""

    def __init__(self, model: ov.Model, use_fp32_precision: bool = True) -> None:
        self.engine = engine.OVCompiledModelEngine(core().compile_model(model, "CPU"), stateful=False)


def structure(model: ov.Model) -> Structure:
    """What a model is apart from the values of its constants: equal for two models that differ in weights alone."""
    return tuple(
        (
            operation.get_type_name(),
            operation.get_friendly_name(),
            repr(operation.get_attributes()),
            tuple((source.get_node().get_friendly_name(), source.get_index()) for source in operation.input_values()),
            tuple((str(port.get_partial_shape()), port.get_element_type().get_type_name()) for port in operation.outputs()),
        )
        for operation in model.get_ordered_ops()
    )


class Places:
    """NNCF's search for the places of quantizers, done once for all models of one structure."""

    def __init__(self) -> None:
        self._search = MinMaxQuantization.find_quantization_setup
        self._known: dict[Structure, Any] = {}

    def find(self, algorithm: MinMaxQuantization, model: Any, graph: Any) -> Any:
        if not isinstance(model, ov.Model):
            return self._search(algorithm, model, graph)
        settings = (algorithm._preset, algorithm._model_type, repr(algorithm._ignored_scope))
        key = (settings, structure(model))
        if key not in self._known:
            self._known[key] = self._search(algorithm, model, graph)
        return self._known[key]


engine.OVNativeEngine = OneThread
places = Places()
MinMaxQuantization.find_quantization_setup = lambda *arguments: places.find(*arguments)
