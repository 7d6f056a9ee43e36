"""An item: one unit of work and of caching."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from minarch.flow.digest import code
from minarch.flow.keys import key


def module(stage: str) -> str:
    """The module whose imports decide a stage's results."""
    return "minarch.data.__main__" if stage == "data" else f"minarch.{stage}"


@dataclass(frozen=True)
class Item:
    """One unit of work and of caching.

    `identity` is what the key covers; `config` is what the work gets (it may hold more, such as where files lie);
    `inputs` names the folders it reads as `<stage>/<name>`.
    """

    stage: str
    slug: str
    identity: dict[str, Any]
    config: dict[str, Any]
    inputs: dict[str, str | list[str]]
    extra_code: tuple[tuple[str, str], ...] = ()

    @cached_property
    def code(self) -> dict[str, str]:
        return {**code(module(self.stage)), **dict(self.extra_code)}

    @cached_property
    def name(self) -> str:
        return f"{self.slug}-{key(self.stage, self.identity, self.code, self.inputs)}"

    @property
    def path(self) -> str:
        return f"{self.stage}/{self.name}"
