"""How many bits the parameters need, simulated; whom few bits hurt more, and whether pruning makes fragile."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from minarch.analysis.precision import HURT_LESS, HURT_MORE, LESS, MORE, OPEN, integers
from minarch.contract import ORIGINAL
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.precision import draw_fewest, draw_precision
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


def hurt_at(hurt: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per term of the regression: where it hurts `more`, where `less`, at how many precisions it is `open`."""
    hurt = hurt.assign(at=hurt["precision"] + " per " + hurt["scheme"].replace("channel", "row"))
    terms = []
    for term, rows in hurt.groupby("term", sort=False):
        at = {verdict: ", ".join(of_verdict["at"]) for verdict, of_verdict in rows.groupby("verdict")}
        where = {"more": at.get(HURT_MORE, ""), "less": at.get(HURT_LESS, "")}
        terms.append({"term": term} | where | {"open": int((rows["verdict"] == OPEN).sum())})
    return terms


def fragility(fragile: pd.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    """Counts, for each group of rows, of pruned models that are more, or less, fragile than their originals."""
    fragile = fragile.assign(more=fragile["verdict"] == MORE, less=fragile["verdict"] == LESS)
    counts = fragile.groupby(by).agg(
        cases=("more", "size"),
        more=("more", "sum"),
        less=("less", "sum"),
        median=("test_difference_points_mean", "median"),
    )
    return rows_of(counts.reset_index().sort_values(by, ascending=[name != "bits" for name in by]))


def facts(evidence: Evidence) -> dict[str, Any]:
    fragile = evidence.tables["fragile"]
    return {
        "fewest_counts": fewest_counts(evidence.tables["fewest"]),
        "hurt_at": hurt_at(evidence.tables["hurt"]),
        "several_datasets": len(evidence.tables["data"]) > 1,
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
        "hurt": "one precision, scheme and term of the regression",
        "fragile": "one pruned model, precision and scheme: its drop less that of the original",
    },
    figures={
        "precision": lambda evidence: draw_precision(evidence.tables),
        "fewest-bits": lambda evidence: draw_fewest(evidence.tables),
    },
    facts=facts,
    metrics=metrics,
)
