"""INT8 with accuracy control: the layers that hurt most go back to float until the rest loses little enough."""

import io
import re
from collections.abc import Iterable
from contextlib import redirect_stdout
from typing import Any

from torch import Tensor

from minarch.data.tensors import Split
from minarch.quantization import Target
from minarch.quantization.int8 import advanced, products_of_activations, quantize_int8
from minarch.quantization.measure import accuracy, runner
from minarch.quiet import nncf
from minarch.quiet import openvino as ov

BATCH = 100  # validation images, the unit by which NNCF ranks layers
LAYER = re.compile(r"__module\.network\.([^/]+)/.*")
QUANTIZER = re.compile(r"(.*)/fq_(weights|input|output)_\d+")


def quantize_within(
    model: ov.Model,
    images: Tensor,
    validation: Split,
    max_drop_points: float,
    *,
    preset: str,
    transformer: bool,
    target: Target,
    accurate: bool,
) -> tuple[ov.Model, list[str]]:
    """The model quantized by `quantize_int8`, or, where that loses more than `max_drop_points` of validation accuracy
    against the float model, by NNCF's accuracy control; with the names of the layers that are float again.

    Accuracy control does without SmoothQuant: it cannot revert layers whose weights that has moved.
    """
    how: dict[str, Any] = {"preset": preset, "transformer": transformer, "target": target, "accurate": accurate}
    plain = quantize_int8(model, images, **how)
    before, after = (accuracy(runner(one)(validation.images), validation.labels) for one in (model, plain))
    if before - after <= max_drop_points / 100:
        return plain, []
    smoothing = nncf.AdvancedSmoothQuantParameters(convolution=-1, matmul=-1)
    with redirect_stdout(io.StringIO()):  # progress bars
        controlled = nncf.quantize_with_accuracy_control(
            model,
            calibration_dataset=nncf.Dataset([image[None].numpy() for image in images]),
            validation_dataset=nncf.Dataset(
                list(zip(validation.images.split(BATCH), validation.labels.split(BATCH), strict=True))
            ),
            validation_fn=_validate,
            max_drop=max_drop_points / 100,
            drop_type=nncf.DropType.ABSOLUTE,
            preset=nncf.QuantizationPreset(preset),
            subset_size=len(images),
            fast_bias_correction=not accurate,
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
            ignored_scope=products_of_activations(model) if target == "any" else None,
            advanced_quantization_parameters=advanced(model, target, accurate, smooth_quant_alphas=smoothing),
        )
    removed = _quantizers(plain) - _quantizers(controlled)
    weights = {operation for operation, what in removed if what == "weights"}
    return controlled, sorted({LAYER.sub(r"\1", name) for name in weights or {operation for operation, _ in removed}})


def _validate(run: ov.CompiledModel, batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[float, list[float]]:
    """Accuracy on all batches together, and on every single one."""
    hits = [(run(images.numpy())[0].argmax(1) == labels.numpy()) for images, labels in batches]
    return float(sum(hit.sum() for hit in hits) / sum(map(len, hits))), [float(hit.mean()) for hit in hits]


def _quantizers(model: ov.Model) -> set[tuple[Any, ...]]:
    """The quantizers as (operation, "weights", "input" or "output")."""
    names = (QUANTIZER.fullmatch(operation.get_friendly_name()) for operation in model.get_ops())
    return {name.groups() for name in names if name}
