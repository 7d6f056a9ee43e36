"""Stage data: one item per data set."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from minarch.data.catalogue import CATALOGUE, FOLDER, FOLDER_READER, Entry, entry_of, slug
from minarch.errors import short
from minarch.flow import cost
from minarch.flow.digest import code
from minarch.flow.folder import fingerprint
from minarch.flow.item import Item, Resources
from minarch.flow.stages.section import NOT_IDENTITY, Distinct, Level, Section, Share
from minarch.flow.stages.stage import Before, Stage

OPENING_S, OF_VALUE_S = 4.0, 4e-8  # of any data set, imports included, and of a pixel's value; a download is not known
LONGEST_PATH = 1_000  # characters
LONGEST_NAME = 100  # bytes: the names of items begin with it, and a file's name has at most 255
NAMED, VARIED = "[name]", "[variant]"  # what kind of entry `datasets` holds, in the places of pydantic's errors


class Variant(Section):
    """A data set made of another one: of some of its classes, with other pixels, or with labels that are wrong."""

    name: str = Field(description="what the variant is called")
    of: str = Field(description="the data set that it is made of")
    classes: Distinct[Annotated[int, Field(ge=0)]] | None = Field(
        None, min_length=2, description="numbers of the classes kept, which are numbered anew in this order; null: all"
    )
    size: int | None = Field(None, ge=4, le=512, description="edge in pixels to which images are resized; null: not")
    grey: bool = Field(False, description="luminance by ITU-R 601, as one channel")
    label_noise: Level = Field(0.0, description="share of the labels that others replace, in training and validation")

    @field_validator("name")
    @classmethod
    def _can_name_files(cls, name: str) -> str:
        if name != slug(FOLDER + name) or name in CATALOGUE or not 1 <= len(name.encode()) <= LONGEST_NAME:
            raise ValueError(
                f"{short(name)} is not allowed; allowed: letters, digits and - within, at most {LONGEST_NAME} bytes,"
                " and no name of a published data set"
            )
        return name

    @field_validator("of")
    @classmethod
    def _known(cls, name: str) -> str:
        return _checked(name)

    @model_validator(mode="after")
    def _differs(self) -> "Variant":
        if self.classes is None and self.size is None and not self.grey and not self.label_noise:
            allowed = "allowed: with classes, size, grey or label_noise"
            raise ValueError(f"{self.name} is no other than {self.of!r:.100}; {allowed}")
        entry = CATALOGUE.get(self.of)
        if entry and (unknown := [number for number in self.classes or () if number >= entry.classes]):
            raise ValueError(f"classes: {unknown[0]} is not allowed; allowed: 0 to {entry.classes - 1}")
        return self


def _kind(entry: Any) -> str:
    return VARIED if isinstance(entry, dict | Variant) else NAMED


DataSet = Annotated[Annotated[str, Tag(NAMED)] | Annotated[Variant, Tag(VARIED)], Discriminator(_kind)]


class Data(Section):
    """Data sets and how they are split."""

    datasets: list[DataSet] = Field(
        min_length=1, json_schema_extra=NOT_IDENTITY, description="a dimension of the grid; a mapping makes a variant"
    )
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
    def _known(cls, entries: list[str | Variant]) -> list[str | Variant]:
        slugs = [slug(_checked(entry) if isinstance(entry, str) else entry.name) for entry in entries]
        if twice := next((s for i, s in enumerate(slugs) if s in slugs[:i]), None):
            raise ValueError(
                f"{twice!r} is the name of two data sets; allowed: each name once (a folder's is its last part)"
            )
        return entries

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """The variants by their names."""
        return {entry.name: entry for entry in self.datasets if isinstance(entry, Variant)}

    @property
    def names(self) -> list[str]:
        """What the data sets are called in a params file: folder:PATH, or their names."""
        return [entry if isinstance(entry, str) else entry.name for entry in self.datasets]

    def entry(self, name: str) -> Entry:
        """What a data set of the study is planned as."""
        return _planned(name, self.variants.get(name), self.image_size)


def _checked(name: str) -> str:
    """The name of a data set; ValueError where it is none."""
    if name in CATALOGUE:
        return name
    if not name.startswith(FOLDER) or name == FOLDER:
        raise ValueError(f"{name!r:.100} is no data set; allowed: {', '.join(CATALOGUE)}, {FOLDER}PATH")
    if len(name) > LONGEST_PATH or not name.isprintable() or not 1 <= len(slug(name).encode()) <= LONGEST_NAME:
        raise ValueError(
            f"{name!r:.100} cannot name a data set; allowed: {FOLDER}PATH of at most {LONGEST_PATH} printable"
            f" characters, whose last part has letters or digits and at most {LONGEST_NAME} bytes"
        )
    return name


def _planned(name: str, variant: Variant | None, image_size: int) -> Entry:
    if variant is None:
        return entry_of(name, image_size)
    entry = entry_of(variant.of, image_size)
    channels, height, width = entry.shape
    classes = len(variant.classes or range(entry.classes))
    return replace(
        entry,
        shape=(1 if variant.grey else channels, variant.size or height, variant.size or width),
        classes=classes,
        images=entry.images * min(classes, entry.classes) // entry.classes,
    )


def planned(item: Item) -> Entry:
    """What the data set of an item of this stage is planned as."""
    given = item.config.get("variant")
    variant = None if given is None else Variant.model_validate(given)
    return _planned(item.config["dataset"], variant, item.config["image_size"])


def items(before: Before, *, data: Data) -> Iterator[Item]:
    for name in data.names:
        variant = data.variants.get(name)
        of, image_size = variant.of if variant else name, (variant and variant.size) or data.image_size
        read = {**data.model_dump(mode="json", exclude={"datasets"}), "image_size": image_size}
        config = read | {"dataset": name, "name": slug(name)}
        identity, extra_code = {"dataset": of, **data.identity(), "image_size": image_size}, {}
        if of.startswith(FOLDER):
            identity["dataset"] = f"{FOLDER}{slug(of)}"  # where it lies is not what it is
            identity["fingerprint"] = fingerprint(Path(of.removeprefix(FOLDER)))
            extra_code = code(FOLDER_READER)
        else:
            identity.pop("image_size")
            if CATALOGUE[of].own_test:
                identity.pop("test")
        if variant:
            config["variant"] = variant.model_dump(mode="json")
            identity["variant"] = variant.model_dump(mode="json", exclude={"of"}, exclude_defaults=True)
        entry = entry_of(of, image_size)  # it reads all before it keeps `limit` of them
        seconds = OPENING_S + OF_VALUE_S * entry.images * prod(entry.shape)
        memory = cost.memory_mb(max(entry.shape, data.entry(name).shape, key=prod), entry.images)
        yield STAGE.item(
            slug(name),
            config,
            {},
            identity=identity,
            extra_code=tuple(extra_code.items()),
            resources=Resources(seconds=seconds, memory_mb=memory, urgent=True),
        )


STAGE = Stage(
    name="data",
    words="data sets as tensors, split into train, validation and test",
    module="minarch.data.__main__",
    sections=("data",),
    files=("data/folders",),
    items=items,
)
