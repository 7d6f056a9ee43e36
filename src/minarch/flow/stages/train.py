"""Trainings: their sections, and the items that train one architecture."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from sys import maxsize
from typing import Any, Literal

from pydantic import Field, model_validator

from minarch.flow import cost
from minarch.flow.digest import network_code
from minarch.flow.item import Inputs, Item, Resources
from minarch.flow.stages.data import planned
from minarch.flow.stages.section import MOST_EPOCHS, NOT_IDENTITY, Images, Level, Rate, Real, Section, Seed
from minarch.flow.stages.stage import Before, Stage
from minarch.models.families import Family, Spec, family_slug, spec_of


class Training(Section):
    """One training: a fixed budget of epochs."""

    epochs: int = Field(ge=1, le=MOST_EPOCHS, description="passes over the training images")
    batch_size: Images = Field(64, description="images per step")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="sgd has momentum 0.9")
    learning_rate: Rate = 1e-3
    weight_decay: Real = Field(0.0, ge=0, le=1)
    seed: Seed = Field(0, description="base of every seed; each repeat derives its own from this and its configuration")


class Augmentation(Section):
    """How training images are moved: each anew in every epoch, by draws of its repeat (docs/methods.md 1.1)."""

    shift: int = Field(0, ge=0, lt=512, description="pixels, at most so many to each side and up or down")
    rotate: Real = Field(0.0, ge=0, le=180, description="degrees, at most so many either way")
    flip: bool = Field(False, description="every other image is mirrored; only where a mirror image is of its class")

    @model_validator(mode="after")
    def _has_an_effect(self) -> "Augmentation":
        if not (self.shift or self.rotate or self.flip):
            raise ValueError("nothing is moved; allowed: a shift, a rotation, flip: true, or null instead of all")
        return self


class Recipe(Training):
    """A training with the options that hold for the sweep and for what is pruned alike."""

    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="of the learning rate; cosine: falls to 0, step by step"
    )
    warmup: int = Field(0, ge=0, le=MOST_EPOCHS, description="epochs in which the learning rate rises before")
    label_smoothing: Level = Field(0.0, description="share of every label that is spread over all classes")
    augment: Augmentation | None = Field(None, description="how training images are moved; null: not at all")

    @model_validator(mode="after")
    def _warms_up_in_time(self) -> "Recipe":
        if self.warmup >= self.epochs:
            allowed = f"allowed: less than epochs, {self.epochs}"
            raise ValueError(f"warmup: {self.warmup} is not allowed; {allowed}")
        return self

    def identity(self) -> dict[str, Any]:
        """Without the options that are off, so that they keep the keys from before there were any."""
        fields = type(self).model_fields
        off = [
            name for name in ("schedule", "warmup", "label_smoothing") if getattr(self, name) == fields[name].default
        ]
        return {name: value for name, value in super().identity().items() if name not in off}


class Sweeping(Recipe):
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
        "auto",
        json_schema_extra=NOT_IDENTITY,
        description="stacked repeats, or one after the other by autograd; auto: the fastest, compiled steps among them",
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


@dataclass(frozen=True, kw_only=True)
class Trainee:
    """An architecture on a data set; its structures and its cost are computed once for all items that train it.

    The items are called after `kind`; what they train is `kinds`, if that is not `kind` itself.
    """

    data: Item
    family: str
    kind: Family
    kinds: Sequence[Family] = ()

    @cached_property
    def structures(self) -> list[Spec]:
        """The structures that are trained."""
        return [spec_of(kind, *self._images) for kind in self.kinds or [self.kind]]

    @cached_property
    def epoch_s(self) -> float:
        """Estimated seconds of an epoch of one repeat of all that is trained."""
        return sum(cost.seconds(kind, *self._images, self._count) for kind in self.kinds or [self.kind])

    def moving_s(self, training: Training) -> float:
        """Estimated seconds that moving the images takes in an epoch of one repeat."""
        return cost.moving_seconds(self._images[0], self._count) if _moves(training) else 0.0

    def memory_mb(self, repeats: int, *, moved: bool = False) -> int:
        """Estimated megabytes of a process that trains so many repeats, on images that are moved or not."""
        shape, classes = self._images
        return cost.memory_mb(shape, self._count, repeats * (self.kind.parameters(shape, classes) or 0), moved=moved)

    @property
    def _images(self) -> tuple[tuple[int, int, int], int]:
        entry = planned(self.data)
        return entry.shape, entry.classes

    @property
    def _count(self) -> int:
        """How many images are trained on, at most."""
        return min(planned(self.data).images, self.data.config["limit"] or maxsize)

    def item(
        self,
        stage: Stage,
        title: str,
        config: dict[str, Any],
        training: Training,
        train: Sweeping,
        *,
        inputs: Inputs | None = None,
        effort: float = 1.0,
    ) -> Item:
        """An item that trains the repeats of the architecture where the study's trainings are.

        Args:
            config: what it does, but for the data set, the family and the training.
            inputs: what it reads besides the data.
            effort: its time, as a multiple of that of `training`.
        """
        place: dict[str, Any] = {name: getattr(train, name) for name in ("device", "strategy")}
        precision = {} if train.precision is None else {"precision": train.precision}
        config = {"dataset": self.data.slug, "family": self.family, **config}
        repeats = len(config["repeats"])
        of_epoch, gpus = effort * self.epoch_s + self.moving_s(training), int(train.device == "cuda")
        seconds, memory = of_epoch * training.epochs * repeats, self.memory_mb(repeats, moved=_moves(training))
        return stage.item(
            f"{self.data.slug}-{family_slug(self.family)}-{self.kind.label}-{title}",
            config | {"train": training.model_dump(mode="json") | place | precision},
            {"data": self.data.path, **(inputs or {})},
            identity=config | {"structures": self.structures, "train": training.identity() | precision},
            extra_code=tuple(network_code(self.kind.network).items()),
            resources=Resources(seconds=seconds, memory_mb=memory, gpus=gpus),
        )


def _moves(training: Training) -> bool:
    return isinstance(training, Recipe) and training.augment is not None


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
    trainee = Trainee(data=data, family=family, kind=kind)
    for repeats in blocks:
        config = {"knobs": knobs, "repeats": repeats}
        yield trainee.item(stage, f"r{repeats[0]}-{repeats[-1]}", config, train, train)


def trained(before: Before) -> list[Item]:
    """The items of all trainings, in the order of the plan."""
    return [*before.items["sweep"], *before.items["refined"]]
