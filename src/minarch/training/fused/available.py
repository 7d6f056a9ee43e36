"""Whether steps can be compiled, whether it pays, and where what was compiled is kept. Needs no numba."""

from importlib.util import find_spec
from pathlib import Path

from minarch.models.families import Spec
from minarch.training import FORWARD_PASSES
from minarch.training.repeats import Task
from minarch.training.tuning import processor

SHORT_S = 1.0  # estimated seconds of an item by other ways: one that is shorter is not worth what compiling takes
OTHERS = {
    "cnn": (10e-6, 20e9),
    "dnn": (2e-6, 60e9),
    "vit": (20e-6, 50e9),
}  # ways: seconds of an image beside its arithmetic, operations per s

_folder: Path | None = None


def fusable(spec: Spec) -> bool:
    """True if steps of this family can be compiled, and numba is installed."""
    return spec["family"] in OTHERS and installed()


def installed() -> bool:
    """True if numba is there."""
    return find_spec("numba") is not None


def lasts(task: Task, repeats: int) -> bool:
    """True if it pays to compile: by an estimate, because a measured time would not be the same everywhere."""
    images = repeats * task.recipe.epochs * len(task.train)
    base, rate = OTHERS[task.spec["family"]]
    return images * (base + 2 * FORWARD_PASSES * task.macs / rate) >= SHORT_S


def keep(folder: Path) -> None:
    """Keep compiled steps in this folder and take them from there; until then each process compiles for itself.

    The folder must be one of this version of the code: numba sees changes of one file only, not of what it uses.
    """
    global _folder
    _folder = folder.absolute()


def is_kept(family: str) -> bool:
    """True if a family's steps, compiled for this type of processor, lie in the folder of compiled steps."""
    return _folder is not None and marker(_folder, family).exists()


def marker(folder: Path, family: str) -> Path:
    """The empty file that says so."""
    return folder / f"{family}-{processor()}"


def kept() -> Path | None:
    """The folder of compiled steps; None if they are not kept."""
    return _folder
