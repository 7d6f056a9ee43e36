"""`python -m minarch compare A B`: the metrics of two studies or git revisions side by side."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from minarch.errors import UserError
from minarch.files import read_json


def compare(first: str, second: str) -> None:
    """Print every metric that differs, with the difference of numbers.

    Raises:
        UserError: a name that is no study with a report, no revision and no file.
    """
    a, b = _flat(_metrics(first)), _flat(_metrics(second))
    table = Table(title=f"{first} against {second}", title_justify="left")
    for name, justify in (("metric", "left"), (first, "right"), (second, "right"), ("difference", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    differing = [n for n in dict.fromkeys([*a, *b]) if a.get(n) != b.get(n)]
    for name in differing:
        old, new = a.get(name), b.get(name)
        numbers = isinstance(old, int | float) and isinstance(new, int | float)
        table.add_row(name, _text(old), _text(new), _text(new - old) if numbers else "")  # type: ignore[operator]
    console = Console(width=None if os.isatty(1) else 160)
    console.print(table if differing else f"{first} and {second} have equal metrics ({len(a)} compared)")


def _metrics(name: str) -> dict[str, Any]:
    stem = Path(name).stem if name.endswith((".yaml", ".yml")) else name
    places = [Path(name), Path("reports/studies", stem, "metrics.json")]
    if stem in ("default", "params"):
        places.append(Path("reports/metrics.json"))
    if file := next((p for p in places if p.is_file() and p.suffix == ".json"), None):
        try:
            return dict(read_json(file))
        except ValueError as error:
            raise UserError(f"{file}: does not read as metrics: {error}") from None
    if not name.startswith("-"):
        shown = subprocess.run(
            ["git", "show", f"{name}:reports/metrics.json"],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            check=False,
        )
        if shown.returncode == 0:
            return dict(json.loads(shown.stdout))
    known = ["default", *sorted(p.parent.name for p in Path("reports/studies").glob("*/metrics.json"))]
    raise UserError(f"{name!r} has no metrics; allowed: a study ({', '.join(known)}), a git revision, a metrics.json")


def _flat(body: Any, name: str = "") -> dict[str, Any]:
    if isinstance(body, dict):
        return {k: v for key, part in body.items() for k, v in _flat(part, f"{name}.{key}" if name else key).items()}
    return {name: body}


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
