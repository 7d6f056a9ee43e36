"""Curves of what coarser trainable parameters cost: accuracy over precision, SIMULATED (see precision.py)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minarch.curve import Point, statuses, write_curve
from minarch.data.tensors import Split
from minarch.models.network import Network
from minarch.models.weights import finite
from minarch.quantization import FLOAT32, PRECISIONS, SCHEMES
from minarch.quantization.precision import BITS, CASTS, reduced, size_bits
from minarch.quantization.ties import Tied

KEY = ["repeat", "precision", "scheme"]


def precision_curve(
    config: dict[str, Any], networks: dict[int, Network], splits: dict[str, Split], out: Path
) -> dict[str, Any]:
    """Accuracy of every repeat at every precision and scheme; writes curve.csv and, apart from it, test.csv.

    FLOAT32, what all others are compared with, is always in the curve. Casts have no scale and count as scheme
    "tensor". Ties between classes are broken by rule (see ties.py), at FLOAT32, too.

    Args:
        config: "precisions" and "schemes", in any order.
        networks: by repeat, in evaluation mode.
    """
    precisions = [name for name in PRECISIONS if name == FLOAT32 or name in config["precisions"]]
    schemes = [name for name in SCHEMES if name in config["schemes"]]
    points = _points(networks, precisions, schemes)
    write_curve(points, splits, out, columns=[*KEY, "bits", "bytes"], key=KEY)
    return {"simulated": True, "precisions": precisions, "schemes": schemes, "repeats": statuses(networks)}


def _points(networks: dict[int, Network], precisions: list[str], schemes: list[str]) -> Iterator[Point]:
    """The points of the curve; `bits` are of a value, `bytes` of all parameters with their scales."""
    for repeat, network in networks.items():
        if not finite(network):
            continue
        for precision in precisions:
            for scheme in SCHEMES[:1] if precision in CASTS else schemes:
                size = {"bits": BITS[precision], "bytes": -(-size_bits(network, precision, scheme) // 8)}
                name = {"repeat": repeat, "precision": precision, "scheme": scheme}
                yield Point(name | size, Tied(reduced(network, precision, scheme)))
