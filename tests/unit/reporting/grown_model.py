"""A model that a search for depth found, in a constructed study: pruned, quantized, and better than all others.

It is what the method odn of the constructed ResNet ends with, whose repeats differ in depth and so in size. It is as
accurate as the largest network of the sweep, and smaller than the second.
"""

from pathlib import Path
from typing import Any

from constructed import STEP
from depth_study import RESNET
from pruned_study import COSTS, write_export, write_precisions, write_structured

MODEL = {"dataset": "digits", "family": RESNET.family, "architecture": f"{RESNET.name}-odn"}
DEPTHS = RESNET.methods["odn"]
SIZES = [RESNET.parameters[depth] for depth in DEPTHS]
MEAN = sum(SIZES) // len(SIZES)
SMALL = 600  # parameters of its files: fewer than its networks have, so that it is on the front
ACCURACY = STEP[6000][0]


def add_grown_model(root: Path, inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs of the aggregate stage with what was made of the search."""
    whole, cut = (MODEL | {"method": method, "level": level} for method, level in (("original", 0), ("l1", 0.5)))
    pruned = [write_structured(root / "prune/grown-l1", MODEL, "l1", SMALL, ACCURACY, broken=False)]
    quantized = []
    for variant, size, reached in ((whole, SMALL, ACCURACY), (cut, SMALL // 2, ACCURACY - COSTS["l1"][1])):
        name = f"grown-{variant['method']}"
        quantized.append(write_export(root / f"quantize/{name}-int8", variant, size, reached, False, "int8"))
        quantized.append(write_precisions(root / f"quantize/{name}-precision", variant, size, reached, False))
    return inputs | {"prune": [*inputs["prune"], *pruned], "quantize": [*inputs["quantize"], *quantized]}
