"""Small networks of every family, two families as a user would write them, and what all of them cost in closed form."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import prod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from minarch.models.build import build
from minarch.models.families import Family, ResNet, Spec
from minarch.pruning.cut import cut
from minarch.pruning.groups import Group, find_groups

HALVED_AFTER = (0, 1, 3, 5, 7)  # convolutions of VGG-11 that max-pooling follows


@dataclass(frozen=True, kw_only=True)
class Mobile(Family):
    """Depthwise, pointwise and grouped convolutions, batch norms, dropout."""

    network: ClassVar[str] = "networks:MobileNetwork"
    depth: int = 1
    width: int

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        channels = [self.width, 4, self.width + 1]
        return {"family": self.name, "shape": list(shape), "classes": classes, "channels": channels}


class MobileNetwork(nn.Module):
    def __init__(self, shape: Sequence[int], classes: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        first, middle, last = channels
        self.stem = nn.Conv2d(shape[0], first, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(first)
        self.depthwise = nn.Conv2d(first, first, 3, padding=1, groups=first)
        self.pointwise = nn.Conv2d(first, middle, 1)
        self.grouped = nn.Conv2d(middle, middle, 3, padding=1, groups=2)
        self.last = nn.Conv2d(middle, last, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(last)
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(last, classes)

    def forward(self, images: Tensor) -> Tensor:
        values = self.depthwise(self.norm(self.stem(images)).relu()).relu()
        values = self.grouped(self.pointwise(values).relu()).relu()
        logits: Tensor = self.classifier(self.dropout(self.norm2(self.last(values)).relu().mean((2, 3))))
        return logits

    def spec(self) -> Spec:
        channels = [len(layer.weight) for layer in (self.stem, self.pointwise, self.last)]
        classes = len(self.classifier.weight)
        return {"family": Mobile.name, "shape": list(self.shape), "classes": classes, "channels": channels}


@dataclass(frozen=True, kw_only=True)
class Vgg(Family):
    """torchvision's vgg11_bn of any width."""

    network: ClassVar[str] = "networks:VggNetwork"
    depth: int = 11
    width: int = 64
    hidden: int = 4096

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        channels = [self.width * factor for factor in (1, 2, 4, 4, 8, 8, 8, 8)]
        sizes = {"channels": channels, "hidden": [self.hidden] * 2}
        return {"family": self.name, "shape": list(shape), "classes": classes, **sizes}


class VggNetwork(nn.Module):
    def __init__(self, shape: Sequence[int], classes: int, channels: Sequence[int], hidden: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        layers: list[nn.Module] = []
        for position, (before, after) in enumerate(pairwise([shape[0], *channels])):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if position in HALVED_AFTER else []
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        dense: list[nn.Module] = []
        for before, after in pairwise([49 * channels[-1], *hidden]):
            dense += [nn.Linear(before, after), nn.ReLU(), nn.Dropout()]
        self.classifier = nn.Sequential(*dense, nn.Linear(hidden[-1], classes))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.avgpool(self.features(images)).flatten(1))
        return logits

    def spec(self) -> Spec:
        channels = [len(layer.weight) for layer in self.features if isinstance(layer, nn.Conv2d)]
        *hidden, classes = [len(layer.weight) for layer in self.classifier if isinstance(layer, nn.Linear)]
        sizes = {"channels": channels, "hidden": hidden}
        return {"family": Vgg.name, "shape": list(self.shape), "classes": classes, **sizes}


SPECS: dict[str, Spec] = {
    "dnn": {"family": "dnn", "shape": [1, 8, 8], "classes": 10, "hidden": [12, 9, 7]},
    "cnn": {"family": "cnn", "shape": [3, 10, 10], "classes": 10, "channels": [6, 8, 5]},
    "vit": {"family": "vit", "shape": [1, 8, 8], "classes": 10}
    | {"patch": 4, "width": 8, "head_size": 2, "heads": [4, 3], "ffn": [10, 7]},
    "resnet": {"family": "resnet", "shape": [3, 16, 16], "classes": 10, "stem": "cifar"}
    | {"outer": [6, 8, 10, 12], "inner": [[4, 5], [7], [8], [9]]},
    "bottlenecks": {"family": "resnet", "shape": [3, 16, 16], "classes": 10, "stem": "imagenet", "width": 5}
    | {"outer": [8, 8, 12], "inner": [[[3, 4], 0, [2, 5]], [], [0, [6, 3], 7]]},
    "resnet-50": ResNet(depth=50, width=4, levels=4).spec([3, 16, 16], 10),
    "resnet-20": ResNet(depth=20, width=2).spec([3, 8, 8], 10),
    "separable": {"family": "separable", "shape": [3, 12, 10], "classes": 10, "head": 2, "channels": [6, 5, 9]},
    "fewer blocks": {"family": "vit", "shape": [1, 8, 8], "classes": 10}
    | {"patch": 4, "width": 8, "head_size": 2, "heads": [0, 4, 0, 3], "ffn": [10, 0, 0, 7]},
    "mobile": Mobile(width=8).spec([1, 8, 8], 10),
    "vgg": Vgg(width=4, hidden=12).spec([3, 32, 32], 10),
}


def sample(name: str) -> nn.Module:
    """The network of SPECS in evaluation mode; its norms have statistics, scales and shifts that are not trivial."""
    torch.manual_seed(0)
    network = build(SPECS[name]).train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
    with torch.no_grad():
        network(torch.randn(64, *SPECS[name]["shape"]) + 0.5)
    return network.eval()


