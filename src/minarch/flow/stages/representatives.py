"""Stage representatives: the models that go on to pruning and quantization."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic reads typing's own from Python 3.12 on

from minarch.flow.decision import Decision
from minarch.flow.grid import expand
from minarch.flow.item import Inputs, Item, Resources
from minarch.flow.stages.convergence import Convergence
from minarch.flow.stages.section import Distinct, Section
from minarch.flow.stages.stage import Before, Stage
from minarch.flow.stages.train import trained
from minarch.models.families import family_slug


class Representatives(Section):
    """Which models go on to pruning and quantization."""

    roles: Distinct[Literal["minimal", "near-best", "overfitting", "best"]] = Field(
        default=["minimal", "near-best", "overfitting"],
        description="one model each, per data set and family; []: none, nothing is pruned but further",
    )
    further: dict[str, Any] | None = Field(
        None, description="more architectures of the sweep, written as there: family -> knob -> value or list"
    )


class Representative(TypedDict):
    """A model that goes on, as the names of the items that trained it."""

    items: list[str]


def items(before: Before, *, representatives: Representatives, convergence: Convergence) -> Iterator[Item]:
    config = representatives.model_dump(exclude_none=True)
    if "trainings" in convergence.identity():
        config["trainings"] = convergence.trainings
    for family, grids in config.get("further", {}).items():
        config["further"][family] = [f"{family_slug(family)}-{a.label}" for _, a in expand(family, grids)]
    (judged,) = before.items["convergence"]
    inputs: Inputs = {"convergence": judged.path, "sweep": [item.path for item in trained(before)]}
    yield STAGE.item("representatives", config, inputs)


def chosen(before: Before) -> list[Item]:
    """The trainings of the representatives, in the order of the plan."""
    names = {name for model in before.decisions["representatives"].value for name in model["items"]}
    return [item for item in trained(before) if item.name in names]


STAGE = Stage(
    name="representatives",
    words="the models that go on to pruning and quantization",
    sections=("representatives", "convergence"),
    reads=("sweep", "refined", "convergence"),
    items=items,
    single=True,
    resources=Resources(urgent=True),  # others wait for what it decides
    decides=Decision("representatives.json", TypeAdapter(list[Representative])),
)
