"""Families of the user's own: imported, run and checked so that what is wrong in them ends in one line."""

import importlib
import json
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any

from minarch.errors import UserError, one_line, short
from minarch.models.families.base import Family

_OTHERS = (
    "<",
    f"{Path(__file__).parents[2]}/",
    *(f"{sysconfig.get_path(name)}/" for name in ("stdlib", "purelib", "platlib")),
)


def is_path(name: str) -> bool:
    """Tell whether a name has the form "package.module:Class"."""
    module, _, attribute = name.partition(":")
    return all(part.isidentifier() for part in [*module.split("."), attribute])


@contextmanager
def told(name: str) -> Iterator[None]:
    """An exception in the code of a user's family `name` becomes a UserError; one in ours is a bug and stays."""
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        if not is_path(name):
            raise
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise UserError(
            f"{name}: its code{_place(error.__traceback__)} raised {reason}; allowed: code that runs"
        ) from error


def _place(trace: TracebackType | None) -> str:
    """The user's own line that an exception went through last."""
    for frame in reversed(traceback.extract_tb(trace)):
        if not frame.filename.startswith(_OTHERS):
            return f" ({Path(frame.filename).name}, line {frame.lineno}, in {frame.name})"
    return ""


def imported(name: str) -> Any:
    """The thing that "package.module:Class" names; None: there is none.

    Raises:
        UserError: its module raises.
    """
    module, _, attribute = name.partition(":")
    with told(name):
        try:
            return getattr(importlib.import_module(module), attribute, None)
        except ModuleNotFoundError as error:
            if error.name and f"{module}.".startswith(f"{error.name}."):  # else it is what that module imports
                return None
            raise


def check_class(name: str, cls: type[Family]) -> None:
    """Raises UserError where a user's family lacks what every family says of itself."""
    network = getattr(cls, "network", None)
    if not (isinstance(network, str) and is_path(network)):
        raise UserError(f'{name}.network: {short(network)} is not allowed; allowed: "package.module:Class"')
    if cls.name != name:
        raise UserError(f"{name}.name: {short(cls.name)} is not allowed; allowed: none of its own")
    if cls.size and cls.size not in [field.name for field in fields(cls)]:
        raise UserError(f"{name}.size: {short(cls.size)} is not allowed; allowed: the name of a knob")


def check_description(kind: Family, shape: Sequence[int], classes: int) -> None:
    """Raises UserError where what a user's family says of an architecture is no structure of it."""
    name = kind.name
    with told(name):
        spec, counts = kind.spec(shape, classes), (kind.parameters(shape, classes), kind.macs(shape, classes))
    needed = {"shape": list(shape), "classes": classes}
    if not isinstance(spec, dict) or {"family", *needed} - set(spec):
        raise UserError(f"{name}.spec: {short(spec)} is not allowed; allowed: a dict with family, shape and classes")
    for field, value in needed.items():
        if not _same(spec[field], value):
            raise UserError(f"{name}.spec: {field}: {short(spec[field])} is not allowed; allowed: {short(value)}")
    try:
        plain = _same(json.loads(json.dumps(spec, allow_nan=False)), spec)
    except (TypeError, ValueError, RecursionError):
        plain = False
    if not plain:
        raise UserError(f"{name}.spec: {short(spec)} is not allowed; allowed: what JSON holds (lists, finite numbers)")
    for method, count in zip(("parameters", "macs"), counts, strict=True):
        if not (count is None or (type(count) is int and count >= 0)):
            raise UserError(
                f"{name}.{method}: {short(count)} is not allowed; allowed: an integer of at least 0, or None"
            )


def _same(value: Any, other: Any) -> bool:
    """Tell whether two are equal and of one type; tensors and arrays do not say whether they are equal."""
    return type(value) is type(other) and repr(value) == repr(other)
