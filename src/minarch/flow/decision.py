"""Files in which one stage decides what later ones list. They may have been pulled, so their shape is checked."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from minarch.errors import UserError, one_line

Shape = TypeVar("Shape")
LARGEST_BYTES = 64 * 2**20  # a hundred times what the largest study writes


class Decided(NamedTuple):
    """What a stage decided; no file, and nothing in it, where the stage has no item."""

    file: Path | None
    value: Any


@dataclass(frozen=True)
class Decision(Generic[Shape]):
    """The file of a stage's item that later stages are planned from, and its shape."""

    name: str
    shape: TypeAdapter[list[Shape]]

    def read(self, folder: Path) -> list[Shape]:
        """The decision in an item's folder.

        Raises:
            UserError: the file is missing, too large, or of another shape.
        """
        path = folder / self.name
        try:
            if path.stat().st_size > LARGEST_BYTES:
                raise ValueError(f"larger than {LARGEST_BYTES} bytes")
            if not path.is_file():  # reading a FIFO would wait for ever
                raise ValueError("not a file")
            return self.shape.validate_python(json.loads(path.read_bytes()), strict=True)
        except (OSError, ValueError, RecursionError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else one_line(error)
            raise UserError(
                f"{path}: is no decision of its stage ({reason}); remove its folder and run again"
            ) from None
