"""Stage finalists: the networks that can be the study's answer, whichever stage made them."""

from collections.abc import Iterator

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic reads typing's own from Python 3.12 on

from minarch.complexity import FRESH, L1, SHORT
from minarch.flow.decision import Decision
from minarch.flow.item import Inputs, Item, Resources
from minarch.flow.stages.aggregate import Aggregate
from minarch.flow.stages.convergence import Convergence
from minarch.flow.stages.section import Points, Section
from minarch.flow.stages.stage import NETWORKS, Before, Stage


class Finalists(Section):
    """Which networks are exported besides the representatives, because they can be the study's answer."""

    within_points: Points = Field(
        3.0,
        description="at most so far below the best on validation (points); at least aggregate.max_drop_points counts;"
        " with convergence.target nothing",
    )


class Finalist(TypedDict):
    """A model that can be the answer, as the names of the items that hold it."""

    items: list[str]


def items(before: Before, *, finalists: Finalists, convergence: Convergence, aggregate: Aggregate) -> Iterator[Item]:
    names = ("failure_share", "confidence", "target", "trainings")
    config = {name: value for name, value in convergence.identity().items() if name in names}
    config["within_points"] = max(finalists.within_points, aggregate.max_drop_points)
    networks = [item.path for planned in before.items.values() for item in planned if _is_candidate(item)]
    inputs: Inputs = {"data": [item.path for item in before.items["data"]], "networks": networks}
    yield STAGE.item("finalists", config, inputs)


def finalists_of(before: Before) -> list[Item]:
    """The items of the finalists, in the order of the plan."""
    names = {name for model in before.decisions["finalists"].value for name in model["items"]}
    return [item for planned in before.items.values() for item in planned if item.name in names]


def _is_candidate(item: Item) -> bool:
    """Whether an item's networks can be the answer: those of controls are made only to compare with."""
    config = item.config
    if item.stage == "prune":  # whose curves make no networks
        return item.goes_on and config["importance"] != "random"
    if item.stage == "complexity":
        return config["way"] not in (SHORT, L1, FRESH)
    return item.stage != "data"


STAGE = Stage(
    name="finalists",
    words="the networks that can be the answer: of every family and way the smallest nearly the best",
    sections=("finalists", "convergence", "aggregate"),
    reads=("data", NETWORKS),
    items=items,
    single=True,
    resources=Resources(seconds=2, urgent=True),  # others wait for what it decides
    decides=Decision("finalists.json", TypeAdapter(list[Finalist])),
)
