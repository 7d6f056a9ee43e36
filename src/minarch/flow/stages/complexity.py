"""Stage complexity: architectures pruned while they are trained, at every price, and what they are compared with."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import product
from typing import Annotated, Any

from pydantic import Field, model_validator

from minarch.complexity import FRESH, FULL, GATED, GATED_NETWORKS, L1, SHORT, Control, Estimator
from minarch.complexity.schedule import Schedule
from minarch.errors import short
from minarch.flow.grid import MOST, Points, expand_all
from minarch.flow.item import Item
from minarch.flow.stages.section import MOST_REPEATS, NUMBERS, Distinct, Real, Section, Share
from minarch.flow.stages.stage import Before, Stage
from minarch.flow.stages.train import Sweeping, Trainee, Training
from minarch.models.families import Family

Price = Annotated[float, Field(ge=0, le=1e5), NUMBERS]
Balance = Annotated[float, Field(ge=0, le=1), NUMBERS]
OVERHEAD = 2.0  # of a step with gates over one without, about


class Complexity(Section):
    """Units and layers that are pruned while a network is trained, at a price (docs/methods.md 4)."""

    architectures: dict[str, Any] = Field(
        default={}, description="family -> knob -> value or list, as in the sweep, before pruning; {}: none"
    )
    datasets: dict[str, Annotated[Distinct[str], Field(min_length=1)]] = Field(
        default={}, description="family -> those of data.datasets that it is trained on; not named: all"
    )
    repeats: int = Field(5, ge=1, le=MOST_REPEATS, description="trainings by each way, each with its own seed")
    nu: Distinct[Price] = Field(
        default=[1.0, 3.0, 10.0], min_length=1, description="price of the whole network (nats): higher prunes more"
    )
    alpha: Distinct[Balance] = Field(
        default=[0.5], min_length=1, description="what is priced: 1: MACs alone, 0: parameters alone"
    )
    beta: Distinct[Balance] = Field(
        default=[0.0],
        min_length=1,
        description="what is pruned: 0: units alone, 1: layers alone; families without layers to leave out take 0",
    )
    heads: bool = Field(True, description="attention heads are units, too")
    delay: Real = Field(0.1, ge=0, lt=1, description="share of the epochs before gates move")
    settle: Share = Field(0.3, description="share of the epochs after they are fixed")
    start: Real = Field(1.0, gt=0, le=1, description="chance of a gate to be on, at first")
    travel: Real = Field(20.0, gt=0, le=1e6, description="how often a chance could cross from 1 to 0 at full speed")
    explore: Real = Field(0.05, gt=0, lt=0.5, description="least chance that a gate is drawn on, and off")
    estimator: Estimator = Field(
        "balanced", description="of what a gate is worth; first_order is biased where gates are nearly always on"
    )
    controls: Distinct[Control] = Field(
        default=["l1", "fresh", "swept"],
        description="compared with. l1: pruned after training; fresh: what was found, trained anew; swept: the nearest"
        " of the sweep",
    )
    compress: bool = Field(False, description="what is found goes on to prune and quantize")
    train: Training = Field(default_factory=lambda: Training.model_validate({"epochs": 30}))

    @cached_property
    def wholes(self) -> dict[str, Points]:
        """Family -> its architectures with their knobs, in the order written."""
        return expand_all(self.architectures, "architectures")

    def trained_on(self, dataset: str) -> dict[str, Points]:
        """Family -> its architectures with their knobs, of the families that are trained on a data set."""
        return {f: points for f, points in self.wholes.items() if dataset in self.datasets.get(f, [dataset])}

    def prices(self, kind: Family) -> list[dict[str, float]]:
        """The nu, alpha and beta of each training with gates of an architecture."""
        betas = self.beta if GATED_NETWORKS[kind.network] else [0.0]
        return [{"nu": nu, "alpha": alpha, "beta": beta} for alpha, beta, nu in product(self.alpha, betas, self.nu)]

    def titles(self, kind: Family) -> list[str]:
        """What the networks of an architecture are called behind its name."""
        gated = [title_of(price) for price in self.prices(kind)]
        ways = [way for way in (L1, FRESH) if way in self.controls]
        return [FULL, *([SHORT] if L1 in ways else []), *gated, *(f"{title}-{way}" for title in gated for way in ways)]

    @model_validator(mode="after")
    def _can_be_gated(self) -> "Complexity":
        architectures = sum(map(len, self.wholes.values()))
        count = architectures * len(self.nu) * len(self.alpha) * len(self.beta)
        if count > MOST:
            raise ValueError(
                f"nu: {architectures:,} architectures x {len(self.nu):,} nu x {len(self.alpha):,} alpha x"
                f" {len(self.beta):,} beta are {count:,} trainings; allowed: at most {MOST:,}"
            )
        for family, points in self.wholes.items():
            for _, kind in points:
                if kind.network not in GATED_NETWORKS:
                    raise ValueError(
                        f"architectures: {family} has no gates; allowed: families of the networks of dnn, cnn, vit,"
                        " resnet and separable"
                    )
                if not GATED_NETWORKS[kind.network] and 0 not in self.beta:
                    raise ValueError(
                        f"beta: {short(self.beta)} is not allowed with {family}, which has no layers that can be left"
                        " out; allowed: a list with 0"
                    )
        for family in self.datasets:
            if family not in self.architectures:
                allowed = ", ".join(self.architectures) or "none"
                raise ValueError(f"datasets: {short(family)} is not in architectures; allowed: {allowed}")
        return self

    @model_validator(mode="after")
    def _has_time(self) -> "Complexity":
        if self.delay + self.settle >= 1:
            raise ValueError(f"delay: {self.delay} is not allowed with settle: {self.settle}; allowed: a sum below 1")
        if Schedule.of(self.train.epochs, self.delay, self.settle).moving < 1:
            raise ValueError(
                f"train.epochs: {self.train.epochs} is not allowed with delay: {self.delay} and settle: {self.settle},"
                " no epoch is left in which gates move; allowed: more epochs"
            )
        return self


def title_of(price: Mapping[str, float]) -> str:
    """The name of a training with gates, such as nu3-alpha0.5-beta0."""
    return "-".join(f"{name}{str(float(value)).removesuffix('.0')}" for name, value in price.items())


def items(before: Before, *, complexity: Complexity, train: Sweeping) -> Iterator[Item]:
    for data in before.items["data"]:
        for family, points in complexity.trained_on(data.config["dataset"]).items():
            for knobs, kind in points:
                yield from _of_architecture(data, family, knobs, kind, complexity, train)


def _of_architecture(
    data: Item, family: str, knobs: dict[str, Any], kind: Family, complexity: Complexity, train: Sweeping
) -> Iterator[Item]:
    """The plain trainings of an architecture, those with gates, and the controls of each."""
    trainee = Trainee(data=data, family=family, kind=kind)
    whole = {"knobs": knobs, "repeats": list(range(complexity.repeats))}
    phases = {"delay": complexity.delay, "settle": complexity.settle}
    rules = {name: getattr(complexity, name) for name in ("heads", "start", "travel", "explore", "estimator")}
    training, settle = complexity.train, Schedule.of(complexity.train.epochs, **phases).settle

    def item(title: str, way: str, config: dict[str, Any], training: Training = training, **given: Any) -> Item:
        return trainee.item(STAGE, title, whole | config | {"way": way, "title": title}, training, train, **given)

    yield item(FULL, FULL, {})
    if L1 in complexity.controls:
        unpruned = item(SHORT, SHORT, {}, training.model_copy(update={"epochs": training.epochs - settle}))
        yield unpruned
    for price in complexity.prices(kind):
        title = title_of(price)
        gated = item(title, GATED, price | rules | phases, effort=OVERHEAD)
        yield replace(gated, goes_on=complexity.compress)
        if L1 in complexity.controls:
            config, inputs = {"heads": complexity.heads} | price | phases, {"gated": gated.path, "short": unpruned.path}
            yield item(f"{title}-{L1}", L1, config, inputs=inputs, effort=settle / training.epochs)
        if FRESH in complexity.controls:
            yield item(f"{title}-{FRESH}", FRESH, price, inputs={"gated": gated.path})


STAGE = Stage(
    name="complexity",
    words="networks whose units and layers are pruned while they are trained, and what they are compared with",
    module="minarch.gate",
    sections=("complexity", "train"),
    reads=("data",),
    items=items,
    makes_networks=True,
)
