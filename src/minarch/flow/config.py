"""Reading a params file into a Study; every mistake ends in one line naming field, value and what is allowed."""

from pathlib import Path
from types import NoneType
from typing import Any, get_args

from pydantic import ValidationError

from minarch.errors import UserError, one_line, short
from minarch.flow.document import read
from minarch.flow.scalars import at
from minarch.flow.stages.data import NAMED, VARIED, Variant
from minarch.flow.study import Study

MOST_LINES = 5
ALLOWED = {  # what a value of these kinds of error must be; the others say it themselves
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "list_type": "a list",
    "model_type": "a mapping",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "small letters, digits and -, beginning with a letter",
    "string_type": "a text",
    "too_long": "at most {max_length}",
    "too_short": "at least {min_length}",
}


def load(path: str | Path) -> Study:
    """Read and check a params file.

    Raises:
        UserError: a line for each of the first mistakes, naming the file, the field, the value and what is allowed.
    """
    try:
        raw = read(path)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return checked(path, raw)


def checked(path: str | Path, raw: Any) -> Study:
    """The study in a params file's values.

    Raises:
        UserError: as `load`.
    """
    if not isinstance(raw, dict):
        raise UserError(f"{path}: {short(raw)} is not allowed; allowed: the sections {', '.join(Study.model_fields)}")
    try:
        return Study.model_validate(raw)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        lines = [f"{path}: {_line(mistake)}" for mistake in mistakes[:MOST_LINES]]
        if more := len(mistakes) - len(lines):
            lines.append(f"{path}: and {more:,} more; allowed: none")
        raise UserError("\n".join(lines)) from None


def _line(mistake: Any) -> str:
    place, kind = [part for part in mistake["loc"] if part not in ("[key]", NAMED, VARIED)], mistake["type"]
    if kind == "extra_forbidden":
        return f"{at(place)}unknown key; allowed: {', '.join(_keys(mistake['loc'][:-1]))}"
    if kind == "missing":
        return f"{at(place)}missing; it has no default"
    if kind == "value_error":  # of a section as a whole, it begins with the name of the field
        text = str(mistake["ctx"]["error"])
        field, named, rest = text.partition(": ")
        is_field = named and place and field.replace(".", "_").isidentifier()
        return at([*place, field]) + rest if is_field else at(place) + text
    message = mistake["msg"].removeprefix("Input should be ")
    allowed = ALLOWED[kind].format(**mistake.get("ctx", {})) if kind in ALLOWED else message
    return f"{at(place)}{one_line(short(mistake['input']))} is not allowed; allowed: {allowed}"


def _keys(location: tuple[Any, ...]) -> list[str]:
    """The keys of the section at a place in the study."""
    model: Any = Study
    if VARIED in location:
        return list(Variant.model_fields)
    for name in location:
        model = model.model_fields[name].annotation if hasattr(model, "model_fields") else get_args(model)[-1]
        if NoneType in get_args(model):
            model = get_args(model)[0]
    return list(model.model_fields)
