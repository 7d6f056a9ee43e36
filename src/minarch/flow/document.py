"""What stands in a params file, as plain values: the part of YAML that all its versions read alike.

Anchors, aliases and merge keys are expanded. What two readers could take for different things (010, 1:30, yes) or what
is no study's (tags, dates, keys that are not texts) is refused.
"""

import re
import stat
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from minarch.errors import UserError, one_line, short

MOST_BYTES = 2**22
MOST_VALUES = 500_000  # an alias counts as often as it is used
MOST_LEVELS = 20
MOST_DIGITS = 18  # fits into 64 bits
MOST_CHARACTERS = 4_000  # of a text; a path has at most 4,095
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
TOO_DEEP = f"nested too deep; allowed: at most {MOST_LEVELS} levels, and no alias inside its own anchor"
TAG = "tag:yaml.org,2002:"
MERGE = f"{TAG}merge"
Place = tuple[str | int, ...]


def read(path: str | Path) -> Any:
    """The values in a YAML file: dicts with texts as keys, lists, texts, integers, finite floats, booleans and None.

    Raises:
        UserError: the file cannot be read or is too large, is not YAML, or holds what no study holds.
    """
    text, level = _text(Path(path)), 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):  # the composer would overflow the stack of C
            level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if level > MOST_LEVELS:
                raise UserError(TOO_DEEP)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise UserError(f"not YAML: {one_line(error)}; allowed: a YAML file") from None
    return None if node is None else _Values().of(node, ())


def _text(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading from a pipe would wait for ever
            raise UserError("is no file; allowed: a params file such as params.yaml or params/smoke.yaml")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        reason = "no such study" if isinstance(error, FileNotFoundError) else f"cannot be read ({one_line(error)})"
        raise UserError(f"{reason}; allowed: a params file such as params.yaml or params/smoke.yaml") from None
    if len(content) > MOST_BYTES:
        raise UserError(f"is larger than a params file; allowed: at most {MOST_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"not YAML: {one_line(error)}; allowed: a text in UTF-8") from None


class _Values:
    """The nodes of one file as values; counts them, because aliases of aliases multiply."""

    def __init__(self) -> None:
        self.count = 0

    def of(self, node: yaml.Node, place: Place) -> Any:
        self.count += 1
        if self.count > MOST_VALUES:
            raise UserError(f"more than {MOST_VALUES:,} values, aliases expanded; allowed: fewer")
        if len(place) > MOST_LEVELS:
            raise UserError(TOO_DEEP)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{TAG}map":
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{TAG}seq":
            return [self.of(inner, (*place, i)) for i, inner in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in SCALARS:
            return SCALARS[node.tag](node.value, place)
        tag = node.tag.replace(TAG, "!!")
        shown = f"{_prefix(place)}line {node.start_mark.line + 1}: {short(tag)[1:-1]}"
        raise UserError(f"{shown} is not allowed; allowed: numbers, texts (in quotes if need be), lists, mappings")

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        merged, own = dict[str, Any](), dict[str, Any]()
        merges = False
        for key, inner in node.value:
            line = f"line {key.start_mark.line + 1}"
            if key.tag == MERGE and not merges:
                merged, merges = self._merged(inner, place), True
                continue
            if not isinstance(key, yaml.ScalarNode) or key.tag not in (f"{TAG}str", MERGE):
                what = short(key.value)[1:-1] if isinstance(key, yaml.ScalarNode) else "a list or mapping"
                raise UserError(f"{_prefix(place)}{line}: the key {what} is not allowed; allowed: texts (in quotes)")
            name = _string(key.value, place)
            if name in own or key.tag == MERGE:
                raise UserError(f"{named((*place, name))}: the key stands twice, {line}; allowed: once")
            own[name] = self.of(inner, (*place, name))
        return merged | own

    def _merged(self, node: yaml.Node, place: Place) -> dict[str, Any]:
        """What a merge key brings in; of several mappings the first that has a key counts."""
        brought = self.of(node, (*place, "<<"))
        merged = dict[str, Any]()
        for mapping in brought if isinstance(brought, list) else [brought]:
            if not isinstance(mapping, dict):
                raise UserError(
                    f"{named((*place, '<<'))}: {short(mapping)} is not allowed; allowed: a mapping, or several"
                )
            merged = mapping | merged
        return merged


def named(place: Sequence[str | int]) -> str:
    """A place in the file as `section.field.0`, on one line however its keys are written."""
    return ".".join(str(part) if re.fullmatch(r"[\w.:-]{1,60}", str(part)) else short(part) for part in place)


def _prefix(place: Place) -> str:
    return f"{named(place)}: " if place else ""


def _refuse(value: str, place: Place, allowed: str) -> UserError:
    return UserError(f"{_prefix(place)}{short(value)[1:-1]} is not allowed; allowed: {allowed}")


def _string(value: str, place: Place) -> str:
    if not value.isprintable() or len(value) > MOST_CHARACTERS:
        raise _refuse(value, place, f"printable characters on one line, at most {MOST_CHARACTERS:,}")
    return value


def _null(value: str, place: Place) -> None:
    if value not in ("", "~", "null", "Null", "NULL"):
        raise _refuse(value, place, "null")


def _boolean(value: str, place: Place) -> bool:
    if value not in ("true", "True", "TRUE", "false", "False", "FALSE"):
        raise _refuse(value, place, "true or false; a text in quotes")
    return value[0] in "tT"


def _integer(value: str, place: Place) -> int:
    if not INTEGER.fullmatch(value):
        raise _refuse(value, place, "a decimal number such as 8 or 1000; a text in quotes")
    if len(value.lstrip("+-")) > MOST_DIGITS:
        raise _refuse(value, place, f"at most {MOST_DIGITS} digits")
    return int(value)


def _real(value: str, place: Place) -> float:
    if not NUMBER.fullmatch(value) or not isfinite(float(value)):
        raise _refuse(value, place, "a finite decimal number such as 0.5 or 1e-3; a text in quotes")
    return float(value) + 0.0  # -0.0 becomes 0.0, or the two would have different keys


SCALARS: dict[str, Callable[[str, Place], Any]] = {
    f"{TAG}str": _string,
    f"{TAG}null": _null,
    f"{TAG}bool": _boolean,
    f"{TAG}int": _integer,
    f"{TAG}float": _real,
}
