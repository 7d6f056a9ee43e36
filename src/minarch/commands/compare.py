"""`minarch compare A B`: the headline numbers of two studies or git revisions side by side."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from rich.table import Table

from minarch.commands.output import console, print_json
from minarch.errors import UserError
from minarch.files import read_json
from minarch.flow.plan import Plan, file_of

METRICS = "metrics.json"


def compare(first: str, second: str, *, as_json: bool = False) -> None:
    """Print every metric that differs, with the difference of numbers, of the data sets that both have.

    Args:
        first, second: each a study (its params file or name), a git revision or a metrics.json.
        as_json: print the fields that docs/command-line.md lists instead of a table.

    Raises:
        UserError: a name that is none of these, or a study that is not computed yet.
    """
    a, b = _metrics(first), _metrics(second)
    shared = [dataset for dataset in a if dataset in b]
    old, new = (_flat({dataset: metrics[dataset] for dataset in shared}) for metrics in (a, b))
    names = list(dict.fromkeys([*old, *new]))
    rows = [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]
    lacking = {
        "only_first": [name for name in a if name not in b],
        "only_second": [name for name in b if name not in a],
    }
    if as_json:
        differing = [
            {"metric": metric, "first": one, "second": other, "difference": _difference(one, other)}
            for metric, one, other in rows
        ]
        body = {"first": first, "second": second, "datasets": shared, **lacking}
        print_json(body | {"compared": len(names), "differing": differing})
        return
    out = console(160)
    if not shared:
        sets = f"{first}: {', '.join(a) or 'none'}; {second}: {', '.join(b) or 'none'}"
        out.print(f"{first} and {second} have no data set in common ({sets}), so nothing can be compared", markup=False)
        return
    table = Table(title=f"{first} against {second}", title_justify="left")
    table.add_column("metric")
    for name in (first, second, "difference"):
        table.add_column(name, justify="right")
    for metric, one, other in rows:
        table.add_row(metric, _text(one), _text(other), _text(_difference(one, other)))
    out.print(table if rows else f"{first} and {second} have equal metrics ({len(names)} compared)")
    for name, datasets in zip((first, second), lacking.values(), strict=True):
        if datasets:
            out.print(f"only in {name}: {', '.join(datasets)}", markup=False)


def _metrics(name: str) -> dict[str, Any]:
    """Data set -> its metrics, nested."""
    if (file := Path(name)).suffix == ".json" and file.is_file():
        return _read(file)
    study = file_of(name)
    if os.path.isfile(study):
        file = Plan(study).reports / METRICS
        if not file.is_file():
            raise UserError(f"{name}: not computed yet; run it first: snakemake --config study={study}")
        return _read(file)
    if (file := Path("reports/studies", name, METRICS)).is_file():  # of others, whose params file is not here
        return _read(file)
    if not name.startswith("-"):
        shown = subprocess.run(
            ["git", "show", f"{name}:reports/{METRICS}"],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            check=False,
        )
        if shown.returncode == 0:
            return dict(json.loads(shown.stdout))
    known = ["default", *sorted(p.parent.name for p in Path("reports/studies").glob(f"*/{METRICS}"))]
    raise UserError(f"{name!r} has no metrics; allowed: a study ({', '.join(known)}), a git revision, a {METRICS}")


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(read_json(file))
    except (ValueError, TypeError) as error:
        raise UserError(f"{file}: does not read as metrics: {error}") from None


def _flat(body: Any, name: str = "") -> dict[str, Any]:
    if isinstance(body, dict):
        return {k: v for key, part in body.items() for k, v in _flat(part, f"{name}.{key}" if name else key).items()}
    return {name: body}


def _difference(old: Any, new: Any) -> float | None:
    numbers = isinstance(old, int | float) and isinstance(new, int | float)
    return new - old if numbers else None


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
