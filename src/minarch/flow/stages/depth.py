"""Stage depth: how deep architectures must be: their depths trained alone, and searches that grow a network."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from minarch.depth import ALONE, SEARCH
from minarch.errors import short
from minarch.flow.grid import Points, expand_all
from minarch.flow.item import Inputs, Item
from minarch.flow.stages.section import MOST_EPOCHS, MOST_REPEATS, Distinct, Drop, Name, Rate, Real, Section, number
from minarch.flow.stages.stage import Before, Stage
from minarch.flow.stages.train import Sweeping, Trainee, Training
from minarch.models.families import Family
from minarch.models.families.base import MOST_LAYERS


class Growing(Training):
    """The training of one depth, until validation accuracy no longer rises."""

    epochs: int = Field(30, ge=1, le=MOST_EPOCHS, description="passes over the training images, at most, of each depth")
    later_learning_rate: Rate | None = Field(None, description="from the second depth on; null: the same")
    warmup_learning_rate: Rate | None = Field(None, description="of the warm-up; null: the same")
    patience: int = Field(8, ge=1, le=MOST_EPOCHS, description="epochs without a higher accuracy that end a depth")
    decay: Real = Field(0.6, gt=0, le=1, description="the learning rate is multiplied by it ...")
    decay_after: int = Field(5, ge=1, le=MOST_EPOCHS, description="... after so many such epochs, and so many again")


class Expansion(Section):
    """One way to go from a depth to the next."""

    restart: Literal["warmup", "continue", "scratch"] = Field(
        "continue",
        description="what a depth starts from. warmup: layers as the warm-up left them; continue: the same, but those"
        " of the depth before as its training left them; scratch: new weights",
    )
    warmup: int = Field(1, ge=0, le=MOST_EPOCHS, description="epochs in which all depths are trained together before")

    @model_validator(mode="after")
    def _has_an_effect(self) -> "Expansion":
        if self.restart == "scratch" and self.warmup:
            raise ValueError(f"warmup: {self.warmup} has no effect with restart: scratch; allowed: 0")
        return self


class Depth(Section):
    """How shallow an architecture may be, and whether growing it finds out (docs/methods.md 3)."""

    repeats: int = Field(5, ge=1, le=MOST_REPEATS, description="trainings of each depth, and searches by each method")
    architectures: dict[str, Any] = Field(
        default={}, description="family -> knob -> value or list, as in the sweep, at full depth; {}: none"
    )
    levels: dict[str, Distinct[Annotated[int, Field(ge=1, le=MOST_LAYERS)]]] = Field(
        default={}, description="family -> depths that may be enough, besides the full one; not named: all"
    )
    methods: dict[Name, Expansion] = Field(
        default_factory=lambda: {"odn": Expansion.model_validate({})}, max_length=100, description="name -> how"
    )
    target: Literal["full", "best"] | Annotated[float, Field(gt=0, le=1)] = Field(
        "full",
        description="validation accuracy to come close to: the mean of the full depth, or of the best depth, trained"
        " alone, or a share in (0, 1]",
    )
    tolerance_points: Drop = Field(1.0, description="a depth is enough at most so far below the target (points)")
    controls: Literal["all", "full"] = Field("all", description="depths that are trained alone")
    compress: Distinct[Name] = Field(default=[], description="methods whose networks go on to prune and quantize")
    train: Growing = Field(default_factory=lambda: Growing.model_validate({}))

    @cached_property
    def towers(self) -> dict[str, Points]:
        """Family -> its architectures with their knobs, in the order written."""
        return expand_all(self.architectures, "architectures")

    def depths(self, family: str, kind: Family) -> list[int]:
        """The depths of an architecture that may be enough, the full one last."""
        return sorted({*self.levels.get(family, range(1, kind.full_depth)), kind.full_depth})

    @field_validator("target", mode="before")
    @classmethod
    def _is_a_target(cls, target: Any) -> Any:
        target = number(target)
        share = isinstance(target, float | int) and not isinstance(target, bool) and 0 < target <= 1
        if not share and target not in ("full", "best"):
            raise ValueError(f"{short(target)} is not allowed; allowed: full, best or a share above 0, up to 1")
        return target

    @field_validator("methods")
    @classmethod
    def _not_taken(cls, methods: dict[str, Expansion]) -> dict[str, Expansion]:
        for name in methods:
            if name.partition("-")[0] == ALONE:
                raise ValueError(f"{name!r} is what depths trained alone are called; allowed: any name but {ALONE}")
        return methods

    @model_validator(mode="after")
    def _can_be_searched(self) -> "Depth":
        for family, points in self.towers.items():
            for _, kind in points:
                if not kind.full_depth:
                    raise ValueError(
                        f"architectures: {family} cannot be made shallower; allowed: families with a full_depth"
                    )
                deepest = max(self.levels.get(family, []), default=0)
                if deepest > kind.full_depth:
                    allowed = f"allowed: 1 to {kind.full_depth}"
                    raise ValueError(f"levels: {family}: {deepest} is not allowed for {kind.label}; {allowed}")
        for family in self.levels:
            if family not in self.architectures:
                allowed = ", ".join(self.architectures) or "none"
                raise ValueError(f"levels: {short(family)} is not in architectures; allowed: {allowed}")
        for name in self.compress:
            if name not in self.methods:
                raise ValueError(f"compress: {short(name)} is not in methods; allowed: {', '.join(self.methods)}")
        if self.target == "best" and self.controls != "all":
            raise ValueError(f"controls: {self.controls!r} is not allowed with target: best; allowed: all")
        return self


def items(before: Before, *, depth: Depth, train: Sweeping) -> Iterator[Item]:
    for data in before.items["data"]:
        for family, points in depth.towers.items():
            for knobs, kind in points:
                yield from _of_tower(data, family, knobs, kind, depth, train)


def _of_tower(
    data: Item, family: str, knobs: dict[str, Any], kind: Family, depth: Depth, train: Sweeping
) -> Iterator[Item]:
    """The depths of one architecture trained alone, and its searches, which read those that set their target."""
    depths = depth.depths(family, kind)
    tower = {"knobs": knobs, "full_depth": kind.full_depth, "repeats": list(range(depth.repeats))}
    trained_alone = []
    for level in depths if depth.controls == "all" else depths[-1:]:
        trainee = Trainee(data=data, family=family, kind=kind, kinds=[kind.at_depth(level)])
        config = tower | {"kind": ALONE, "way": ALONE, "depth": level}
        trained_alone.append(trainee.item(STAGE, f"{ALONE}-{level}", config, depth.train, train))
    yield from trained_alone
    target: dict[str, Any] = {"target": depth.target, "tolerance_points": depth.tolerance_points}
    needed = {"full": trained_alone[-1:], "best": trained_alone}.get(str(depth.target), [])
    inputs: Inputs = {"alone": [item.path for item in needed]} if needed else {}
    trainee = Trainee(data=data, family=family, kind=kind, kinds=[kind.at_depth(level) for level in depths])
    for name, method in depth.methods.items():
        config = tower | {"kind": SEARCH, "way": name, "levels": depths, **method.model_dump(), **target}
        item = trainee.item(STAGE, name, config, depth.train, train, inputs=inputs)
        yield replace(item, goes_on=name in depth.compress)


STAGE = Stage(
    name="depth",
    words="how deep architectures must be: depths trained alone, and networks grown until they are good enough",
    module="minarch.deepen",
    sections=("depth", "train"),
    reads=("data",),
    items=items,
    makes_networks=True,
)
