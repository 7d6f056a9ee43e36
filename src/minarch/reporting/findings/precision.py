"""How many bits the parameters need, simulated; whom few bits hurt more, and whether pruning makes fragile."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from minarch.analysis.hurt import ALL, HURT_LESS, HURT_MORE, LEARNED, TOO_FEW
from minarch.analysis.multiplicity import VERDICT, adjusted_name
from minarch.analysis.precision import LESS, MORE, integers
from minarch.analysis.slopes import FEWEST_DATASETS
from minarch.contract import ORIGINAL
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.precision import draw_fewest, draw_hurt, draw_precision
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.findings.quantization import as_trained_or_pruned
from minarch.reporting.tables import rows_of
from minarch.reporting.wording import short_name


def fewest_counts(fewest: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per scheme, for originals and for pruned models: `bits` maps a number of bits to how many models need it.

    `none` counts the models for which all numbers that were tried are too few.
    """
    counts = []
    for (scheme, models), rows in fewest.groupby([fewest["scheme"], as_trained_or_pruned(fewest)]):
        reached = rows["fewest_bits"].dropna().astype(int).tolist()
        bits = {number: reached.count(number) for number in sorted(set(reached))}
        none = int(rows["fewest_bits"].isna().sum())
        counts.append({"scheme": scheme, "models": models, "cases": len(rows), "bits": bits, "none": none})
    return counts


def hurt_counts(hurt: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per term and loss, of all families, precisions and schemes: how many say `more` and `less` when judged
    together, how many either when `alone`, and of how many nothing could be told (`too_few`). Averages do not count.
    """
    cases = hurt[hurt["precision"] != ALL]
    counts = []
    for (term, loss), rows in cases.groupby(["term", "loss"], sort=False):
        adjusted, single = rows[adjusted_name()], rows[VERDICT]
        counts.append(
            {
                "term": term,
                "loss": loss,
                "cases": len(rows),
                "more": int((adjusted == HURT_MORE).sum()),
                "less": int((adjusted == HURT_LESS).sum()),
                "alone": int(single.isin([HURT_MORE, HURT_LESS]).sum()),
                "too_few": int(single.str.startswith(TOO_FEW).sum()),
            }
        )
    return counts


def fragility(fragile: pd.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    """Counts, for each group of rows, of pruned models that are more, or less, fragile than their originals: of those
    that remain when the whole table is judged together, and of those judged alone.
    """
    adjusted, single = fragile[adjusted_name()], fragile[VERDICT]
    fragile = fragile.assign(more=adjusted == MORE, less=adjusted == LESS, alone=single.isin([MORE, LESS]))
    counts = fragile.groupby(by).agg(
        cases=("more", "size"),
        more=("more", "sum"),
        less=("less", "sum"),
        alone=("alone", "sum"),
        median=("test_difference_points_mean", "median"),
    )
    return rows_of(counts.reset_index().sort_values(by, ascending=[name != "bits" for name in by]))


def facts(evidence: Evidence) -> dict[str, Any]:
    fragile, hurt = evidence.tables["fragile"], evidence.tables["hurt"]
    pooled = ALL if ALL in set(hurt["family"]) else next(iter(hurt["family"]), ALL)
    return {
        "fewest_counts": fewest_counts(evidence.tables["fewest"]),
        "learned": LEARNED,
        "fewest_datasets": FEWEST_DATASETS,
        "hurt_counts": hurt_counts(hurt),
        "hurt_averages": rows_of(hurt[hurt["precision"] == ALL]),
        "hurt_pooled": rows_of(hurt[(hurt["precision"] != ALL) & (hurt["family"] == pooled)]),
        "fragility": fragility(fragile, ["bits", "precision", "scheme", "method", "level"]),
        "fragility_by_bits": fragility(integers(fragile), ["bits"]),
    }


def metrics(evidence: Evidence) -> Iterator[Metric]:
    """The fewest bits that are enough for models as they were trained."""
    fewest = evidence.tables["fewest"]
    for row in rows_of(fewest[fewest["method"] == ORIGINAL]):
        path = (row["dataset"], row["family"], "fewest_bits_simulated", short_name(row), f"per {row['scheme']}")
        yield path, row["fewest_bits"]


FINDING = Finding(
    name="precision",
    title="Bits",
    heading="How many bits do the parameters need? (simulated)",
    tables={
        "precision": "one model, precision and scheme (simulated): what it cost",
        "fewest": "one model and scheme (simulated): the fewest bits that are enough",
        "hurt": "one family, precision, scheme, loss and term: what size or difficulty adds to the loss",
        "fragile": "one pruned model, precision and scheme: its drop less that of the original",
    },
    figures={
        "precision": lambda evidence: draw_precision(evidence.tables),
        "fewest-bits": lambda evidence: draw_fewest(evidence.tables),
        "hurt": lambda evidence: draw_hurt(evidence.tables),
    },
    facts=facts,
    metrics=metrics,
)
