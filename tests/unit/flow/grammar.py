"""Params files at random: a grammar derived from the JSON schema and the families' knobs, and what spoils them."""

from copy import deepcopy
from dataclasses import fields
from typing import Any

import yaml
from hypothesis import strategies as st

from minarch.flow.study import Study
from minarch.models.families import FAMILIES

SCHEMA = Study.model_json_schema()
NAMES = st.sampled_from(["l1", "a", "b", "fresh-2", "x9"])
KNOBS: dict[str, st.SearchStrategy[Any]] = {
    "depth": st.integers(1, 3),
    "width": st.sampled_from([1, 2, 3, 4, 8, 16]),
    "channels": st.integers(1, 8),
    "heads": st.just(1),
    "patch": st.sampled_from([1, 2, 4]),
    "ffn": st.integers(1, 3),
    "steps": st.just("all"),
    "growth": st.sampled_from([1.5, 2, 2.0, 3, 100]),
    "stem": st.sampled_from(["cifar", "imagenet"]),
    "levels": st.integers(1, 8),
    "head": st.integers(1, 3),
}
# What no field should take for something else: as it is written in the file.
ODD = (
    r"""
010 | 0x10 | 0b11 | 1_0 | 1:30 | 1:30.5 | 08 | 0o7 | .inf | -.inf | .nan | -0.0 | -0 | +1 | 1e-3 | 1e3 | 1.e-3 | .5
1e400 | 1.0e+400 | 1e-400 | 5e-324 | 1e17 | 100000000000000000 | 99999999999999999999 | 18446744073709551616 | 1 | 0
-1 | 2 | 0.5 | 1.0 | ~ | null | true | True | yes | no | on | off | y | 2020-01-01 | 2020-01-01T00:00:00Z | !!set {a}
!!binary aGk= | !!python/name:os.system | !mine 1 | !!str 1 | !!int 8 | !!float 1 | = | << | *nowhere | &a 1 | &a [*a]
'' | '010' | "1" | "a\nb" | "\0" | "\ud800" | [] | {} | [[[1]]] | {a: {b: 1}} | {1: 2} | {null: 2} | {<<: 1} | 'a b'
digits | folder: | folder:/nowhere | os:path | ..:a | json:loads | minarch.models.families.dnn:Dnn | dnn | fp32
original | é | '日本' | '{x}' | '../up' | '/' | all | grow
""".replace("\n", " | ")
    .strip(" |")
    .split(" | ")
)
ODD += ["9" * 5000, "1" + "0" * 400, "'" + "x" * 5000 + "'", "[" * 60 + "]" * 60]


