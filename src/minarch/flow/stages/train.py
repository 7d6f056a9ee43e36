"""Trainings: their sections, and the items that train one architecture."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from minarch.flow import cost
from minarch.flow.digest import network_code
from minarch.flow.item import Inputs, Item, Resources
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


def training_item(
    stage: Stage,
    data: Item,
    kind: Family,
    title: str,
    config: dict[str, Any],
    training: Training,
    train: Sweeping,
    *,
    kinds: Sequence[Family] = (),
    inputs: Inputs | None = None,
    effort: float = 1.0,
) -> Item:
    """An item that trains the repeats of an architecture on a data set, where the study's trainings are.

    Args:
        config: what it does, but for the data set and the training.
        kinds: the architectures that are trained, if they are not `kind`, whose name the item has.
        inputs: what it reads besides the data.
        effort: its time, as a multiple of that of `training`.
    """
    shape, classes = shape_of(data.config["dataset"], data.config["image_size"])
    kinds, repeats = kinds or [kind], len(config["repeats"])
    place: dict[str, Any] = {name: getattr(train, name) for name in ("device", "strategy")}
    precision = {} if train.precision is None else {"precision": train.precision}
    config = {"dataset": data.slug, **config}
    structures = [spec_of(trained, shape, classes) for trained in kinds]
    images = cost.images(data.config["dataset"], data.config["limit"])
    epoch = sum(cost.seconds(trained, shape, classes, images) for trained in kinds)
    memory = cost.memory_mb(shape, images, repeats * (kind.parameters(shape, classes) or 0))
    return stage.item(
        f"{data.slug}-{family_slug(config['family'])}-{kind.label}-{title}",
        config | {"train": training.model_dump(mode="json") | place | precision},
        {"data": data.path, **(inputs or {})},
        identity=config | {"structures": structures, "train": training.identity() | precision},
        extra_code=tuple(network_code(kind.network).items()),
        resources=Resources(seconds=effort * epoch * training.epochs * repeats, memory_mb=memory),
    )


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
    for repeats in blocks:
        config = {"family": family, "knobs": knobs, "repeats": repeats}
        yield training_item(stage, data, kind, f"r{repeats[0]}-{repeats[-1]}", config, train, train)


def trained(before: Before) -> list[Item]:
    """The items of all trainings, in the order of the plan."""
    return [*before.items["sweep"], *before.items["refined"]]
