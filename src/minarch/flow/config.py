"""Reading a params file into a Study; every mistake ends in one line naming field, value and what is allowed."""

import re
from collections import Counter
from pathlib import Path
from reprlib import Repr
from typing import Any

import yaml
from pydantic import ValidationError

from minarch.errors import UserError
from minarch.flow.sections import Study


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML silently keeps the last of two equal keys; a study must not."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(None, None, f"expected a mapping, line {node.start_mark.line + 1}")
        keys = [self.construct_object(k, deep=True) for k, _ in node.value]
        if twice := next((k for k, times in Counter(keys).items() if times > 1), None):
            raise UserError(f"{twice}: the key stands twice, line {node.start_mark.line + 1}; allowed: once")
        return super().construct_mapping(node, deep)


def load(path: str | Path) -> Study:
    """Read and check a params file.

    Raises:
        UserError: one line per mistake, naming the file, the field, the value and what is allowed.
    """
    try:
        raw = yaml.load(Path(path).read_bytes(), Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except OSError:
        raise UserError(
            f"{path}: no such study; allowed: a params file such as params.yaml or params/smoke.yaml"
        ) from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if not isinstance(raw, dict):
        raise UserError(f"{path}: {_shown(raw)} is not allowed; allowed: the sections {', '.join(Study.model_fields)}")
    try:
        return Study.model_validate(raw)
    except ValidationError as error:
        raise UserError("\n".join(_line(path, e) for e in error.errors())) from None


def _line(path: str | Path, error: Any) -> str:
    field, kind = ".".join(str(part) for part in error["loc"] if part != "[key]"), error["type"]
    if kind == "extra_forbidden":
        return f"{path}: {field}: unknown key; allowed: {', '.join(_siblings(error['loc']))}"
    if kind == "missing":
        return f"{path}: {field}: missing; it has no default"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    message = re.sub(r"(?:List|Dictionary) should have at least (\d+) .*", r"at least \1", message)
    message = re.sub(r"a valid dictionary.*", "a mapping", message)
    if kind == "value_error":
        return f"{path}: {field + ': ' if field else ''}{message}"
    return f"{path}: {field}: {_shown(error['input'])} is not allowed; allowed: {message}"


def _shown(value: Any) -> str:
    """A value as text of bounded length: by its aliases a line of YAML can stand for gigabytes."""
    short = Repr()
    short.maxstring = short.maxother = short.maxlong = 200
    short.maxlist = short.maxdict = 20
    return short.repr(value)


def _siblings(location: tuple[Any, ...]) -> list[str]:
    model: Any = Study
    for name in location[:-1]:
        model = model.model_fields[name].annotation
    return list(model.model_fields)
