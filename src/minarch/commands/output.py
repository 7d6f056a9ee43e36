"""What commands print: tables for people, JSON for programs."""

import json
import math
import os
from typing import Any

from rich.console import Console


def console(width: int) -> Console:
    """The terminal; where the output is no terminal, lines have `width` characters."""
    return Console(width=None if os.isatty(1) else width)


def print_json(body: dict[str, Any]) -> None:
    """Print one JSON object, of which what is missing (None, NaN) is null."""
    print(json.dumps(_finite(body), indent=1, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
