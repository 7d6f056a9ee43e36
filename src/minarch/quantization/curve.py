"""Curves of what coarser trainable parameters cost: accuracy over precision, SIMULATED (see precision.py)."""

import csv
from collections.abc import Iterator
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import nn

from minarch.data.tensors import Split
from minarch.models.cost import parameters
from minarch.models.network import Network
from minarch.models.weights import finite
from minarch.quantization.precision import BITS, CASTS, PRECISIONS, SCHEMES, reduced, size_bits
from minarch.training.evaluate import evaluate_all

HELD_BYTES = 2**28  # of networks that are evaluated together
NAME = ["repeat", "precision", "scheme"]


def precision_curve(
    config: dict[str, Any], networks: dict[int, Network], splits: dict[str, Split], out: Path
) -> dict[str, Any]:
    """Accuracy of every repeat at every precision and scheme; writes curve.csv and, apart from it, test.csv.

    fp32, what all others are compared with, is always in the curve. Casts have no scale and count as scheme "tensor". A
    repeat whose weights are not finite has no rows; a loss that is not finite is empty.

    Args:
        config: "precisions" and "schemes", in any order.
        networks: by repeat, in evaluation mode.
    """
    precisions = [name for name in PRECISIONS if name == "fp32" or name in config["precisions"]]
    schemes = [name for name in SCHEMES if name in config["schemes"]]
    points = _points(networks, precisions, schemes)
    at_once = max(1, HELD_BYTES // (4 * max(map(parameters, networks.values()), default=1)))
    with (out / "curve.csv").open("w", newline="") as curve_file, (out / "test.csv").open("w", newline="") as test_file:
        curve, test = (csv.writer(file, lineterminator="\n") for file in (curve_file, test_file))
        curve.writerow([*NAME, "bits", "bytes", "validation_loss", "validation_accuracy"])
        test.writerow([*NAME, "accuracy"])
        while block := list(islice(points, at_once)):
            coarse = [network for *_, network in block]
            measured = [*evaluate_all(coarse, splits["validation"]), evaluate_all(coarse, splits["test"])[1]]
            for (name, size, _), (loss, accuracy, tested) in zip(block, torch.stack(measured, 1).tolist(), strict=True):
                curve.writerow([*name, *size, loss if isfinite(loss) else "", accuracy])
                test.writerow([*name, tested])
    repeats = [
        {"repeat": repeat, "status": "ok" if finite(network) else "unstable", "parameters": parameters(network)}
        for repeat, network in networks.items()
    ]
    return {"simulated": True, "precisions": precisions, "schemes": schemes, "repeats": repeats}


def _points(
    networks: dict[int, Network], precisions: list[str], schemes: list[str]
) -> Iterator[tuple[tuple[int, str, str], tuple[int, int], nn.Module]]:
    """NAME, (bits per value, bytes of all) and the network of each point of the curve."""
    for repeat, network in networks.items():
        if not finite(network):
            continue
        for precision in precisions:
            for scheme in SCHEMES[:1] if precision in CASTS else schemes:
                size = BITS[precision], -(-size_bits(network, precision, scheme) // 8)
                yield (repeat, precision, scheme), size, reduced(network, precision, scheme)
