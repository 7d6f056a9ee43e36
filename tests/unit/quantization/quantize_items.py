"""Configurations of items of stage quantize, networks as a user would write them, and what an item leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from minarch.files import read_json, write_json
from minarch.models.build import build
from minarch.models.cost import parameters
from minarch.models.families import Family, Spec
from minarch.models.weights import save_networks

PLAIN: dict[str, Any] = {
    "kind": "export",
    "quantization": "int8",
    "precision": "int8",
    "backend": "openvino",
    "preset": "mixed",
    "bias_correction": "fast",
    "target": "any",
    "max_drop_points": None,
    "qat": None,
    "calibration": 64,
    "seed": 0,
    "float32": True,
}
QAT = {"epochs": 12, "batch_size": 32, "optimizer": "adam", "learning_rate": 5e-3, "weight_decay": 0.0, "seed": 0}
CONFIGS = {
    "plain": PLAIN,
    "accurate": PLAIN | {"bias_correction": "accurate"},
    "controlled": PLAIN | {"max_drop_points": 1.0},
    "torch": PLAIN | {"backend": "torch"},
    "vnni": PLAIN | {"backend": "torch", "target": "vnni"},
    "qat": PLAIN | {"backend": "torch", "qat": QAT | {"above_points": 1.0}},
    "int4": PLAIN | {"precision": "int4"},
    "nf4": PLAIN | {"precision": "nf4"},
}
CURVE = {"kind": "curve", "precisions": ["fp32", "int4"], "schemes": ["tensor", "channel"]}


@dataclass(frozen=True, kw_only=True)
class Spectral(Family):
    """Its operator has no counterpart in OpenVINO or ONNX."""

    network: ClassVar[str] = "quantize_items:SpectralNetwork"
    depth: int = 1

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        return {"family": self.name, "shape": list(shape), "classes": classes}


class SpectralNetwork(nn.Module):
    def __init__(self, shape: Sequence[int], classes: int) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.classifier = nn.Linear(shape[1], classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(torch.linalg.eigvalsh(images[:, 0] + images[:, 0].transpose(1, 2)))
        return logits

    def spec(self) -> Spec:
        return {"family": Spectral.name, "shape": list(self.shape), "classes": len(self.classifier.weight)}


@dataclass(frozen=True, kw_only=True)
class Convolutional(Family):
    """It has no linear layer."""

    network: ClassVar[str] = "quantize_items:ConvolutionalNetwork"
    depth: int = 1

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        return {"family": self.name, "shape": list(shape), "classes": classes}


class ConvolutionalNetwork(nn.Module):
    def __init__(self, shape: Sequence[int], classes: int) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.convolution = nn.Conv2d(shape[0], classes, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.convolution(images).relu().mean((2, 3))

    def spec(self) -> Spec:
        return {"family": Convolutional.name, "shape": list(self.shape), "classes": len(self.convolution.weight)}


def untrained_item(folder, family):
    """An item that keeps the contract of networks, with an untrained network of a user's family."""
    spec = family(depth=1).spec((1, 8, 8), 10)
    folder.mkdir()
    torch.manual_seed(0)
    network = build(spec)
    save_networks(folder / "weights.safetensors", {0: network})
    entry = {"repeat": 0, "status": "ok", "spec": spec, "parameters": parameters(network), "validation_accuracy": 0.1}
    model = {"dataset": "digits", "family": family.name, "architecture": "mine", "method": "original", "level": 0}
    results = model | {"weights": "weights.safetensors", "repeats": [entry | {"macs": 0}]}
    write_json(folder / "results.json", results)
    return folder


def change_weights(item, change):
    """Replace every tensor of an item's networks by change(name, tensor)."""
    path = item / read_json(item / "results.json")["weights"]
    save_file({name: change(name, tensor).contiguous() for name, tensor in load_file(path).items()}, path)


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "timing.json"}
