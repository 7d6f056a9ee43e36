"""`minarch compare A B`: the headline numbers of two studies or git revisions side by side."""

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from minarch.commands.output import console, print_json
from minarch.errors import UserError
from minarch.files import read_json
from minarch.flow.plan import Plan, file_of

METRICS = "metrics.json"


@dataclass(frozen=True)
class Difference:
    """A metric of which two studies differ: its values, None where one lacks it, and of two numbers the difference."""

    metric: str
    first: Any
    second: Any
    difference: float | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two studies or revisions, as they were named; the data sets of both and of one alone; how many metrics of those
    of both were compared, and those that differ.
    """

    first: str
    second: str
    datasets: list[str]
    only_first: list[str]
    only_second: list[str]
    compared: int
    differing: list[Difference]


def compare(first: str, second: str, *, as_json: bool = False) -> None:
    """Print every headline that differs, with the difference of numbers, of the data sets that both have.

    Args:
        first, second: each a study (its params file or name), a git revision or a metrics.json.
        as_json: print the fields that docs/command-line.md lists instead of a table.

    Raises:
        UserError: a name that is none of these, or a study that is not computed yet.
    """
    comparison = compared(first, second)
    if as_json:
        print_json(asdict(comparison))
    else:
        _show(comparison)


def compared(first: str, second: str) -> Comparison:
    """The comparison of two studies or revisions; raises UserError where `compare` does."""
    one, other = _metrics(first), _metrics(second)
    shared = [dataset for dataset in one if dataset in other]
    old, new = (_flat({dataset: metrics[dataset] for dataset in shared}) for metrics in (one, other))
    pairs = {name: (old.get(name), new.get(name)) for name in [*old, *new]}
    return Comparison(
        first=first,
        second=second,
        datasets=shared,
        only_first=[dataset for dataset in one if dataset not in other],
        only_second=[dataset for dataset in other if dataset not in one],
        compared=len(pairs),
        differing=[Difference(name, a, b, _difference(a, b)) for name, (a, b) in pairs.items() if a != b],
    )


def _show(comparison: Comparison) -> None:
    """Print a table, or that there is nothing to be compared."""
    out, first, second = console(160), comparison.first, comparison.second
    lacking = {first: comparison.only_first, second: comparison.only_second}
    if not comparison.datasets:
        sets = "; ".join(f"{name}: {', '.join(datasets) or 'none'}" for name, datasets in lacking.items())
        out.print(f"{first} and {second} have no data set in common ({sets}), so nothing can be compared", markup=False)
        return
    table = Table(title=f"{first} against {second}", title_justify="left")
    table.add_column("metric")
    for name in (first, second, "difference"):
        table.add_column(name, justify="right")
    for row in comparison.differing:
        table.add_row(row.metric, _text(row.first), _text(row.second), _text(row.difference))
    equal = f"{first} and {second} have equal metrics ({comparison.compared} compared)"
    out.print(table if comparison.differing else equal)
    for name, datasets in lacking.items():
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
