"""Files in which one stage decides what later ones list. They may have been pulled, so their shape is checked."""

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic reads typing's own from Python 3.12 on

from minarch.errors import UserError, one_line

Shape = TypeVar("Shape")
LARGEST_BYTES = 64 * 2**20  # a hundred times what the largest study writes


class Added(TypedDict):
    """A size that stage refine adds."""

    dataset: str
    family: str
    knobs: dict[str, Any]


class Chosen(TypedDict):
    """A representative, as the names of the items that trained it."""

    items: list[str]


SIZES = TypeAdapter(list[Added])
REPRESENTATIVES = TypeAdapter(list[Chosen])


def read_decision(path: Path, shape: TypeAdapter[Shape]) -> Shape:
    """The decision in a JSON file.

    Raises:
        UserError: the file is missing, too large, or of another shape.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError(f"larger than {LARGEST_BYTES} bytes")
        if not path.is_file():  # reading a FIFO would wait for ever
            raise ValueError("not a file")
        return shape.validate_python(json.loads(path.read_bytes()), strict=True)
    except (OSError, ValueError, RecursionError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else one_line(error)
        raise UserError(f"{path}: is no decision of its stage ({reason}); remove its folder and run again") from None
