"""Stage data: one item per data set."""

from collections.abc import Iterator
from math import prod
from pathlib import Path

from pydantic import Field, field_validator

from minarch.data.catalogue import CATALOGUE, FOLDER, slug
from minarch.flow import cost
from minarch.flow.folder import fingerprint
from minarch.flow.item import Item, Resources
from minarch.flow.stages.section import NOT_IDENTITY, Section, Share
from minarch.flow.stages.stage import Before, Stage

OPENING_S, OF_VALUE_S = 4.0, 4e-8  # of any data set, imports included, and of a pixel's value; a download is not known
LONGEST_PATH = 1_000  # characters
LONGEST_NAME = 100  # bytes: the names of items begin with it, and a file's name has at most 255
UNCOUNTED = 2  # classes of a folder, whose images are counted only when they are read


class Data(Section):
    """Data sets and how they are split."""

    datasets: list[str] = Field(min_length=1, json_schema_extra=NOT_IDENTITY, description="a dimension of the grid")
    root: str | None = Field(
        None, min_length=1, json_schema_extra=NOT_IDENTITY, description="folder that holds the files already"
    )
    validation: Share = Field(0.2, description="share of the training images cut off for validation, stratified")
    test: Share = Field(0.2, description="share cut off for test where a data set has no test split of its own")
    limit: int | None = Field(None, ge=10, description="at most this many training images (stratified); null: all")
    image_size: int = Field(32, ge=4, le=512, description="edge in pixels to which a folder's images are resized")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of every split")

    @field_validator("datasets")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        for name in names:
            if name in CATALOGUE:
                continue
            if not name.startswith(FOLDER) or name == FOLDER:
                raise ValueError(f"{name!r:.100} is no data set; allowed: {', '.join(CATALOGUE)}, {FOLDER}PATH")
            if len(name) > LONGEST_PATH or not name.isprintable() or not 1 <= len(slug(name).encode()) <= LONGEST_NAME:
                raise ValueError(
                    f"{name!r:.100} cannot name a data set; allowed: {FOLDER}PATH of at most {LONGEST_PATH} printable"
                    f" characters, whose last part has letters or digits and at most {LONGEST_NAME} bytes"
                )
        slugs = [slug(name) for name in names]
        if twice := next((s for i, s in enumerate(slugs) if s in slugs[:i]), None):
            raise ValueError(
                f"{twice!r} is the name of two data sets; allowed: each name once (a folder's is its last part)"
            )
        return names


def shape_of(dataset: str, image_size: int) -> tuple[tuple[int, int, int], int]:
    """Shape (C, H, W) and classes that architectures are planned for."""
    if entry := CATALOGUE.get(dataset):
        return entry.shape, entry.classes
    return (3, image_size, image_size), UNCOUNTED


def items(before: Before, *, data: Data) -> Iterator[Item]:
    for name in data.datasets:
        identity = {"dataset": name, **data.identity()}
        if name.startswith(FOLDER):
            identity["dataset"] = f"{FOLDER}{slug(name)}"  # where it lies is not what it is
            identity["fingerprint"] = fingerprint(Path(name.removeprefix(FOLDER)))
        else:
            identity.pop("image_size")
            if CATALOGUE[name].own_test:
                identity.pop("test")
        config = {**data.model_dump(mode="json", exclude={"datasets"}), "dataset": name, "name": slug(name)}
        shape, _ = shape_of(name, data.image_size)
        count = cost.images(name, None)  # it reads all before it keeps `limit` of them
        seconds, memory = OPENING_S + OF_VALUE_S * count * prod(shape), cost.memory_mb(shape, count)
        resources = Resources(seconds=seconds, memory_mb=memory, urgent=True)
        yield STAGE.item(slug(name), config, {}, identity=identity, resources=resources)


STAGE = Stage(
    name="data",
    words="data sets as tensors, split into train, validation and test",
    module="minarch.data.__main__",
    sections=("data",),
    files=("data/folders",),
    items=items,
)
