"""Items of stage depth whose findings are known.

Of the eight blocks of the constructed ResNet three are enough: every repeat of depth 3 meets the target, none of a
shallower one. Its method ends there, too, but for one repeat that goes on to depth 4. Of the constructed DNN one layer
is enough, but depth 3 misses the target, so a binary search looks deeper and ends at 4. What is asked of the lonely
ResNet no depth reaches, and one of its repeats diverged.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from constructed import STEADY, write_json

IMAGES, CHECKED = 100, 50  # training images, validation images
WARMUP, SEARCH, FURTHER = 1, 8, 4  # epochs: of the warm-up, at each depth until it meets the target, after it does
OPTIMISM = 0.005  # by which validation accuracy is better than test accuracy
REPEATS = len(STEADY)


@dataclass(frozen=True, kw_only=True)
class Tower:
    """A constructed network at full depth, with what each depth has: depth -> value."""

    family: str
    name: str
    accuracy: dict[int, float]  # mean validation accuracy of its networks trained alone
    parameters: dict[int, int]
    macs: dict[int, int]  # of one image
    methods: dict[str, list[int]]  # the depths that the repeats end with
    target: str | float = "full"
    alone: list[int] = field(default_factory=list)  # depths trained alone; by default all
    broken: tuple[int, ...] = ()  # repeats whose search diverged

    @property
    def levels(self) -> list[int]:
        return sorted(self.accuracy)

    @property
    def reference(self) -> float:
        """What the target is measured from: a mean, as STEADY adds nothing to one."""
        named = {"full": self.accuracy[self.levels[-1]], "best": max(self.accuracy.values())}
        return named[self.target] if isinstance(self.target, str) else self.target

    @property
    def threshold(self) -> float:
        return self.reference - 0.01

    def validation(self, depth: int, repeat: int, shift: int = 0) -> float:
        """Spread over the repeats, at each depth (and shift) in another order."""
        return self.accuracy[depth] + 3 * STEADY[(repeat + depth + shift) % REPEATS]

    def training(self, depth: int, epochs: int) -> dict[str, int]:
        """MACs of so many epochs: three passes per training image, one per validation image."""
        return {
            "training_macs": 3 * self.macs[depth] * IMAGES * epochs,
            "validation_macs": self.macs[depth] * CHECKED * epochs,
        }


RESNET = Tower(
    family="resnet",
    name="resnet-depth18-width4-stemcifar",
    accuracy={1: 0.80, 2: 0.90, 3: 0.9455, 4: 0.952, 8: 0.945},
    parameters={1: 386, 2: 698, 3: 1_686, 4: 2_886, 8: 44_400},
    macs={1: 19_000, 2: 38_000, 3: 52_000, 4: 71_000, 8: 135_000},
    methods={"odn": [3, 3, 3, 4, 3], "plain": [3] * REPEATS},
)
DNN = Tower(
    family="dnn",
    name="dnn-depth4-width16",
    accuracy={1: 0.955, 2: 0.951, 3: 0.90, 4: 0.952},
    parameters={1: 1_210, 2: 1_482, 3: 1_754, 4: 2_026},
    macs={1: 1_184, 2: 1_440, 3: 1_696, 4: 1_952},
    methods={"odn": [1] * REPEATS, "plain": [1] * REPEATS},
)
LONELY = Tower(
    family="resnet",
    name="resnet-depth18-width4-stemcifar",
    accuracy=RESNET.accuracy,
    parameters=RESNET.parameters,
    macs=RESNET.macs,
    methods={"odn": [4] * REPEATS},
    target=0.99,
    alone=[8],
    broken=(1,),
)


def write_depths(root: Path, dataset: str, towers: list[Tower]) -> list[Path]:
    """The items of the towers on a data set."""
    items = []
    for tower in towers:
        items += [write_alone(root, dataset, tower, depth) for depth in tower.alone or tower.levels]
        items += [write_search(root, dataset, tower, method) for method in tower.methods]
    return items


def write_alone(root: Path, dataset: str, tower: Tower, depth: int) -> Path:
    """Every repeat trained for 12 epochs and one more per layer."""
    epochs, repeats = 12 + depth, []
    for repeat in range(REPEATS):
        macs = tower.training(depth, epochs)
        cost = {"warmup": 0, "search": macs["training_macs"], "fine_tuning": 0, "validation": macs["validation_macs"]}
        accuracy = tower.validation(depth, repeat)
        training = {"depth": depth, "epochs": epochs, "validation_accuracy": accuracy, "epochs_to_target": None} | macs
        repeats.append(run_of(tower, repeat, depth, accuracy) | {"trainings": [training], "cost": cost})
    return write_item(root, dataset, tower, {"kind": "alone", "way": f"alone-{depth}", "depth": depth}, repeats)


def write_search(root: Path, dataset: str, tower: Tower, method: str) -> Path:
    """A search from depth 1 on, after a warm-up if the method is called odn; nothing is met by an unreachable target.

    Where it is met further epochs follow.
    """
    repeats = []
    for repeat, depth in enumerate(tower.methods[method]):
        met = tower.accuracy[depth] >= tower.threshold
        depths = [level for level in tower.levels if level <= depth or not met]
        trainings = [tower.training(level, SEARCH) for level in depths]
        further = tower.training(depth, FURTHER if met else 0)
        cost = {
            "warmup": 3 * tower.macs[tower.levels[-1]] * IMAGES * WARMUP if method == "odn" else 0,
            "search": sum(training["training_macs"] for training in trainings),
            "fine_tuning": further["training_macs"],
            "validation": sum(training["validation_macs"] for training in [*trainings, further]),
        }
        accuracy = None if repeat in tower.broken else tower.validation(depth, repeat, shift=1 + (method == "odn"))
        run = run_of(tower, repeat, depth, accuracy) | {"met": met, "cost": cost}
        run["warmup_accuracies"] = {str(level): 0.3 for level in tower.levels} if method == "odn" else {}
        run["trainings"] = [
            {"depth": level, "epochs": SEARCH, "epochs_to_target": SEARCH if level == depth and met else None}
            | training
            for level, training in zip(depths, trainings, strict=True)
        ]
        repeats.append(run)
    search = {"restart": "continue" if method == "odn" else "scratch", "warmup": WARMUP if method == "odn" else 0}
    search |= {"target": tower.target, "tolerance_points": 1.0}
    search |= {"accuracy": tower.reference, "threshold": tower.threshold}
    return write_item(
        root, dataset, tower, {"kind": "search", "way": method, "levels": tower.levels, "search": search}, repeats
    )


def run_of(tower: Tower, repeat: int, depth: int, accuracy: float | None) -> dict[str, Any]:
    """A repeat's network."""
    sizes = {"parameters": tower.parameters[depth], "macs": tower.macs[depth]}
    status = "unstable" if accuracy is None else "ok"
    run = {"repeat": repeat, "seed": repeat, "status": status, "spec": {}, "depth": depth}
    return run | sizes | {"validation_accuracy": accuracy}


def write_item(root: Path, dataset: str, tower: Tower, of_item: dict[str, Any], repeats: list[dict[str, Any]]) -> Path:
    """results.json and test.json."""
    item = root / f"{dataset}-{tower.name}-{of_item['way']}-x"
    model = {"dataset": dataset, "family": tower.family, "architecture": f"{tower.name}-{of_item['way']}"}
    model |= {"tower": tower.name, "full_depth": tower.levels[-1], "classes": 10, "knobs": {}}
    record = model | {"method": "original", "level": 0, "weights": "weights.safetensors"} | of_item
    record["way"] = "alone" if of_item["kind"] == "alone" else of_item["way"]
    write_json(item / "results.json", record | {"repeats": repeats})
    tests = [(run["repeat"], run["validation_accuracy"]) for run in repeats]
    tests = [{"repeat": repeat, "accuracy": None if share is None else share - OPTIMISM} for repeat, share in tests]
    write_json(item / "test.json", {"repeats": tests})
    return item
