"""A number, text, boolean or null as it is written in a params file, or what is said of it at its place there."""

import re
from collections.abc import Callable, Sequence
from math import isfinite

from minarch.errors import UserError, short

MOST_DIGITS = 18  # fits into 64 bits
MOST_CHARACTERS = 4_000  # of a text; a path has at most 4,095
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
TAG = "tag:yaml.org,2002:"
Place = Sequence[str | int]  # the keys and positions that lead to a value


def at(place: Place) -> str:
    """A place as `section.field.0: `, on one line however its keys are written; "" for the whole file."""
    plain = re.compile(r"[\w.:-]{1,60}")
    names = [str(part) if plain.fullmatch(str(part)) else short(part) for part in place]
    return f"{'.'.join(names)}: " if names else ""


def _refusal(written: str, place: Place, allowed: str) -> UserError:
    return UserError(f"{at(place)}{short(written)[1:-1]} is not allowed; allowed: {allowed}")


def text(written: str, place: Place) -> str:
    """Raises UserError for a text of several lines, with control characters, or longer than a path."""
    if not written.isprintable() or len(written) > MOST_CHARACTERS:
        raise _refusal(written, place, f"printable characters on one line, at most {MOST_CHARACTERS:,}")
    return written


def _null(written: str, place: Place) -> None:
    if written not in ("", "~", "null", "Null", "NULL"):
        raise _refusal(written, place, "null")


def _boolean(written: str, place: Place) -> bool:
    if written not in ("true", "True", "TRUE", "false", "False", "FALSE"):
        raise _refusal(written, place, "true or false; a text in quotes")
    return written[0] in "tT"


def _integer(written: str, place: Place) -> int:
    if not INTEGER.fullmatch(written):
        raise _refusal(written, place, "a decimal number such as 8 or 1000; a text in quotes")
    if len(written.lstrip("+-")) > MOST_DIGITS:
        raise _refusal(written, place, f"at most {MOST_DIGITS} digits")
    return int(written)


def _real(written: str, place: Place) -> float:
    if not NUMBER.fullmatch(written) or not isfinite(float(written)):
        raise _refusal(written, place, "a finite decimal number such as 0.5 or 1e-3; a text in quotes")
    return float(written) + 0.0  # -0.0 becomes 0.0, or the two would have different keys


SCALARS: dict[str, Callable[[str, Place], object]] = {  # by the tag that YAML 1.1 gives it
    f"{TAG}str": text,
    f"{TAG}null": _null,
    f"{TAG}bool": _boolean,
    f"{TAG}int": _integer,
    f"{TAG}float": _real,
}
