"""The contract of networks: what a stage that makes networks leaves in an item's folder, so that later stages use them.

results.json: `Networks`, what they are of and how they were made, and a `NetworkRecord` per repeat. Fields that only
one stage has stand beside these.

The safetensors file that results.json names under `weights`: the tensors of every repeat that has a spec, called
"<repeat>.<name>"; minarch.models.weights writes and loads it.

test.json: `NetworkTests`, a `NetworkTest` per repeat in the order of results.json. No other file holds what came of
the test images, so that nothing is selected by them.

timing.json: how they were trained (`Strategy.record`), as stage prune trains what it leaves of them; no result.

Whoever reads such a folder reads its results by `read_networks`, which refuses what breaks the contract, before its
weights.

A network whose training diverged keeps its entry and its weights, which are not finite: whoever uses it asks
`minarch.models.weights.finite`. Of a repeat from which nothing could be made there are no weights, and None stands for
its spec, parameters, macs and accuracies.
"""

from pathlib import Path
from typing import Any, NotRequired, TypeVar

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic reads typing's own from Python 3.12 on

from minarch.errors import UserError, one_line
from minarch.files import read_json
from minarch.models.families import Spec

Shape = TypeVar("Shape")
ORIGINAL = "original"  # the method of what was trained and made no smaller


class NetworkRecord(TypedDict):
    """One repeat: its number in the study, its status in the words of its stage, and the network in the file."""

    repeat: int
    status: str
    spec: Spec | None
    parameters: int | None  # trainable values
    macs: int | None  # multiply-accumulates for one image
    validation_accuracy: float | None  # share of right predictions; None: the network is not finite
    seed: NotRequired[int]  # of a training from the start: rewinding trains again from it


class Model(TypedDict):
    """An architecture of a family on a data set, as the study names them."""

    dataset: str
    family: str
    architecture: str


class Variant(Model):
    """What a method made of a model at a level, the share in [0, 1) that was to go; ORIGINAL and 0: only trained."""

    method: str
    level: float


class Networks(Variant):
    """The results.json of an item that made networks."""

    weights: str  # name of the safetensors file
    repeats: list[NetworkRecord]
    knobs: NotRequired[dict[str, Any]]  # of the family, where it was trained from the start
    way: NotRequired[str]  # how its stage made it, where that is one of several ways


class NetworkTest(TypedDict):
    """What the network of a repeat gives on the test images."""

    repeat: int
    accuracy: float | None  # share of right predictions; None: there is no finite network


class NetworkTests(TypedDict):
    """The test.json of an item that made networks."""

    repeats: list[NetworkTest]


NETWORKS, TESTS = TypeAdapter(Networks), TypeAdapter(NetworkTests)


def read_networks(item: Path) -> Networks:
    """The results.json of an item's folder, with what its stage adds.

    Raises:
        UserError: it is missing, or breaks the contract.
    """
    return _read(item / "results.json", NETWORKS)


def read_test_accuracies(item: Path) -> dict[int, float | None]:
    """Repeat -> test accuracy, from an item's test.json: to be reported, never to select by.

    Raises:
        UserError: it is missing, or breaks the contract.
    """
    return {run["repeat"]: run["accuracy"] for run in _read(item / "test.json", TESTS)["repeats"]}


def model_of(record: Model) -> Model:
    """The fields of a record that name its model."""
    return {"dataset": record["dataset"], "family": record["family"], "architecture": record["architecture"]}


def variant_of(record: Variant) -> Variant:
    """The fields of a record that name its model and what was made of it."""
    return {**model_of(record), "method": record["method"], "level": record["level"]}


def _read(path: Path, shape: TypeAdapter[Shape]) -> Shape:
    """A JSON file as it is, once it has shown that it has this shape."""
    try:
        record: Shape = read_json(path)
        shape.validate_python(record, strict=True)
    except (OSError, ValueError, RecursionError) as error:
        reason = one_line(error)
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        allowed = "allowed: what a stage that makes networks writes"
        raise UserError(f"{path}: is no record of networks ({reason}); {allowed}") from None
    return record
