"""How many images of each class an exported model recognises: what `minarch predict` tells of a folder of classes.

Over the test folder of an image folder that brings one, this is the test accuracy that the study measured: the same
files, read and classified in the same way.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table
from rich.text import Text

from minarch.commands.classify import classify
from minarch.data.folders import listing
from minarch.errors import UserError, short
from minarch.quantization.preprocessing import read_preprocessing

ALL = "all"  # the last line's name in place of a class


@dataclass(frozen=True)
class Recognised:
    """How a class fared: its images, those that were given it, and the other class that the most were given, if any."""

    label: str
    images: int
    right: int
    mistaken_for: str

    @property
    def accuracy(self) -> float:
        return self.right / self.images


def recognise(model: Path, folder: Path) -> list[Recognised]:
    """How each class fared whose images lie in the folder of its name.

    Raises:
        UserError: the folder is not laid out so, names a class that the model does not know, or holds an image that
            the model does not take.
    """
    classes, known = _classes(folder), read_preprocessing(model).classes
    if unknown := [name for name in classes if name not in known]:
        raise UserError(f"IMAGE: {str(folder / unknown[0])!r} is no class of {model}; allowed: {short(known)}")
    images = [(label, str(path)) for label, paths in classes.items() for path in paths]
    predictions = classify(model, [path for _, path in images])
    given = {label: Counter[str]() for label in classes}
    for (label, _), prediction in zip(images, predictions, strict=True):
        given[label][prediction.label] += 1
    recognised = []
    for label, counts in given.items():
        others = counts - Counter({label: counts[label]})
        mistaken_for = others.most_common(1)[0][0] if others else ""
        recognised.append(Recognised(label, counts.total(), counts[label], mistaken_for))
    return recognised


def _classes(folder: Path) -> dict[str, list[Path]]:
    """Class -> its image files, as stage data lists them."""
    try:
        splits = listing(folder)
    except UserError as error:
        raise UserError(str(error).replace("data.datasets: ", "IMAGE: ", 1)) from None
    if (folder / "train").is_dir():
        raise UserError(f"IMAGE: {str(folder)!r} has splits; allowed: one of them, {' or '.join(sorted(splits))}")
    return splits["train"]


def show(recognised: Sequence[Recognised], recorded: Sequence[float]) -> None:
    """Print a line per class and one of all: a table on a terminal, lines with tabs elsewhere.

    Args:
        recorded: the test accuracies that the study measured of this model and of its other repeats, if it is known.
    """
    right, images = (sum(getattr(row, name) for row in recognised) for name in ("right", "images"))
    rows = [*recognised, Recognised(ALL, images, right, "")]
    if recorded:
        _tell(recorded)
    if not sys.stdout.isatty():
        for row in rows:
            print(row.label, row.images, row.right, f"{row.accuracy:.6f}", row.mistaken_for, sep="\t")
        return
    table = Table()
    table.add_column("class", overflow="fold")
    for name in ("images", "recognised", "accuracy"):
        table.add_column(name, justify="right")
    table.add_column("most often mistaken for", overflow="fold")
    for row in rows:
        if row.label == ALL:
            table.add_section()
        counts = (f"{row.images:,}", f"{row.right:,}", f"{100 * row.accuracy:.2f} %")
        table.add_row(Text(row.label), *counts, Text(row.mistaken_for))
    Console().print(table)


def _tell(recorded: Sequence[float]) -> None:
    """Say beside the output what the study measured."""
    mean = f"; {100 * fmean(recorded):.2f} % is the mean of its {len(recorded)} repeats" if recorded[1:] else ""
    print(f"on the study's own test images it has {100 * recorded[0]:.2f} %{mean}", file=sys.stderr)
