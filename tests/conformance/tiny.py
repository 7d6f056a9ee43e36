"""A tiny item of every stage that makes networks: its configuration, and the stages whose items it reads.

Here a new stage that makes networks gets its entry.
"""

from dataclasses import dataclass
from typing import Any

from minarch.flow.stages.depth import Growing
from minarch.flow.stages.quantize import Quantization

TRAINING = {"epochs": 3, "batch_size": 64, "optimizer": "adam", "learning_rate": 1e-2, "weight_decay": 0.0, "seed": 0}
SWEEP: dict[str, Any] = {
    "dataset": "digits",
    "family": "dnn",
    "knobs": {"depth": 2, "width": 8},
    "repeats": [0, 1],
    "train": TRAINING | {"device": "cpu", "strategy": "sequential"},
}
PRUNE: dict[str, Any] = {
    "kind": "structured",
    "method": "half",
    "level": 0.5,
    "importance": "L1",
    "scope": "layer",
    "target": "units",
    "floor": 0.1,
    "heads": False,
    "residual": False,
    "round_to": 1,
    "schedule": "one-shot",
    "weights": "trained",
    "rewind": 0,
    "training": TRAINING,
}
DEPTH: dict[str, Any] = {
    "kind": "search",
    "way": "odn",
    "dataset": "digits",
    "family": "resnet",
    "knobs": {"depth": 18, "width": 2},
    "full_depth": 8,
    "levels": [1, 2],
    "repeats": [0, 1],
    "restart": "continue",
    "warmup": 1,
    "target": 1.0,
    "tolerance_points": 0.0,
    "train": Growing.model_validate({"epochs": 2}).model_dump() | {"device": "cpu", "strategy": "sequential"},
}
COMPLEXITY: dict[str, Any] = {
    "way": "gated",
    "title": "nu3-alpha0.5-beta0.5",
    "dataset": "digits",
    "family": "vit",
    "knobs": {"depth": 2, "width": 8, "heads": 2, "patch": 4},
    "repeats": [0, 1],
    **{"nu": 3.0, "alpha": 0.5, "beta": 0.5},
    **{"heads": True, "delay": 0.1, "settle": 0.3},
    **{"start": 1.0, "travel": 20.0, "explore": 0.05, "estimator": "balanced"},
    "train": TRAINING | {"epochs": 4, "device": "cpu", "strategy": "sequential"},
}
QUANTIZE: dict[str, Any] = {
    "kind": "export",
    "quantization": "int8",
    **Quantization.model_validate({}).model_dump(mode="json"),
    "calibration": 32,
    "seed": 0,
    "float32": True,
}


@dataclass(frozen=True)
class Tiny:
    """The configuration of an item, and what it reads: input -> the stage whose tiny item it is."""

    config: dict[str, Any]
    inputs: dict[str, str]


TINY = {
    "sweep": Tiny(SWEEP, {"data": "data"}),
    "refined": Tiny(SWEEP | {"knobs": {"depth": 2, "width": 9}}, {"data": "data"}),
    "depth": Tiny(DEPTH, {"data": "data"}),
    "complexity": Tiny(COMPLEXITY, {"data": "data"}),
    "prune": Tiny(PRUNE, {"data": "data", "parent": "sweep"}),
}
