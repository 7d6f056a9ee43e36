"""An item: one unit of work and of caching."""

from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import Any

from minarch.flow.digest import code
from minarch.flow.keys import key

Config = dict[str, Any]
Inputs = dict[str, str | list[str]]  # name -> `<stage>/<name>` of the folder or folders


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What an item takes, estimated: longer items are started first, and a cluster reserves memory and time."""

    seconds: float = 1.0  # on one core; proportions matter more than the value
    memory_mb: int = 2_000
    gpus: int = 0
    urgent: bool = False  # started before all others, because they wait for it

    @property
    def priority(self) -> int:
        return 10**9 if self.urgent else ceil(self.seconds)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One unit of work and of caching.

    `identity` is what the key covers; `config` is what the work gets (it may hold more, such as where files lie);
    `inputs` names the folders it reads. `goes_on`: later stages make its networks smaller. No key covers resources.
    """

    stage: str
    module: str
    slug: str
    identity: Config
    config: Config
    inputs: Inputs
    extra_code: tuple[tuple[str, str], ...] = ()
    resources: Resources = field(default_factory=Resources, compare=False)
    goes_on: bool = False

    @cached_property
    def code(self) -> dict[str, str]:
        return {**code(self.module), **dict(self.extra_code)}

    @cached_property
    def name(self) -> str:
        return f"{self.slug}-{key(self.stage, self.identity, self.code, self.inputs)}"

    @property
    def path(self) -> str:
        return f"{self.stage}/{self.name}"

    @property
    def parents(self) -> list[str]:
        """The items it reads, `<stage>/<name>` each."""
        paths = ([given] if isinstance(given, str) else given for given in self.inputs.values())
        return [path for several in paths for path in several]
