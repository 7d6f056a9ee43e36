"""Stage refine: which sizes to add around P_min, if any."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic reads typing's own from Python 3.12 on

from minarch.flow.decision import Decision
from minarch.flow.item import Inputs, Item, Resources
from minarch.flow.stages.convergence import Convergence
from minarch.flow.stages.stage import Before, Stage


class Size(TypedDict):
    """A size to train besides."""

    dataset: str
    family: str
    knobs: dict[str, Any]


def items(before: Before, *, convergence: Convergence) -> Iterator[Item]:
    if convergence.refine is None:
        return
    identity = {**convergence.identity(), "refine": convergence.refine}
    inputs: Inputs = {"sweep": [item.path for item in before.items["sweep"]]}
    yield STAGE.item("refine", convergence.model_dump(), inputs, identity=identity)


STAGE = Stage(
    name="refine",
    words="which sizes to add around P_min (convergence.refine)",
    sections=("convergence",),
    reads=("sweep",),
    items=items,
    single=True,
    resources=Resources(urgent=True),  # others wait for what it decides
    decides=Decision("refinement.json", TypeAdapter(list[Size])),
)
