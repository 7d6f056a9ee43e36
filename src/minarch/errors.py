"""The one error a user can cause, and how it shows what the user wrote."""

from reprlib import Repr
from typing import Any

_SHORT = Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 3, 60, 60, 60


class UserError(ValueError):
    """A mistake in the user's input: one line that names the field, its value and what is allowed."""


def short(value: Any) -> str:
    """The value as Python writes it, on one line; what is long is abbreviated in the middle."""
    return _SHORT.repr(value).replace("\n", " ")


def one_line(text: object) -> str:
    """A text of someone else's on one line, at most 200 characters of it."""
    return " ".join(str(text).split())[:200]
