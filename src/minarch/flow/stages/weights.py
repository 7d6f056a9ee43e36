"""Stage weights: one item per data set, family and depth; what it does takes less time than to start a job."""

from collections.abc import Iterator

from pydantic import Field

from minarch.flow.item import Inputs, Item, Resources
from minarch.flow.stages.section import Images, Real, Section
from minarch.flow.stages.stage import Before, Stage
from minarch.flow.stages.train import trained
from minarch.models.families import architecture, family_slug


class Weights(Section):
    """Statistics of every trained network's weights."""

    near_zero: Real = Field(1e-3, gt=0, le=1, description="a weight below this counts as near zero")
    attention_images: Images = Field(64, description="validation images over which attention maps are averaged")


def items(before: Before, *, weights: Weights) -> Iterator[Item]:
    groups = dict[str, list[Item]]()
    for item in trained(before):
        family = item.config["family"]
        depth = architecture(family, item.config["knobs"]).depth
        groups.setdefault(f"{item.config['dataset']}-{family_slug(family)}-depth{depth}", []).append(item)
    config = weights.model_dump(mode="json")
    for title, parents in groups.items():
        inputs: Inputs = {"data": parents[0].inputs["data"], "sweep": [item.path for item in parents]}
        yield STAGE.item(title, config, inputs, identity=weights.identity(), extra_code=parents[0].extra_code)


STAGE = Stage(
    name="weights",
    words="statistics of every network's weights",
    sections=("weights",),
    reads=("data", "sweep", "refined"),
    items=items,
    resources=Resources(seconds=1.5),  # as the mean in the default study
)
