"""Stage refined: the sizes that stage refine adds, trained as those of the sweep."""

from collections.abc import Iterator

from minarch.errors import UserError
from minarch.flow.item import Item
from minarch.flow.stages.stage import Before, Stage
from minarch.flow.stages.sweep import Sweep
from minarch.flow.stages.train import Sweeping, trainings
from minarch.models.families import architecture


def items(before: Before, *, sweep: Sweep, train: Sweeping) -> Iterator[Item]:
    """The decision may have been pulled, so what it names is checked."""
    sizes, data = before.decisions["refine"], {item.slug: item for item in before.items["data"]}
    for size in sizes.value:
        dataset, family, knobs = size["dataset"], size["family"], size["knobs"]
        if dataset not in data or family not in sweep.families:
            raise UserError(f"{sizes.file}: {dataset}, {family} is not in the study; remove its folder")
        kind, blocks = architecture(family, knobs), sweep.blocks(sweep.repeats)
        yield from trainings(STAGE, data[dataset], family, knobs, kind, blocks, train)


STAGE = Stage(
    name="refined",
    words="the sizes that refine adds, trained",
    sections=("sweep", "train"),
    reads=("data", "refine"),
    items=items,
    makes_networks=True,
)