@cache
def groups(name: str) -> list[Group]:
    """Of `sample(name)`."""
    return find_groups(sample(name))


def cut_half(name: str) -> nn.Module:
    """`sample(name)` without about half of its units."""
    return cut(sample(name), groups(name), random_masks(name, 0))


def random_masks(name: str, seed: int) -> dict[str, Tensor]:
    """Which units of each group stay: about half, at least one."""
    generator = torch.Generator().manual_seed(seed)
    masks = {group.name: torch.rand(group.units, generator=generator) < 0.5 for group in groups(name)}
    for mask in masks.values():
        mask[seed % len(mask)] = True
    return masks


def closed_form(spec: dict[str, Any]) -> tuple[int, int]:
    """Parameters and MACs of the network that a spec describes."""
    return {
        "dnn": _dnn,
        "cnn": _cnn,
        "vit": _vit,
        "resnet": _resnet,
        "separable": _separable,
        "networks:Mobile": _mobile,
        "networks:Vgg": _vgg,
    }[spec["family"]](spec)


def _dnn(spec: Spec) -> tuple[int, int]:
    layers = list(pairwise([prod(spec["shape"]), *spec["hidden"], spec["classes"]]))
    return sum((before + 1) * after for before, after in layers), sum(before * after for before, after in layers)


def _cnn(spec: Spec) -> tuple[int, int]:
    depth, height, width = spec["shape"]
    count = cost = 0
    for position, (before, after) in enumerate(pairwise([depth, *spec["channels"]])):
        places = ((height - 2) // 2**position) * ((width - 2) // 2**position)
        count, cost = count + (9 * before + 1) * after, cost + 9 * before * after * places
    flat = after * places
    return count + (flat + 1) * spec["classes"], cost + flat * spec["classes"]


def _vit(spec: Spec) -> tuple[int, int]:
    patches = prod(spec["shape"][1:]) // spec["patch"] ** 2
    pixels, tokens, width = spec["shape"][0] * spec["patch"] ** 2, patches + 1, spec["width"]
    count = (pixels + 1) * width + width + tokens * width + 2 * width + (width + 1) * spec["classes"]
    cost = patches * pixels * width + width * spec["classes"]
    for heads, ffn in zip(spec["heads"], spec["ffn"], strict=True):
        inner = heads * spec["head_size"]
        count += (heads > 0) * (2 * width + 4 * width * inner + 2 * inner + width)
        count += (ffn > 0) * (2 * width + 2 * width * ffn + ffn + width)
        cost += tokens * (4 * width * inner + 2 * width * ffn) + 2 * tokens**2 * inner
    return count, cost


def _resnet(spec: Spec) -> tuple[int, int]:
    side, kernel, before = spec["shape"][1], 3, spec.get("width", spec["outer"][0])
    if spec["stem"] == "imagenet":
        side, kernel = -(-side // 2), 7
    convolutions = [(kernel**2 * spec["shape"][0], before, side**2)]  # inputs of a unit, units, places
    side = -(-side // 2) if spec["stem"] == "imagenet" else side
    for stage, (outer, blocks) in enumerate(zip(spec["outer"], spec["inner"], strict=True)):
        for block, inner in enumerate(blocks):
            wide = side  # where the 1x1 convolution of a bottleneck still is
            side = -(-side // 2) if stage and not block else side
            if not block and (stage or "width" in spec):
                convolutions.append((before, outer, side**2))
            if isinstance(inner, list):
                first, second = inner
                convolutions += [(before, first, wide**2), (9 * first, second, side**2), (second, outer, side**2)]
            elif inner:
                convolutions += [(9 * before, inner, side**2), (9 * inner, outer, side**2)]
            before = outer
    count = sum((inputs + 2) * units for inputs, units, _ in convolutions)
    cost = sum(inputs * units * places for inputs, units, places in convolutions)
    return count + (before + 1) * spec["classes"], cost + before * spec["classes"]


def _separable(spec: Spec) -> tuple[int, int]:
    (depth, *edges), (first, *others), head = spec["shape"], spec["channels"], spec["head"]
    count, before = (9 * depth + 2) * first, first
    cost = 9 * depth * first * prod(edges)
    for after in others:
        edges = [edge // 2 for edge in edges] if min(edges) // 2 >= max(head, 3) else edges
        count += 9 * before + before * after + 2 * after
        cost += (9 * before + before * after) * prod(edges)
        before = after
    classifier = head**2 * before * spec["classes"]
    return count + classifier + spec["classes"], cost + classifier


def _mobile(spec: Spec) -> tuple[int, int]:
    (depth, height, width), (first, middle, last) = spec["shape"], spec["channels"]
    weights = 9 * depth * first + 9 * first + first * middle + 9 * middle * (middle // 2) + middle * last
    others = 2 * first + first + middle + middle + 2 * last  # norms and biases
    classifier = last * spec["classes"]
    return weights + others + classifier + spec["classes"], weights * height * width + classifier


def _vgg(spec: Spec) -> tuple[int, int]:
    depth, side, _ = spec["shape"]
    count = cost = 0
    for position, (before, after) in enumerate(pairwise([depth, *spec["channels"]])):
        count, cost = count + (9 * before + 3) * after, cost + 9 * before * after * side**2  # bias and norm
        side //= 2 if position in HALVED_AFTER else 1
    dense = list(pairwise([49 * spec["channels"][-1], *spec["hidden"], spec["classes"]]))
    return count + sum((b + 1) * a for b, a in dense), cost + sum(b * a for b, a in dense)
