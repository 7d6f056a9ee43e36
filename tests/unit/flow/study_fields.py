"""All fields of a study, walked through its sections; whatever section or field is added later is in the walk."""

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

from minarch.flow.study import Study

REPOSITORY = Path(__file__).parents[3]
# What the types do not say: texts that name something. `any` are the grids of the families.
TEXTS: dict[str, Any] = {
    "data.datasets.0": "digits",
    "data.root": "/nowhere",
    "quantize.pruned.0": "l1",
    "depth.architectures": {"dnn": {"depth": 1, "width": 4}},
    "depth.compress.0": "l1",
    "complexity.architectures": {"dnn": {"depth": 1, "width": 4}},
    "complexity.datasets.l1.0": "digits",
    "sweep.families": {"dnn": {"depth": 1, "width": 4}},
    "representatives.further": {"dnn": {"depth": 1, "width": 4}},
}
NAME = "l1"  # of an entry in a mapping of methods


def inner(annotation: Any) -> Any:
    """A type without its constraints, and without None."""
    if get_origin(annotation) is Annotated:
        return inner(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return inner(next(part for part in get_args(annotation) if part is not NoneType))
    return annotation


def walk(kind: Any = Study, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Place and type of every field, of lists and of what is in them; an entry of a mapping is called NAME."""
    if place:
        yield place, kind
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield from walk(inner(field.annotation), (*place, name))
    elif get_origin(kind) is dict and get_args(kind)[1] is not Any:
        yield from walk(inner(get_args(kind)[1]), (*place, NAME))
    elif get_origin(kind) is list:
        yield from walk(inner(get_args(kind)[0]), (*place, "0"))


def example(place: tuple[str, ...], kind: Any) -> Any:
    """A value that the field may have."""
    if (name := ".".join(place)) in TEXTS:
        return TEXTS[name]
    if get_origin(kind) is list:
        return [example((*place, "0"), inner(get_args(kind)[0]))]
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        needed = {n: inner(f.annotation) for n, f in kind.model_fields.items() if f.is_required()}
        return {n: example((*place, n), k) for n, k in needed.items()}
    if get_origin(kind) is dict:
        return {NAME: example((*place, NAME), inner(get_args(kind)[1]))}
    return {int: 1, float: 0.5, bool: False}[kind]


def smallest() -> dict[str, Any]:
    """A study in which every section stands and nothing that has a default."""
    study: dict[str, Any] = example((), Study)
    study["prune"]["magnitude_levels"] = [0, 0.5]
    return study


def with_value(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The smallest study with a value at a place; the mappings on the way are made."""
    study = smallest()
    at: Any = study
    kinds = dict(walk())
    for i, name in enumerate(place[:-1], 1):
        if name not in at or at[name] is None:
            at[name] = example(place[:i], kinds[place[:i]])
        at = at[name]
    at[place[-1]] = value
    return study


def write(study: dict[str, Any], path: Path) -> Path:
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return path
