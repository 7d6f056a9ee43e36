"""Stage aggregate: tables, figures, metrics and the report, from all that the other stages made."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import Field

from minarch.flow.item import Inputs, Item, Resources
from minarch.flow.stages.section import Points, Section
from minarch.flow.stages.stage import EVERY, Before, Stage
from minarch.flow.stages.train import trained


class Aggregate(Section):
    """The report's recommendation."""

    max_drop_points: Points = Field(1.0, description="a recommended model loses at most this against the best (points)")


def reported(sections: Iterable[tuple[str, Section]]) -> dict[str, Any]:
    """The params of a report, by section, of a whole study's: without what holds on one machine only."""
    params = {name: section.model_dump(mode="json") for name, section in sections}
    for name, field in (("data", "root"), ("train", "device"), ("train", "strategy")):
        params[name].pop(field)
    return params


def items(before: Before, **sections: Section) -> Iterator[Item]:
    params = reported(sections.items())
    config = {**params["aggregate"], "study": before.study, "params": params}
    inputs: Inputs = {}
    for stage, planned in before.items.items():
        paths = [item.path for item in planned]
        if stage not in before.single:
            inputs[stage] = paths
        elif paths:  # refine may have no item
            inputs[stage] = paths[0]
    inputs["sweep"] = [item.path for item in trained(before)]
    yield STAGE.item("report", config, inputs)


STAGE = Stage(
    name="aggregate",
    words="tables, figures, metrics and the report",
    sections=(EVERY,),
    reads=(EVERY,),
    items=items,
    resources=Resources(seconds=60),
    single=True,
    alone=True,
    published=True,
)
