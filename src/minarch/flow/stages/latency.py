"""Stage latency: how long every exported file takes, measured at the end, when nothing else runs."""

from collections.abc import Iterator

from pydantic import Field

from minarch.flow.item import Inputs, Item, Resources
from minarch.flow.stages.section import Section
from minarch.flow.stages.stage import Before, Stage
from minarch.quantization import EXPORT

SECONDS = 1.3  # of an item's files: compiled for every batch, warmed up and timed, and compiled as C


class Latency(Section):
    """How exported models are timed."""

    rounds: int = Field(
        7, ge=3, le=1000, description="timed rounds, FP32 and quantized in turn; the median is reported"
    )


def items(before: Before, *, latency: Latency) -> Iterator[Item]:
    exports = [item for item in before.items["quantize"] if item.config["kind"] == EXPORT]
    inputs: Inputs = {
        "data": [item.path for item in before.items["data"]],
        "exports": [item.path for item in exports],
    }
    yield STAGE.item("latency", latency.identity(), inputs, resources=Resources(seconds=SECONDS * len(exports)))


STAGE = Stage(
    name="latency",
    words="how long every exported file takes, one after the other, alone on the machine",
    sections=("latency",),
    reads=("data", "quantize"),
    items=items,
    single=True,
    alone=True,
)
