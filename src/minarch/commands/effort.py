"""What a study's sweep will take: counts, exact by the families' closed forms, and time by measured rates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, log, prod
from statistics import fmean

from minarch.data.catalogue import slug
from minarch.flow.cost import PER_PARAMETER
from minarch.flow.study import Study
from minarch.models.families import Family, Spec, told

PER_EPOCH, PER_TRAINING = 82, 1_800  # bytes of curves.csv; of a training's other records and of its tensors' names
FORWARD = 1 / 3  # of a training step: what measuring an image takes
ATTENTION = 50  # multiply-accumulates that take as long as an entry of an attention map; timed at 2500 and 4225 entries
UNCHECKED = 2.0  # by what factor a line through fewer than three timings may be off: our guess


@dataclass(frozen=True, kw_only=True)
class Effort:
    """All trainings of an architecture on a data set, `together` repeats of it in an item.

    Each epoch trains on `images` and then measures `measured` ones.
    """

    dataset: str
    family: str
    spec: Spec
    parameters: int
    macs: int
    trainings: int
    together: int
    epochs: int
    images: int
    measured: int

    @property
    def network(self) -> str:
        """What is built; several families may be choices of the same."""
        return str(self.spec["family"])

    @property
    def load(self) -> int:
        """Multiply-accumulates, and what takes as long: the entries of attention maps, of which the last block needs
        none.
        """
        if self.network != "vit":
            return self.macs
        tokens = prod(self.spec["shape"][1:]) // self.spec["patch"] ** 2 + 1
        return self.macs + ATTENTION * tokens**2 * sum(self.spec["heads"][:-1])

    @property
    def flops(self) -> int:
        """6 per multiply-accumulate and image (forward, backward for values and for weights), 2 to measure one."""
        return self.trainings * self.epochs * self.macs * (6 * self.images + 2 * self.measured)

    @property
    def disk(self) -> int:
        """Bytes of the artifacts: float32 weights, and about what is recorded."""
        return self.trainings * (4 * self.parameters + PER_EPOCH * self.epochs + PER_TRAINING)

    @property
    def memory(self) -> int:
        """Bytes that an item keeps: two float32 networks per repeat, and their copy when written."""
        return PER_PARAMETER * self.parameters * self.together


@dataclass(frozen=True)
class Rate:
    """Seconds per image and repeat of a network in one job: `base` + `slope` x its load, a line fitted to `timings`,
    pairs of load and seconds.
    """

    base: float
    slope: float
    timings: tuple[tuple[int, float], ...]

    @property
    def error(self) -> float:
        """The factor, from 1, by which the line is off the timings: their geometric mean."""
        if len(self.timings) < 3:
            return UNCHECKED
        return exp(fmean(abs(log((self.base + self.slope * load) / seconds)) for load, seconds in self.timings))

    def seconds(self, effort: Effort) -> float:
        """Seconds of all trainings of an architecture."""
        images = effort.images + FORWARD * effort.measured
        return effort.trainings * effort.epochs * images * (self.base + self.slope * effort.load)


def efforts(study: Study) -> Iterator[Effort]:
    """The grid's architectures on each data set."""
    from minarch.training.repeats import TRAIN_MEASURED

    for dataset in study.data.names:
        shape, classes = study.shape(dataset)
        train, validation = _images(study, dataset)
        for family, points in study.sweep.architectures.items():
            for (_, kind), repeats in zip(points, study.sweep.repeats_of[family], strict=True):
                parameters, macs = _size(kind, shape, classes)
                yield Effort(
                    dataset=slug(dataset),
                    family=family,
                    spec=kind.spec(shape, classes),
                    parameters=parameters,
                    macs=macs,
                    trainings=repeats,
                    together=min(study.sweep.block or repeats, repeats),
                    epochs=study.train.epochs,
                    images=train,
                    measured=min(train, TRAIN_MEASURED) + validation,
                )


def elapsed(planned: Sequence[Effort], rates: Mapping[str, Rate], cores: int, errors: int = 0) -> float:
    """Seconds until all is trained: no core is ever idle, but an item has only one.

    Args:
        errors: how many times the error of its rate each work takes longer (-1: less long).
    """
    seconds = [rates[effort.network].seconds(effort) * rates[effort.network].error ** errors for effort in planned]
    items = [total * effort.together / effort.trainings for total, effort in zip(seconds, planned, strict=True)]
    return max(sum(seconds) / cores, *items)


def _images(study: Study, dataset: str) -> tuple[int, int]:
    """How many images are trained and validated on; of a folder a guess."""
    data = study.data
    entry = data.entry(dataset)
    count = entry.images
    if not entry.own_test:
        count -= ceil(count * data.test)
    count = min(count, data.limit or count)
    validation = ceil(count * data.validation)
    return count - validation, validation


def _size(kind: Family, shape: Sequence[int], classes: int) -> tuple[int, int]:
    """Parameters and multiply-accumulates; counted in the network where the family does not tell them."""
    parameters, macs = kind.parameters(shape, classes), kind.macs(shape, classes)
    if parameters is None or macs is None:
        import torch

        from minarch.models import cost
        from minarch.models.build import build

        with torch.device("meta"):
            network = build(kind.spec(shape, classes))
        with told(kind.name):
            return cost.parameters(network), cost.macs(network, shape)
    return parameters, macs
