"""`minarch recommend`: of every data set the best model for a budget of bytes, parameters, latency or accuracy.

Only models of which few enough repeats failed count; `minarch.commands.bounds` has the rule. Test accuracy is reported
beside the choice and plays no part in it.
"""

import math
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from minarch.analysis.front import worthwhile
from minarch.analysis.intervals import TEST, VALIDATION
from minarch.analysis.precision import VARIANT
from minarch.analysis.reliability import PROVEN, REACHED, Reliability
from minarch.analysis.sampling import TEST_SAMPLED
from minarch.commands.bounds import LATENCY, Bounds, choose, nearest
from minarch.commands.exported import ABSENT
from minarch.commands.output import console, print_json
from minarch.commands.quantities import count
from minarch.errors import UserError, one_line
from minarch.flow.plan import Plan
from minarch.flow.seal import RECORD
from minarch.holdings import holdings
from minarch.reporting.tables.compiled import C_BYTES, C_STACK, NO_C, PARTS
from minarch.reporting.tables.grown import SEARCH_MACS, SEARCH_TRAININGS
from minarch.reporting.tables.models import ITEMS, batches_of, latency
from minarch.reporting.wording import milliseconds, percent_below

NAMES = [*VARIANT, "model", "precision", ITEMS]
COUNTS = ["repeats", "failed", "n", "parameters", "bytes"]
NUMBERS = [*COUNTS, *VALIDATION, *TEST, *TEST_SAMPLED[1:], SEARCH_MACS, SEARCH_TRAININGS]
# Numbers that a table need not have.
FURTHER = ["level", "macs", "weight_bytes", "removed_share", REACHED, PROVEN, C_BYTES, *PARTS]


def recommend(
    study: str,
    *,
    max_bytes: str | None = None,
    max_parameters: str | None = None,
    max_latency: float | None = None,
    max_code: str | None = None,
    max_stack: str | None = None,
    max_drop: float | None = None,
    dataset: str | None = None,
    as_json: bool = False,
) -> None:
    """Print the best model of every data set, or of one: its size, its accuracies, what it cost to find it (if its
    structure was found while it was trained) and where its files lie.

    Args:
        max_bytes, max_parameters, max_code, max_stack: numbers such as "50000" or "50k"; None: any.
        max_latency: milliseconds of a batch of one image; None: any.
        max_drop: percentage points of mean validation accuracy below the data set's best model; None: any, or the
            study's own rule where nothing is bounded (aggregate.max_drop_points, or convergence.target).
        as_json: print the fields that docs/command-line.md lists instead of tables.

    Raises:
        UserError: an impossible bound, no such table or data set, or a data set with no model that fits (after what
            fits the others was printed).
    """
    counts = {"bytes": max_bytes, "parameters": max_parameters, "code": max_code, "stack": max_stack}
    bounds = _bounds(counts, max_latency, max_drop)
    plan = Plan(study)
    reliability = Reliability.of(plan.study.convergence.identity())
    if not bounds.given:
        bounds = Bounds(drop=reliability.within(plan.study.aggregate.max_drop_points))
    models = read_models(plan.reports / "tables" / "models.csv", plan.study_file)
    known = sorted(set(models["dataset"]))
    if dataset is not None and dataset not in known:
        raise UserError(f"--dataset: {dataset!r} is not in the study's table; allowed: {', '.join(known)}")
    if bounds.latency is not None and LATENCY not in models:
        raise UserError(f"--max-latency: {bounds.latency:g} has no effect, no latency was measured; allowed: none")
    for name, column, limit in (("code", C_BYTES, max_code), ("stack", C_STACK, max_stack)):
        if limit is not None and (column not in models or models[column].isna().all()):
            raise UserError(f"--max-{name}: {limit!r} has no effect, nothing was compiled as C; allowed: none")
    chosen, unmet = list[dict[str, Any]](), dict[str, str]()
    for name in known if dataset is None else [dataset]:
        rows = worthwhile(reliability.reliable(models[models["dataset"] == name]))
        best = choose(rows, bounds)
        if best is None:
            unmet[name] = nearest(rows, bounds) if len(rows) else f"no model is reliable: {reliability.lacking}"
        else:
            row = models.loc[best].to_dict() | {ITEMS: models.loc[best, ITEMS].split()}
            chosen.append(row | {"files": files_of(plan.root / "quantize", row)})
    if as_json:
        print_json({"study": plan.name, "recommended": [_whole(row) for row in chosen], "unmet": unmet})
    else:
        for row in chosen:
            proof = _proof(row, plan.study.convergence.confidence)
            console(160).print(_shown(row, proof, batches_of(models), plan.root / "quantize"))
    if unmet:
        raise UserError("; ".join(f"{name}: {words}" for name, words in unmet.items()))


