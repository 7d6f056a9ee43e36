"""Items of stage complexity whose findings are known.

Of the constructed ViT accuracy falls with the log of the share of MACs, the same way whatever beta is; only that units
and layers together (beta 0.5) are exactly GAIN better at equal MACs than units alone, and against layers alone as
often better as worse. Networks trained with gates beat L1 by L1_LOSS and equal those trained afresh. The constructed
DNN has three nu: too few for a verdict over its curve. Its strongest nu is too strong: all repeats collapse, where one
diverges and L1 reaches so few MACs in two of them alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from constructed import STEADY, write_json

IMAGES, CHECKED, EPOCHS, SETTLE = 100, 50, 30, 9  # training and validation images, epochs
REPEATS = len(STEADY)
ALPHA = 0.5
SLOPE = 0.04  # of accuracy on the log of the share of MACs
GAIN, L1_LOSS = 0.02, 0.03
OPTIMISM = 0.005  # by which validation accuracy is better than test accuracy
SAVED = 0.6  # the gated networks' mean MACs while they are trained lie so far between 1 and the share they end with


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A constructed network before it is pruned."""

    family: str
    name: str
    parameters: int
    macs: int
    top: float  # its accuracy
    groups: dict[str, tuple[str, int]]  # name -> kind, units
    layers: list[str]
    shares: dict[float, list[float]]  # beta -> of the MACs that its networks keep, of each nu
    nus: list[float]
    collapsed: tuple[float, ...] = ()  # nu that is too strong
    apart: dict[float, float] = field(default_factory=dict)  # beta -> how much more accurate it is, at equal MACs
    unsteady: dict[float, float] = field(default_factory=lambda: {1: 0.01})  # beta -> by how much each other repeat is

    def points(self) -> Iterator[tuple[float, float, float]]:
        """(nu, beta, share of the MACs)."""
        for beta, shares in self.shares.items():
            yield from zip(self.nus, [beta] * len(shares), shares, strict=True)

    def share(self, share: float, repeat: int) -> float:
        """Of the MACs of a repeat: a little spread."""
        return share * (1 + 10 * STEADY[repeat])

    def accuracy(self, share: float, beta: float, repeat: int) -> float:
        """On test images, of a network with gates; against layers alone each other repeat is better."""
        either = (-1) ** repeat * self.unsteady.get(beta, 0.0)
        return self.top + SLOPE * np.log(share) + self.apart.get(beta, 0.0) + STEADY[repeat] + either

    def training(self, epochs: float) -> dict[str, int]:
        """MACs of so many epochs of the whole network."""
        return {
            "training": round(3 * self.macs * IMAGES * epochs),
            "validation": round(self.macs * CHECKED * epochs),
        }


PARTS = {"heads": ("heads", 4), "fc1": ("neurons", 32)}  # of a block
VIT = Whole(
    family="vit",
    name="vit-depth2-width16-heads4-patch4-ffn2",
    parameters=7_000,
    macs=60_000,
    top=0.96,
    groups={
        f"blocks.{i}.{part}": kind for i in (0, 1) for part, kind in (("heads", ("heads", 4)), ("fc1", ("neurons", 32)))
    },
    layers=[f"blocks.{i}.{part}" for i in (0, 1) for part in ("attention", "ffn")],
    shares={0: [0.9, 0.7, 0.45, 0.25, 0.12], 0.5: [0.85, 0.6, 0.4, 0.2, 0.1], 1: [0.95, 0.75, 0.5, 0.5, 0.26]},
    nus=[0.3, 1, 3, 10, 30],
    apart={0.5: GAIN, 1: GAIN},
)
DNN = Whole(
    family="dnn",
    name="dnn-depth2-width32",
    parameters=3_500,
    macs=3_400,
    top=0.955,
    groups={"hidden.0": ("neurons", 32), "hidden.1": ("neurons", 32)},
    layers=[],
    shares={0: [0.6, 0.3, 0.03]},
    nus=[1, 3, 10],
    collapsed=(10,),
)


def write_complexity(root: Path, dataset: str, wholes: list[Whole]) -> list[Path]:
    """The items of the networks on a data set, with the controls l1 and fresh."""
    items = []
    for whole in wholes:
        items += [write_plain(root, dataset, whole, way, epochs) for way, epochs in (("full", 30), ("short", 21))]
        for nu, beta, share in whole.points():
            items += [write_point(root, dataset, whole, nu, beta, share, way) for way in ("gated", "l1", "fresh")]
    return items


def write_plain(root: Path, dataset: str, whole: Whole, way: str, epochs: int) -> Path:
    """The whole network trained for so many epochs."""
    runs, tests = [], {}
    for repeat in range(REPEATS):
        tests[repeat] = whole.top + STEADY[repeat] - (0.05 if way == "short" else 0)
        cost = whole.training(epochs)
        runs.append(run_of(whole, repeat, 1.0, tests[repeat], cost))
    return write_item(root, dataset, whole, {"way": way, "epochs": epochs}, runs, tests)