def valid(schema: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """Values that a part of the schema allows, its bounds among them."""
    if "$ref" in schema:
        return valid(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], name)
    for special in (name, f"{name}, {schema.get('type')}"):
        if special in SPECIAL:
            return SPECIAL[special]
    if "anyOf" in schema:
        return st.one_of(*(valid(part, name) for part in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    kind = schema["type"]
    if kind == "integer":
        low, high = schema.get("minimum", 0), schema.get("maximum", schema.get("exclusiveMaximum", 10**6 + 1) - 1)
        return st.sampled_from([low, high]) | st.integers(low, min(high, low + 20))
    if kind == "number":
        low, high = (schema.get(f"{end}imum", schema.get(f"exclusive{end.capitalize()}imum")) for end in ("min", "max"))
        excluded = [schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")]
        numbers = st.floats(low, high, exclude_min=low in excluded, exclude_max=high in excluded)
        whole = st.sampled_from([n for n in (0, 1, 2, 10) if low <= n <= high and n not in excluded] or [0.5])
        return numbers | numbers.map(lambda value: f"{value:e}") | whole
    if kind == "array":
        items = valid(schema["items"], name)
        return st.lists(items, min_size=schema.get("minItems", 0), max_size=4, unique_by=_plain)
    if kind == "object" and "properties" in schema:
        return _section(schema)
    if kind == "object":
        if "patternProperties" not in schema:  # its keys name something of the study
            return st.just({})
        (inner,) = schema["patternProperties"].values()
        return st.dictionaries(NAMES, valid(inner), min_size=1, max_size=2)
    return {"boolean": st.booleans(), "null": st.none()}[kind]


def _plain(value: Any) -> Any:
    """What the value is, however it is written."""
    try:
        return float(value)
    except ValueError:
        return value


def _section(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    entries = {name: valid(part, name) for name, part in schema["properties"].items()}
    needed = {name: entries.pop(name) for name in schema.get("required", [])}
    some = st.lists(st.sampled_from(sorted(entries)), max_size=3, unique=True) if entries else st.just([])
    optional = some.flatmap(lambda names: st.fixed_dictionaries({name: entries[name] for name in names}))
    return st.builds(lambda one, other: one | other, st.fixed_dictionaries(needed), optional)


def _grid(family: str) -> st.SearchStrategy[dict[str, Any]]:
    knobs = {field.name: KNOBS[field.name] for field in fields(FAMILIES[family])}
    several = {name: value | st.lists(value, min_size=1, max_size=3, unique=True) for name, value in knobs.items()}
    if family == "resnet":
        several["depth"] = st.sampled_from([18, 34, 50, 20, 110])
    return st.fixed_dictionaries(several)


GRIDS = st.lists(st.sampled_from(sorted(FAMILIES)), min_size=1, max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: _grid(name) for name in names})
)
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "datasets, array": st.just(["digits"]) | st.just(["digits", "cifar10"]),
    "root": st.none() | st.just("downloads"),
    "families": GRIDS,
    "architectures": st.just({}) | GRIDS,
    "further": st.none(),
    "compress, array": st.sampled_from([[], ["l1"]]),
    "pruned": st.sampled_from([None, [], ["l1"]]),
    "epochs": st.integers(1, 3) | st.just(100_000),
    "repeats": st.integers(1, 3) | st.just(10_000),
}
STUDIES = valid(SCHEMA)


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return ([place] if place else []) + [deeper for key, part in inner for deeper in _places(part, (*place, key))]


@st.composite
def files(draw: st.DrawFn) -> tuple[str, list[str]]:
    """The text of a params file, and what was done to it."""
    study, written, done = deepcopy(draw(STUDIES)), list[str](), list[str]()
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3]))):
        *way, last = draw(st.sampled_from(_places(study)))
        at = study
        for key in way:
            at = at[key]
        deed = draw(st.sampled_from(["replace", "replace", "replace", "double", "wrap", "remove", "rename"]))
        if deed == "replace":
            odd = draw(st.sampled_from(ODD))
            at[last] = f"@@{len(written)}@@"
            written.append(odd)
            deed = f"replaced by {odd[:40]}"
        elif deed == "double" and isinstance(at, list):
            at.append(deepcopy(at[last]))
        elif deed == "wrap":
            at[last] = [at[last]] * draw(st.integers(1, 2))
        elif deed == "remove":
            del at[last]
        elif deed == "rename" and isinstance(at, dict):
            at[draw(st.sampled_from(["nonesuch", "", "@@@", "no", "Wide", "a b", "é", "l1"]))] = at.pop(last)
        done.append(f"{'.'.join(map(str, (*way, last)))}: {deed}")
    text = yaml.safe_dump(study, sort_keys=False, allow_unicode=True, width=10**6)
    for i, odd in enumerate(written):
        text = text.replace(f"'@@{i}@@'", odd)
    return text, done


@st.composite
def small_studies(draw: st.DrawFn) -> dict[str, Any]:
    """Studies of what trains in a second, and asks for no more images than scikit-learn's digits have."""
    study = deepcopy(draw(STUDIES.filter(lambda study: "resnet" not in study["sweep"]["families"])))
    shares = draw(st.fixed_dictionaries({"validation": st.floats(0.05, 0.5), "test": st.floats(0.05, 0.5)}))
    study["data"] |= {"datasets": ["digits"], "root": None, "limit": None, **shares}
    study["sweep"] |= {"repeats": draw(st.integers(1, 3)), "block": draw(st.sampled_from([None, 1, 2]))}
    study["train"] |= {"epochs": draw(st.integers(1, 2)), "batch_size": draw(st.integers(1, 400))}
    study["train"] |= {"device": "cpu", "precision": None, "give_up_after": None}
    return study
