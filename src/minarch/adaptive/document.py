"""The study file of an adaptive sweep: an ordinary params file, of which the search writes what it decides.

That is which sizes are trained how often, what counts as success, and which networks are pruned. All else is written
once and then left as it is, so that it can be edited.
"""

import os
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

import yaml

from minarch.adaptive.decision import BLOCK
from minarch.data.catalogue import CATALOGUE, FOLDER, entry_of, slug
from minarch.data.folders import listing
from minarch.data.pictures import channels_of
from minarch.errors import UserError, short
from minarch.flow import document
from minarch.flow.config import checked
from minarch.flow.stages.sweep import REPEATS

VISITS, EPOCHS = 600_000, (12, 60)  # images that a training sees in all; the fewest and the most epochs (our choice)
MANY = 10_000  # training images from which on each training is a job of its own, so that few use all cores
ANY = {"dnn": {"depth": 1, "width": 1}}
LARGE = 16  # pixels of an edge from which a shift by one leaves an image what it is
HEADER = """\
# yaml-language-server: $schema=../workflow/schemas/params.schema.json
# Written by `minarch find`, which decides sweep.families, convergence and representatives; all else is yours to edit,
# and the next `minarch find` goes on from here.
"""


class StudyFile:
    """A study file that is there, or the one that a data set begins with."""

    def __init__(self, images: str) -> None:
        """Read the file of a data set, or think of one.

        Args:
            images: a data set by name, or a folder of images.

        Raises:
            UserError: there are no such images, or the file is no study.
        """
        self.dataset = images if images in CATALOGUE else f"{FOLDER}{os.path.normpath(images)}"
        if self.dataset != images and not Path(images).is_dir():
            raise UserError(
                f"IMAGES: {short(images)} is no folder; allowed: a folder of images, {', '.join(CATALOGUE)}"
            )
        if not slug(self.dataset):
            raise UserError(f"IMAGES: {short(images)} cannot name a study; allowed: a folder with letters or digits")
        self.path = Path("params", f"find-{slug(self.dataset)}.yaml")
        beginning = _beginning(self.dataset)
        self.values = _edited(self.path, beginning) if self.path.exists() else beginning

    @property
    def listed(self) -> bool:
        """Whether the file is there and lists any size."""
        return self.path.exists() and bool(self.values["sweep"]["families"])

    @property
    def shape(self) -> tuple[int, int, int]:
        """[C, H, W] of an image."""
        planned = entry_of(self.dataset, self.values["data"].get("image_size", 32)).shape
        return planned if self._folder is None else (channels_of(listing(self._folder)), *planned[1:])

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return CATALOGUE[self.dataset].classes if self._folder is None else len(listing(self._folder)["train"])

    @property
    def images(self) -> int:
        """Images that are trained on, about."""
        return _images(self.dataset)

    @property
    def _folder(self) -> Path | None:
        """The folder that holds the images, of a data set that is one."""
        return None if self.dataset in CATALOGUE else Path(self.dataset.removeprefix(FOLDER))

    def write(self, trainings: Mapping[str, list[tuple[dict[str, Any], int]]], **sections: Mapping[str, Any]) -> None:
        """Write the file.

        Args:
            trainings: family -> knobs of its sizes and how often each is trained.
            sections: values that replace those of the file, by section.
        """
        families = {family: [{**knobs, REPEATS: n} for knobs, n in sizes] for family, sizes in trainings.items()}
        self.values["sweep"]["families"] = families
        for name, values in sections.items():
            self.values.setdefault(name, {}).update(values)
        text = yaml.safe_dump(self.values, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)
        self.path.parent.mkdir(exist_ok=True)
        partial = self.path.with_name(f".{self.path.name}.tmp")  # so a search that is killed leaves the file whole
        partial.write_text(HEADER + text, encoding="utf-8")
        partial.replace(self.path)


def _edited(path: Path, beginning: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a file that is there, with the sections that it lacks."""
    values = document.read(path)
    if not isinstance(values, dict):
        raise UserError(f"{path}: {short(values)} is not allowed; allowed: the sections of a study")
    values = {**beginning, **values}
    for name in beginning:
        if not isinstance(values[name], dict):
            raise UserError(f"{path}: {name}: {short(values[name])} is not allowed; allowed: a mapping")
    if (datasets := values["data"].get("datasets")) != (ours := beginning["data"]["datasets"]):
        raise UserError(f"{path}: data.datasets: {short(datasets)} is not allowed; allowed: {ours}")
    values["sweep"] = {**beginning["sweep"], **values["sweep"]}
    further = values["representatives"] if values["sweep"]["families"] else {"roles": []}
    families = values["sweep"]["families"] or ANY  # the search has not begun, and the rest is to be read
    checked(path, {**values, "sweep": {**values["sweep"], "families": families}, "representatives": further})
    return values


def _beginning(dataset: str) -> dict[str, Any]:
    (fewest, most), images = EPOCHS, _images(dataset)
    epochs = min(max(ceil(VISITS / images), fewest), most)
    data: dict[str, Any] = {"datasets": [dataset]} | ({} if dataset in CATALOGUE else {"image_size": 32})
    edge = min(entry_of(dataset, data.get("image_size", 32)).shape[1:])
    moved = {"augment": {"shift": 1}} if edge >= LARGE else {}
    return {
        "data": data,
        "sweep": {"repeats": 1, "block": 1 if images > MANY else BLOCK, "families": {}},
        "train": {"epochs": epochs, "batch_size": 64, "learning_rate": 3e-3, "schedule": "cosine", "warmup": 1} | moved,
        "convergence": {"gain_share": None, "spread_points": 100.0},  # reliable is what reaches the target
        "representatives": {"roles": []},
        "prune": {
            "levels": [0.25, 0.5],
            "finetune": {"epochs": max(3, epochs // 4), "batch_size": 64, "learning_rate": 1e-3, "schedule": "cosine"},
            "magnitude_levels": [0, 0.5],
        },
        "quantize": {"calibration": 256},
        "aggregate": {},
    }


def _images(dataset: str) -> int:
    if entry := CATALOGUE.get(dataset):
        return round(entry.images * (0.8 if entry.own_test else 0.64))
    splits = listing(Path(dataset.removeprefix(FOLDER)))
    count = sum(map(len, splits["train"].values()))
    return max(1, round(count * (0.8 if "test" in splits else 0.64)))
