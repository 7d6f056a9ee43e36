"""What stands in a params file, as plain values: the part of YAML that all its versions read alike.

Anchors, aliases and merge keys are expanded. What two readers could take for different things (010, 1:30, yes) or what
is no study's (tags, dates, keys that are not texts) is refused.
"""

import stat
from pathlib import Path
from typing import Any

import yaml

from minarch.errors import UserError, one_line, short
from minarch.flow.scalars import SCALARS, TAG, Place, at
from minarch.flow.scalars import text as scalar_text

MOST_BYTES = 2**22
MOST_VALUES = 500_000  # an alias counts as often as it is used
MOST_LEVELS = 20
TOO_DEEP = f"nested too deep; allowed: at most {MOST_LEVELS} levels, and no alias inside its own anchor"
MERGE = f"{TAG}merge"


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
    allowed, content = "allowed: a params file such as params.yaml or params/smoke.yaml", None
    try:
        if stat.S_ISREG(path.stat().st_mode):  # reading from a pipe would wait for ever
            with path.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"no such study; {allowed}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot be read ({one_line(error)}); {allowed}") from None
    if content is None:
        raise UserError(f"is no file; {allowed}")
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
        shown = f"{at(place)}line {node.start_mark.line + 1}: {short(tag)[1:-1]}"
        raise UserError(f"{shown} is not allowed; allowed: numbers, texts (in quotes if need be), lists, mappings")

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        merged, written = dict[str, Any](), dict[str, Any]()
        merges = False
        for key, inner in node.value:
            line = f"line {key.start_mark.line + 1}"
            if key.tag == MERGE and not merges:
                merged, merges = self._merged(inner, place), True
                continue
            if not isinstance(key, yaml.ScalarNode) or key.tag not in (f"{TAG}str", MERGE):
                what = short(key.value)[1:-1] if isinstance(key, yaml.ScalarNode) else "a list or mapping"
                raise UserError(f"{at(place)}{line}: the key {what} is not allowed; allowed: texts (in quotes)")
            name = scalar_text(key.value, place)
            if name in written or key.tag == MERGE:
                raise UserError(f"{at((*place, name))}the key stands twice, {line}; allowed: once")
            written[name] = self.of(inner, (*place, name))
        return merged | written

    def _merged(self, node: yaml.Node, place: Place) -> dict[str, Any]:
        """What a merge key brings in; of several mappings the first that has a key counts."""
        brought = self.of(node, (*place, "<<"))
        merged = dict[str, Any]()
        for mapping in brought if isinstance(brought, list) else [brought]:
            if not isinstance(mapping, dict):
                raise UserError(f"{at((*place, '<<'))}{short(mapping)} is not allowed; allowed: a mapping, or several")
            merged = mapping | merged
        return merged
