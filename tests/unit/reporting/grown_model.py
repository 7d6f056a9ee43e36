"""A model that a search for depth found, added to a constructed study: pruned, quantized, and better than all others.

The searches' repeats differ in depth and so in size. It is as accurate as the largest of the sweep, and smaller than
the second.
"""

from pathlib import Path
from typing import Any

from constructed import STEADY, STEP, write_json
from pruned_study import COSTS, write_export, write_precisions, write_structured

TOWER = "resnet-depth18-width4-stemcifar"
MODEL = {"dataset": "digits", "family": "resnet", "architecture": f"{TOWER}-odn"}
LEVELS, DEPTHS = [1, 2, 8], [1, 2, 2]
PARAMETERS = [300, 600, 600]
ACCURACY = STEP[6000][0]
FULL_MACS = 4_000_000  # of a training at full depth, the mean
COSTS_OF_SEARCH = [  # of each repeat, MACs
    {"warmup": 1_000_000, "search": 3_000_000, "fine_tuning": 500_000, "validation": 500_000},
    {"warmup": 1_000_000, "search": 5_000_000, "fine_tuning": 0, "validation": 500_000},
    {"warmup": 1_000_000, "search": 5_000_000, "fine_tuning": 0, "validation": 500_000},
]
SEARCH_MACS = 6_000_000


def write_depth(item: Path, kind: str, way: str, runs: list[dict[str, Any]], more: dict[str, Any]) -> Path:
    """results.json of an item of stage depth."""
    record = MODEL | {"architecture": f"{TOWER}-{way}", "tower": TOWER, "kind": kind, "way": way, "levels": LEVELS}
    repeats = [{"repeat": repeat, "seed": repeat, "status": "ok", "spec": {}} | run for repeat, run in enumerate(runs)]
    write_json(item / "results.json", record | {"method": "original", "level": 0, "repeats": repeats} | more)
    return item


def write_searches(root: Path) -> list[Path]:
    """The search, one by another method that goes no further, and the trainings at two depths alone."""
    runs = [
        {"depth": depth, "parameters": size, "macs": 2 * size, "cost": cost, "met": True}
        for depth, size, cost in zip(DEPTHS, PARAMETERS, COSTS_OF_SEARCH, strict=True)
    ]
    items = [write_depth(root / f"digits-{TOWER}-{way}-x", "search", way, runs, {}) for way in ("odn", "paper")]
    for depth, part in ((1, 0.25), (8, 1.0)):
        alone = [
            {"depth": depth, "parameters": 9000, "macs": 18_000, "validation_accuracy": ACCURACY + STEADY[repeat]}
            | {"cost": {"warmup": 0, "search": int(part * macs), "fine_tuning": 0, "validation": 0}}
            for repeat, macs in enumerate([FULL_MACS - 1000, FULL_MACS, FULL_MACS + 1000])
        ]
        item = root / f"digits-{TOWER}-alone-{depth}-x"
        items.append(write_depth(item, "alone", f"alone-{depth}", alone, {"depth": depth}))
    return items


def add_grown_model(root: Path, inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs of the aggregate stage with the items of stage depth, and with what was made of the search."""
    mean = sum(PARAMETERS) // len(PARAMETERS)
    whole, cut = (MODEL | {"method": method, "level": level} for method, level in (("original", 0), ("l1", 0.5)))
    pruned = [write_structured(root / "prune/grown-l1", MODEL, "l1", mean, ACCURACY, broken=False)]
    quantized = []
    for variant, size, reached in ((whole, mean, ACCURACY), (cut, mean // 2, ACCURACY - COSTS["l1"][1])):
        name = f"grown-{variant['method']}"
        quantized.append(write_export(root / f"quantize/{name}-int8", variant, size, reached, False, "int8"))
        quantized.append(write_precisions(root / f"quantize/{name}-precision", variant, size, reached, False))
    return inputs | {
        "depth": write_searches(root / "depth"),
        "prune": [*inputs["prune"], *pruned],
        "quantize": [*inputs["quantize"], *quantized],
    }
