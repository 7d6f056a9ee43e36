"""Stage similarity: how far apart the weights of good and of poor networks lie."""

from collections.abc import Iterator

from pydantic import Field

from minarch.flow.item import Inputs, Item, Resources
from minarch.flow.stages.section import Confidence, Points, Section, Seed, Share
from minarch.flow.stages.stage import Before, Stage
from minarch.flow.stages.train import trained


class Similarity(Section):
    """Distances between the weights of good and of poor networks (definitions: our inference)."""

    good_points: Points = Field(
        1.0, description="good: within this of the family's best repeat (points); what differs by less is alike"
    )
    poor_share: Share = Field(
        0.25,
        description="poor: so many of an architecture's repeats, or of a family's, the worst ones",
    )
    networks: int = Field(20, ge=3, le=1000, description="at most this many good and poor ones per architecture")
    permutations: int = Field(2000, ge=100, le=100_000, description="of the labels good and poor")
    confidence: Confidence = Field(0.95, description="level of each interval")
    seed: Seed = Field(0, description="seed of the draws")


def items(before: Before, *, similarity: Similarity) -> Iterator[Item]:
    inputs: Inputs = {
        "weights": [item.path for item in before.items["weights"]],
        "sweep": [item.path for item in trained(before)],
    }
    yield STAGE.item("similarity", similarity.model_dump(), inputs, identity=similarity.identity())


STAGE = Stage(
    name="similarity",
    words="distances between the weights of good and of poor networks",
    sections=("similarity",),
    reads=("sweep", "refined", "weights"),
    items=items,
    single=True,
    resources=Resources(seconds=5),  # in the default study; more with more data sets and families
)
