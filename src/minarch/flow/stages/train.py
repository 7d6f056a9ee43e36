"""Trainings: their sections, and the items that train one architecture."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from minarch.flow import cost
from minarch.flow.digest import network_code
from minarch.flow.item import Item, Resources
from minarch.flow.stages.data import shape_of
from minarch.flow.stages.section import MOST_EPOCHS, NOT_IDENTITY, Images, Rate, Real, Section, Seed
from minarch.flow.stages.stage import Before, Stage
from minarch.models.families import Family, family_slug, spec_of


class Training(Section):
    """One training: a fixed budget of epochs."""

    epochs: int = Field(ge=1, le=MOST_EPOCHS, description="passes over the training images")
    batch_size: Images = Field(64, description="images per step")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="sgd has momentum 0.9")
    learning_rate: Rate = 1e-3
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


def trainings(
    stage: Stage,
    data: Item,
    family: str,
    knobs: dict[str, Any],
    kind: Family,
    blocks: Sequence[list[int]],
    train: Sweeping,
) -> Iterator[Item]:
    """The items that train one architecture on a data set, one per block of repeats."""
    shape, classes = shape_of(data.config["dataset"], data.config["image_size"])
    structure = spec_of(kind, shape, classes)
    images = cost.images(data.config["dataset"], data.config["limit"])
    per_repeat = cost.seconds(kind, shape, classes, images) * train.epochs
    extra = tuple(network_code(kind.network).items())
    for repeats in blocks:
        config = {
            "dataset": data.slug,
            "family": family,
            "knobs": knobs,
            "repeats": repeats,
            "train": train.model_dump(mode="json"),
        }
        identity = {**config, "structure": structure, "train": train.identity()}
        title = f"{data.slug}-{family_slug(family)}-{kind.label}-r{repeats[0]}-{repeats[-1]}"
        parameters = len(repeats) * (kind.parameters(shape, classes) or 0)
        memory = cost.memory_mb(shape, images, parameters)
        resources = Resources(seconds=per_repeat * len(repeats), memory_mb=memory)
        yield stage.item(title, config, {"data": data.path}, identity=identity, extra_code=extra, resources=resources)


def trained(before: Before) -> list[Item]:
    """The items of all trainings, in the order of the plan."""
    return [*before.items["sweep"], *before.items["refined"]]
