"""The sections of data, the sweep and its trainings."""

from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from minarch.data.catalogue import CATALOGUE, FOLDER, slug
from minarch.errors import UserError
from minarch.flow.grid import expand
from minarch.flow.sections.base import MOST_EPOCHS, MOST_REPEATS, NOT_IDENTITY, Images, Real, Section, Seed, Share
from minarch.models.families import Family, family_slug

LONGEST_PATH = 1_000  # characters
LONGEST_NAME = 100  # bytes: the names of items begin with it, and a file's name has at most 255


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


class Sweep(Section):
    """The grid of architectures: it lists items, so it is in no item's key."""

    repeats: int = Field(5, ge=1, le=MOST_REPEATS, description="trainings of each architecture, each with its own seed")
    block: int | None = Field(
        None, ge=1, le=MOST_REPEATS, description="repeats per item (file-level job); null: all in one"
    )
    families: dict[str, Any] = Field(
        min_length=1, description="family -> knob -> value or list; several grids of one family as a list"
    )

    @cached_property
    def architectures(self) -> dict[str, list[tuple[dict[str, Any], Family]]]:
        """Family -> its architectures with their knobs, in the order written."""
        return {name: expand(name, grids) for name, grids in self.families.items()}

    @model_validator(mode="after")
    def _buildable(self) -> "Sweep":
        try:
            names = list(self.architectures)
        except UserError as error:
            raise UserError(f"families: {error}") from None
        slugs = [family_slug(name) for name in names]
        for name, called in zip(names, slugs, strict=True):
            if slugs.count(called) > 1:
                raise ValueError(f"families: {name}: is called {called!r} in file names, as another is; allowed: one")
        return self


class Training(Section):
    """One training: a fixed budget of epochs."""

    epochs: int = Field(ge=1, le=MOST_EPOCHS, description="passes over the training images")
    batch_size: Images = Field(64, description="images per step")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="sgd has momentum 0.9")
    learning_rate: Real = Field(1e-3, gt=0, le=10)
    weight_decay: Real = Field(0.0, ge=0, le=1)
    seed: Seed = Field(0, description="base of every seed; each repeat derives its own from this and its configuration")


class Sweeping(Training):
    """The sweep's trainings: all repeats of an architecture, by the fastest strategy on the machine."""

    shared_batches: bool = Field(
        False, description="all repeats of an architecture see the images in one order (faster); false: each its own"
    )
    give_up_after: int | None = Field(
        None,
        ge=1,
        le=MOST_EPOCHS,
        description="epochs after which a repeat that was never above chance is stopped; null: never",
    )
    device: Literal["cpu", "cuda"] = Field("cpu", json_schema_extra=NOT_IDENTITY, description="where to train")
    strategy: Literal["auto", "stacked", "sequential"] = Field(
        "auto", json_schema_extra=NOT_IDENTITY, description="stacked repeats or one after the other; auto: the faster"
    )
    precision: Literal["tf32"] | None = Field(
        None, description="of matrix products on cuda; tf32 is faster and rounds to 10 bits; null: float32"
    )

    @model_validator(mode="after")
    def _has_an_effect(self) -> "Sweeping":
        if self.precision is not None and self.device == "cpu":
            raise ValueError(f"precision: {self.precision!r} has no effect with device: cpu; allowed: null")
        if self.give_up_after is not None and self.give_up_after >= self.epochs:
            raise ValueError(
                f"give_up_after: {self.give_up_after} has no effect with epochs: {self.epochs}; allowed: fewer, or null"
            )
        return self
