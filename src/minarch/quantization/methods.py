"""The quantization that a configuration asks for: precision, backend and control -> the quantized model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from minarch.data.tensors import Split
from minarch.quantization import INT8
from minarch.quantization.control import quantize_within
from minarch.quantization.export import Deployed, export
from minarch.quantization.int8 import quantize_int8
from minarch.quantization.lowbit import compress
from minarch.quantization.qat import train_quantized
from minarch.quantization.storage import with_halved_tables
from minarch.quiet import nncf
from minarch.quiet import openvino as ov
from minarch.training.evaluate import evaluate
from minarch.training.loop import Recipe
from minarch.training.repeats import derive_seed


@dataclass(frozen=True)
class Source:
    """A network to be quantized: the float one (without preprocessing), its OpenVINO model, the architecture's name,
    whether it is a transformer, and which repeat it is.
    """

    network: nn.Module
    model: ov.Model
    name: str
    transformer: bool
    repeat: int


@dataclass(frozen=True)
class Quantized:
    """The quantized OpenVINO model; `network` is what it was exported from where torch quantized it, with
    preprocessing. `reverted` and `qat` record accuracy control and training, where the configuration has them.
    """

    model: ov.Model
    network: Deployed | None = None
    reverted: list[str] | None = None
    qat: dict[str, Any] | None = None


def quantize(config: Mapping[str, Any], source: Source, splits: dict[str, Split], calibration: Tensor) -> Quantized:
    """Quantize as `config` says; `calibration` are training images uint8 [N, C, H, W].

    The validation split is read by accuracy control and quantization-aware training alone, the test split by nothing.
    Of INT8 models large float tables are stored at 16 bits, but not under accuracy control, whose bound is on the rest.
    """
    if config["precision"] != INT8:
        return Quantized(compress(source.model, config["precision"], source.name))
    how = {"preset": config["preset"], "transformer": source.transformer, "target": config["target"]}
    if config["backend"] == "torch":
        return _in_torch(config["qat"], source, splits, calibration, how)
    how["accurate"] = config["bias_correction"] == "accurate"
    if config["max_drop_points"] is None:
        return Quantized(with_halved_tables(quantize_int8(source.model, calibration, **how)))
    validation, allowed = splits["validation"], config["max_drop_points"]
    model, reverted = quantize_within(source.model, calibration, validation, allowed, **how)
    return Quantized(model, reverted=reverted)


def _in_torch(
    qat: dict[str, Any] | None, source: Source, splits: dict[str, Split], calibration: Tensor, how: dict[str, Any]
) -> Quantized:
    """Quantize by NNCF's torch backend, and train on where that loses more than qat["above_points"]."""
    train, validation = splits["train"], splits["validation"]
    normalised = replace(train, images=calibration).batch(slice(None))
    network = quantize_int8(source.network, normalised, **how)
    record = None
    if qat is not None:
        before = evaluate(network, validation).accuracy
        lost = evaluate(source.network, validation).accuracy - before
        record = {"validation_before": before, "trained": lost > qat["above_points"] / 100}
        if record["trained"]:
            recipe = Recipe.of(qat)
            train_quantized(network, splits, recipe, derive_seed({"qat": qat["seed"]}, source.repeat))
    stripped = nncf.strip(network, do_copy=False, example_input=normalised[:2])
    deployed = Deployed(stripped, train.mean, train.std)
    model = export(deployed, calibration.shape[1:], source.name)
    return Quantized(with_halved_tables(model), network=deployed, qat=record)
