"""JSON files: what every stage writes and reads."""

import json
from pathlib import Path
from typing import Any


def read_json(path: Path) -> Any:
    """The content of a JSON file; raises OSError or ValueError where there is none."""
    return json.loads(path.read_text())


def write_json(path: Path, body: Any) -> None:
    """Write a JSON file; raises ValueError for what JSON cannot hold (NaN, infinity)."""
    path.write_text(json.dumps(body, indent=1, allow_nan=False) + "\n")