def _bounds(counts: dict[str, str | None], max_latency: float | None, drop: float | None) -> Bounds:
    """The bounds that the command line gives; `counts` of whole numbers, by their names.

    Raises:
        UserError: one of them is impossible.
    """
    if max_latency is not None and not 0 < max_latency < math.inf:
        raise UserError(f"--max-latency: {max_latency:g} is not allowed; allowed: above 0 (milliseconds)")
    if drop is not None and not 0 <= drop <= 100:
        raise UserError(f"--max-drop: {drop:g} is not allowed; allowed: 0 to 100 (percentage points)")
    return Bounds(
        **{name: count(f"--max-{name}", text) for name, text in counts.items() if text is not None},
        latency=max_latency,
        drop=drop,
    )


def read_models(path: Path, study: str) -> pd.DataFrame:
    """The aggregated table of a study's final models.

    Raises:
        UserError: it is not there, or does not read as that table.
    """
    if not path.is_file():
        raise UserError(f"{path}: not computed yet; run the study first: snakemake --config study={study}")
    try:
        # Only what is empty is missing: a folder's name may be "NA" or "null".
        table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        numbers = [name for name in table if name in NUMBERS + FURTHER or str(name).startswith("latency_")]
        table = table.astype(dict.fromkeys(numbers, float))
    except ValueError as error:
        raise UserError(f"{path}: does not read as a table of models: {one_line(error)}") from None
    if missing := [n for n in [*NAMES, *NUMBERS] if n not in table or (n in NAMES and table[n].isna().any())]:
        raise UserError(f"{path}: is no table of models, it lacks {', '.join(missing)}; run the study again")
    if table.empty:
        raise UserError(f"{path}: holds no model; run the study again")
    return table


def files_of(quantized: Path, row: dict[str, Any]) -> list[str]:
    """The files of a model that are here.

    Args:
        quantized: folder of the items of stage quantize.
        row: of the models table, with ITEMS as a list.
    """
    held = [model for item in row[ITEMS] for model in holdings(quantized / item)]
    return [str(file) for model in held if model.precision == row["precision"] for file in model.files]


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its counts as integers, where a mean over the repeats leaves them that."""
    return row | {name: int(row[name]) for name in [*COUNTS, REACHED] if row.get(name, 0.5).is_integer()}


def _proof(row: dict[str, Any], confidence: float) -> list[tuple[str, str]]:
    """The line that says how many trainings reach the study's target; none where it has no target."""
    if REACHED not in row:
        return []
    surely = f"with {100 * confidence:g} % confidence at least {percent_below(row[PROVEN])} % of all do"
    return [("reach the target", f"{row[REACHED]:.0f} of {row['repeats']:.0f} trainings; {surely}")]


def _shown(row: dict[str, Any], proof: list[tuple[str, str]], batches: list[int], quantized: Path) -> Table:
    """The lines that are printed of one model; `proof` of `_proof`."""
    table = Table(title=Text(str(row["dataset"])), title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    stored = f" ({row['file_format']})" if "file_format" in row else ""
    lines = [("model", row["model"]), ("bytes", f"{row['bytes']:,.0f}{stored}")]
    lines.append(("parameters", f"{row['parameters']:,.0f}"))
    in_c = not math.isnan(row.get(C_BYTES, math.nan))
    if in_c:
        lines.append(("as C", f"{row[C_BYTES]:,.0f} bytes of code and weights, {row[C_STACK]:,.0f} of stack"))
    elif isinstance(row.get(NO_C), str):
        lines.append(("as C", f"none: {row[NO_C]}"))
    for split, columns in {"validation": VALIDATION, "test": TEST}.items():
        mean, low, high = (100 * row[column] for column in columns)
        interval = "no interval" if math.isnan(low) else f"{low:.2f} to {high:.2f}"
        lines.append((f"{split} accuracy", f"{mean:.2f} % ({interval}, n = {row['n']:.0f})"))
    _, low, high = (100 * row[column] for column in TEST_SAMPLED)
    if not math.isnan(low):
        lines.append(("on other images", f"{low:.2f} to {high:.2f} %: with the sampling of test images, too"))
    lines += proof
    for batch in batches:
        median, low, high = (row[column] for column in latency(batch))
        if not math.isnan(median):
            took, fastest, slowest = map(milliseconds, (median, low, high))
            lines.append((f"latency, batch {batch}", f"{took} ({fastest} to {slowest})"))
    if not math.isnan(row[SEARCH_MACS]):
        trainings = row[SEARCH_TRAININGS]
        told = "" if math.isnan(trainings) else f", {trainings:.2g} times a training of the whole network"
        lines.append(("cost to find it", f"{row[SEARCH_MACS]:.3g} MACs{told}"))
    absent = [f"{quantized / item} ({ABSENT})" for item in row[ITEMS] if not (quantized / item / RECORD).exists()]
    lines.append(("files", "\n".join([*row["files"], *absent])))
    holder = Path(row["files"][0]).parent.name if row["files"] else row[ITEMS][0]
    lines.append(("to try it", f"minarch predict {holder} --precision {row['precision']} IMAGE"))
    lines.append(("to take it", f"minarch export {holder} DEST --precision {row['precision']}"))
    if in_c:
        lines.append(("as one C file", f"minarch export {holder} DEST --precision {row['precision']} --format c"))
    for name, text in lines:
        table.add_row(name, Text(text))
    return table
