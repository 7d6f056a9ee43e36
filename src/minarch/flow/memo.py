"""What parsing tells of each module of code, remembered in this workspace: it takes more than half a second, which
every command and every closing of a stage would spend again.

Only ever a shortcut: what is not remembered of a module's present text is parsed again.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from minarch.flow.seal import read_sealed, write_sealed

MEMO = Path(".minarch/code.json")


class Parsed(NamedTuple):
    """What a module's syntax tree tells."""

    digest: str
    imports: Iterable[str]  # modules that it names, sorted


_parsed: dict[str, tuple[str, Parsed]] = {}  # module -> stamp of its text, and what that tells


def recall(module: str, stamp: str) -> Parsed | None:
    """What was told of a module when its text had this stamp."""
    before, parsed = _parsed.get(module) or _remembered().get(module) or ("", None)
    return parsed if before == stamp else None


def note(module: str, stamp: str, parsed: Parsed) -> Parsed:
    """Hold what is told of a module whose text has this stamp."""
    _parsed[module] = stamp, parsed
    return parsed


def keep() -> None:
    """Write what was noted, for the processes that come after this one."""
    if _parsed:
        write_sealed(MEMO, {"modules": _remembered() | _parsed})


@cache
def _remembered() -> dict[str, tuple[str, Parsed]]:
    modules = (read_sealed(MEMO) or {}).get("modules", {})
    return {module: (stamp, Parsed(*parsed)) for module, (stamp, parsed) in modules.items()}
