"""`python -m minarch recommend`: of every data set the best model for a budget of bytes, of accuracy, or of both.

Only models of which few enough repeats failed count. If a drop is bounded: fewest bytes among those whose mean
validation accuracy is within so many points of the data set's best. If only bytes are: the highest mean validation
accuracy. Test accuracy is reported beside the choice and plays no part in it.
"""

import math
import os
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from minarch.analysis.front import recommend as within_drop
from minarch.analysis.front import reliable
from minarch.analysis.intervals import TEST, VALIDATION
from minarch.analysis.precision import VARIANT
from minarch.errors import UserError, one_line
from minarch.flow.plan import Plan
from minarch.flow.seal import RECORD
from minarch.reporting.tables.grown import SEARCH_MACS, SEARCH_TRAININGS
from minarch.reporting.tables.models import ITEMS, batches_of, latency

NAMES = [*VARIANT, "model", "precision", ITEMS]
NUMBERS = ["repeats", "failed", "parameters", "bytes", "n", *VALIDATION, *TEST, SEARCH_MACS, SEARCH_TRAININGS]
ABSENT = "not here: `snakemake` makes it, `make review` fetches it"


def recommend(study: str, max_bytes: int | None, max_drop: float | None, dataset: str | None) -> None:
    """Print the best model of every data set, or of one: its size, its accuracies, what it cost to find it (if its
    structure was found while it was trained) and where its files lie.

    Args:
        max_bytes: of a model's files together; None: any.
        max_drop: percentage points of mean validation accuracy below the data set's best model; None: any.

    Raises:
        UserError: no bound or an impossible one, no such table or data set, or a data set with no model that fits
            (after what fits the others was printed).
    """
    if max_bytes is None and max_drop is None:
        raise UserError("--max-bytes, --max-drop: none is given; allowed: either or both")
    if max_bytes is not None and max_bytes < 1:
        raise UserError(f"--max-bytes: {max_bytes} is not allowed; allowed: at least 1")
    if max_drop is not None and not 0 <= max_drop <= 100:
        raise UserError(f"--max-drop: {max_drop:g} is not allowed; allowed: 0 to 100 (percentage points)")
    plan = Plan(study)
    models = read_models(plan.reports / "tables" / "models.csv", study)
    known = sorted(set(models["dataset"]))
    if dataset is not None and dataset not in known:
        raise UserError(f"--dataset: {dataset!r} is not in the study's table; allowed: {', '.join(known)}")
    console = Console(width=None if os.isatty(1) else 160)
    failure_share, unmet = plan.study.convergence.failure_share, []
    for name in known if dataset is None else [dataset]:
        rows = reliable(models[models["dataset"] == name], failure_share)
        chosen = choose_model(rows, max_bytes, max_drop)
        if chosen is None:
            unmet.append(f"{name}: {nearest(rows, max_bytes, max_drop)}")
        else:
            row = models.loc[chosen].to_dict()
            files = locations(plan.root / "quantize", row["precision"], row[ITEMS].split())
            console.print(_shown(row, batches_of(models), files))
    if unmet:
        raise UserError("; ".join(unmet))


def read_models(path: Path, study: str) -> pd.DataFrame:
    """The aggregated table of a study's final models.

    Raises:
        UserError: it is not there, or does not read as that table.
    """
    if not path.is_file():
        raise UserError(f"{path}: is not there; run the study first: snakemake --cores all --config study={study}")
    try:
        # Only what is empty is missing: a folder's name may be "NA" or "null".
        table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        table = table.astype({name: float for name in table if name in NUMBERS or str(name).startswith("latency_")})
    except ValueError as error:
        raise UserError(f"{path}: does not read as a table of models: {one_line(error)}") from None
    if missing := [n for n in [*NAMES, *NUMBERS] if n not in table or (n in NAMES and table[n].isna().any())]:
        raise UserError(f"{path}: is no table of models, it lacks {', '.join(missing)}; run the study again")
    if table.empty:
        raise UserError(f"{path}: holds no model; run the study again")
    return table


def choose_model(models: pd.DataFrame, max_bytes: int | None, max_drop: float | None) -> Any | None:
    """Index of the best of one data set's reliable models under at least one bound, by the rule above; None: none is.

    The drop counts from the best of all of them, also where that one has too many bytes.
    """
    if max_drop is None:
        models = models[models["bytes"] <= max_bytes]
        return None if models.empty else within_drop(models, 0)[1]
    if models.empty:
        return None
    smallest = within_drop(models, max_drop)[0]
    return smallest if max_bytes is None or models.loc[smallest, "bytes"] <= max_bytes else None


def nearest(models: pd.DataFrame, max_bytes: int | None, max_drop: float | None) -> str:
    """Words for what comes closest where `choose_model` finds none."""
    if models.empty:
        return "no model is reliable: too many repeats of each failed"
    unmet = f"no reliable model has at most {max_bytes:,} bytes"
    if max_drop is None:
        row = models.loc[models.sort_values(["bytes", "model"]).index[0]]
        return f"{unmet}; the smallest, {row['model']}, has {row['bytes']:,.0f}"
    smallest, best = within_drop(models, max_drop)
    row = models.loc[smallest]
    text = f"{unmet} within {max_drop:g} point{'s' * (max_drop != 1)} of the best; the smallest that is so accurate,"
    text += f" {row['model']}, has {row['bytes']:,.0f}"
    inside = choose_model(models, max_bytes, None)
    if inside is None:
        return text
    drop = 100 * (models.loc[best, VALIDATION.value] - models.loc[inside, VALIDATION.value])
    return f"{text}; the best in {max_bytes:,} bytes, {models.loc[inside, 'model']}, is {drop:.2f} points below"


def locations(quantized: Path, precision: str, items: list[str]) -> list[str]:
    """The files of a model, as patterns over its repeats; and what to do about those that are not here.

    Args:
        quantized: folder of the items of stage quantize.
        items: names of those that hold the model.
    """
    lines = []
    for folder in (quantized / item for item in items):
        here = (folder / RECORD).exists()
        lines.append(f"{folder}/{precision}-*.xml{'' if here else f' ({ABSENT})'}")
    return lines


def _shown(row: dict[str, Any], batches: list[int], files: list[str]) -> Table:
    """The lines that are printed of one model."""
    table = Table(title=Text(str(row["dataset"])), title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    lines = [("model", row["model"]), ("bytes", f"{row['bytes']:,.0f}"), ("parameters", f"{row['parameters']:,.0f}")]
    for split, columns in {"validation": VALIDATION, "test": TEST}.items():
        mean, low, high = (100 * row[column] for column in columns)
        interval = "no interval" if math.isnan(low) else f"{low:.2f} to {high:.2f}"
        lines.append((f"{split} accuracy", f"{mean:.2f} % ({interval}, n = {row['n']:.0f})"))
    for batch in batches:
        median, low, high = (row[column] for column in latency(batch))
        if not math.isnan(median):
            lines.append((f"latency, batch {batch}", f"{median:.4g} ms ({low:.4g} to {high:.4g})"))
    if not math.isnan(row[SEARCH_MACS]):
        trainings = row[SEARCH_TRAININGS]
        told = "" if math.isnan(trainings) else f", {trainings:.2g} times a training of the whole network"
        lines.append(("cost to find it", f"{row[SEARCH_MACS]:.3g} MACs{told}"))
    lines.append(("files", "\n".join(files)))  # one per repeat
    item = Path(files[0]).parent.name
    lines.append(("to try it", f"python -m minarch predict {item} --precision {row['precision']} IMAGE"))
    for name, text in lines:
        table.add_row(name, Text(text))
    return table
