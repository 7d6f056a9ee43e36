"""What a stage declares, once. The plan, the rules, `dvc.yaml`, the command line, status and progress read it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from minarch.flow.decision import Decided, Decision
from minarch.flow.item import Config, Inputs, Item, Resources

EVERY, NETWORKS = "every", "networks"  # as what a stage reads: all stages before it; those of them that make networks


@dataclass(frozen=True, kw_only=True)
class Before:
    """What the items of a stage are planned from, besides its sections: what is planned and decided before it."""

    study: str  # its name
    items: Mapping[str, list[Item]]  # of the stages that it reads
    decisions: Mapping[str, Decided]  # of those that decide
    single: frozenset[str]  # those that have one item

    @property
    def going_on(self) -> list[Item]:
        """The items whose networks later stages make smaller, in the order of the plan."""
        return [item for items in self.items.values() for item in items if item.goes_on]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A file-level stage: its items, and what they are planned from.

    `items` gets a `Before` and, by their names, the sections; what it yields depends on nothing else.
    """

    name: str
    words: str  # what it makes, in one line
    items: Callable[..., Iterable[Item]]
    module: str = ""  # its work, which `python -m` runs; by default minarch.<name>
    sections: tuple[str, ...] = ()  # of the params file; EVERY: all of them
    reads: tuple[str, ...] = ()  # stages; EVERY or NETWORKS beside them or alone
    files: tuple[str, ...] = ()  # that its items depend on besides, for DVC to compare
    resources: Resources = field(default_factory=Resources)  # of an item that says nothing else
    single: bool = False  # at most one item, which later stages read as one folder
    decides: Decision[Any] | None = None  # what later stages list
    makes_networks: bool = False  # its folders keep the contract of networks
    alone: bool = False  # nothing else runs beside its items: they measure time, or use all cores
    published: bool = False  # its item is copied to where people and git look for it

    def __post_init__(self) -> None:
        if not self.module:
            object.__setattr__(self, "module", f"minarch.{self.name}")

    def item(
        self,
        slug: str,
        config: Config,
        inputs: Inputs,
        *,
        identity: Config | None = None,
        extra_code: tuple[tuple[str, str], ...] = (),
        resources: Resources | None = None,
        goes_on: bool = False,
    ) -> Item:
        """An item of this stage.

        Args:
            identity: what its key covers; by default all of `config`.
            goes_on: later stages make its networks smaller, as they do those of the representatives.
        """
        return Item(
            stage=self.name,
            module=self.module,
            slug=slug,
            identity=config if identity is None else identity,
            config=config,
            inputs=inputs,
            extra_code=extra_code,
            resources=resources or self.resources,
            goes_on=goes_on,
        )
