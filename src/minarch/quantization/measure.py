"""What an exported file does when OpenVINO runs it on one thread: its logits, and its latency beside another's."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import torch
from torch import Tensor

from minarch.quiet import openvino as ov

ROUND_SECONDS = 0.005
Name = TypeVar("Name")


@cache
def core() -> ov.Core:
    """OpenVINO with one thread and true float32: no bfloat16, and no activations rounded to 8 bits beside weights of 4.

    It is made on first use, never before a fork.
    """
    openvino = ov.Core()
    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    openvino.set_property("CPU", settings | {"DYNAMIC_QUANTIZATION_GROUP_SIZE": 0})
    return openvino


def runner(model: Path | ov.Model, batch_size: int = 256) -> Callable[[Tensor], Tensor]:
    """An exported file, or a model, as a function: images uint8 [N, C, H, W] -> logits float32 [N, K]."""
    run = core().compile_model(model, "CPU")

    def logits(images: Tensor) -> Tensor:
        return torch.cat([torch.from_numpy(run(batch.numpy())[0].copy()) for batch in images.split(batch_size)])

    return logits


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of the images whose largest logit [N, K] is that of the label int64 [N]."""
    return agreement(logits.argmax(1), labels)


def agreement(classes: Tensor, others: Tensor) -> float:
    """Share of equal classes, int64 [N] each."""
    return float((classes == others).double().mean())


def latency_ms(paths: Mapping[Name, Path], images: Tensor, batch: int, rounds: int) -> dict[Name, dict[str, float]]:
    """Name -> median, lowest and highest round of the mean milliseconds per call on `batch` images.

    The files take turns, so that a change of the machine's speed hits all of them. Each is compiled for this batch, or,
    where OpenVINO refuses to (of two layers of one unit in a row batches of 1 and 2), for any.
    """
    batches = images.repeat(-(-batch // len(images)), 1, 1, 1)[:batch].numpy()
    requests, calls = {}, {}
    measured: dict[Name, list[float]] = {}
    for name, path in paths.items():
        requests[name] = _compiled(path, batches.shape).create_infer_request()
        requests[name].set_input_tensor(ov.Tensor(batches))
        _seconds(requests[name], 10)  # warm up
        calls[name] = max(1, round(ROUND_SECONDS / _seconds(requests[name], 10)))
        measured[name] = []
    for _ in range(rounds):
        for name, request in requests.items():
            measured[name].append(1000 * _seconds(request, calls[name]))
    return {name: {"median": median(ms), "low": min(ms), "high": max(ms)} for name, ms in measured.items()}


def _compiled(path: Path, shape: Sequence[int]) -> ov.CompiledModel:
    """A file compiled for inputs of a shape, if it can be."""
    model = core().read_model(path)
    model.reshape(shape)
    try:
        return core().compile_model(model, "CPU")
    except RuntimeError:
        return core().compile_model(path, "CPU")


def _seconds(request: Any, calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        request.infer()
    return (time.perf_counter() - started) / calls