def write_point(root: Path, dataset: str, whole: Whole, nu: float, beta: float, share: float, way: str) -> Path:
    """What one nu and beta end with, or one of its controls."""
    failed = nu in whole.collapsed
    runs, tests = [], {}
    for repeat in range(REPEATS):
        kept = whole.share(share, repeat)
        tests[repeat] = 0.1 if failed else whole.accuracy(kept, beta, repeat) - (L1_LOSS if way == "l1" else 0)
        cost = whole.training(
            {"gated": EPOCHS * (1 - SAVED * (1 - kept)), "l1": SETTLE * kept, "fresh": EPOCHS * kept}[way]
        )
        run = run_of(whole, repeat, kept, tests[repeat], cost, "collapsed" if failed else "ok")
        if failed and way == "gated" and repeat == 0:
            tests[repeat] = None
            run |= {"status": "diverged", "validation_accuracy": None}
        if failed and way == "l1" and repeat > 1:
            tests[repeat] = None
            nothing = dict.fromkeys(["spec", "parameters", "macs", "validation_accuracy"])
            run |= {"status": "unreachable", "cost": {"training": 0, "validation": 0}} | nothing
        if way == "gated":
            run |= {"deterministic": 0.9 + 10 * STEADY[repeat], **kept_of(whole, kept, beta, repeat)}
        runs.append(run)
    point = {"way": way, "epochs": EPOCHS if way != "l1" else SETTLE, "nu": nu, "alpha": ALPHA, "beta": beta}
    if way == "gated":
        point["gates"] = {"heads": True, "delay_epochs": 3, "settle_epochs": SETTLE, "start": 1.0, "travel": 20}
        point["gates"] |= {"explore": 0.05, "estimator": "balanced"}
    item = write_item(root, dataset, whole, point, runs, tests)
    if way == "gated":
        write_gates(item, whole, share, beta)
    return item


def kept_of(whole: Whole, share: float, beta: float, repeat: int) -> dict[str, Any]:
    """Of strong pruning with layer gates one layer is left out, of odd repeats the first and else the last."""
    left_out = {whole.layers[-(repeat % 2 == 0)]} if whole.layers and beta > 0 and share < 0.5 else set()
    groups, keep = [], 1.0 if beta == 1 else share**0.5
    for i, (name, (kind, units)) in enumerate(whole.groups.items()):
        gone = bool(whole.layers) and whole.layers[i] in left_out
        after = 0 if gone else max(1, round(units * min(1.0, keep * (1 + 0.2 * i))))
        groups.append({"name": name, "kind": kind, "before": units, "after": after})
    return {"groups": groups, "layers": [{"name": name, "kept": name not in left_out} for name in whole.layers]}


def write_gates(item: Path, whole: Whole, share: float, beta: float) -> None:
    """Theta stays, then falls in a line, and is 0 or 1 from the start of settling on."""
    rows = []
    parts = [(name, "units", beta < 1) for name in whole.groups] + [(name, "layer", beta > 0) for name in whole.layers]
    for repeat in range(REPEATS):
        for epoch in range(1, EPOCHS + 1):
            moved = min(1.0, max(0.0, (epoch - 3) / (EPOCHS - SETTLE - 3)))
            for i, (name, kind, gated) in enumerate(parts):
                ends = np.array([0, 0, share > 0.2, share > 0.5 + 0.1 * i, 1], float)
                if kind == "layer":
                    ends = np.full(5, float(share > 0.4 or i % 2))
                quantiles = 1 - moved * (1 - np.sort(ends)) * gated
                row = {"repeat": repeat, "epoch": epoch, "group": name, "kind": kind}
                rows.append(row | dict(zip(["min", "q25", "median", "q75", "max"], quantiles, strict=True)))
    pd.DataFrame(rows).to_csv(item / "gates.csv", index=False)


def run_of(
    whole: Whole, repeat: int, share: float, test: float, cost: dict[str, int], status: str = "ok"
) -> dict[str, Any]:
    """A repeat's network; of parameters a little more is kept than of MACs."""
    sizes = {"parameters": round(whole.parameters * share**0.9), "macs": round(whole.macs * share)}
    run: dict[str, Any] = {"repeat": repeat, "seed": repeat, "status": status, "spec": {"family": whole.family}}
    return run | sizes | {"validation_accuracy": test + OPTIMISM, "cost": cost}


def write_item(
    root: Path, dataset: str, whole: Whole, of_item: dict[str, Any], runs: list[dict[str, Any]], tests: dict[int, Any]
) -> Path:
    """results.json and test.json."""
    way = of_item["way"]
    point = f"nu{of_item['nu']:g}-alpha{of_item['alpha']:g}-beta{of_item['beta']:g}" if "nu" in of_item else ""
    title = "-".join(part for part in (point, "" if way == "gated" else way) if part)
    item = root / f"{dataset}-{whole.name}-{title}-x"
    model = {"dataset": dataset, "family": whole.family, "architecture": f"{whole.name}-{title}", "whole": whole.name}
    model |= {"classes": 10, "knobs": {}, "full": {"parameters": whole.parameters, "macs": whole.macs}}
    record = model | {"method": "original", "level": 0, "weights": "weights.safetensors"} | of_item
    write_json(item / "results.json", record | {"repeats": runs})
    accuracies = [{"repeat": repeat, "accuracy": accuracy} for repeat, accuracy in tests.items()]
    write_json(item / "test.json", {"repeats": accuracies})
    return item
