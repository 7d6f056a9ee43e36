"""The answer: the smallest model that is nearly as good as the best, or that reaches the study's target, and how narrow
the choice is.
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from minarch.analysis.finalists import FINALIST
from minarch.analysis.reliability import PROVEN, Reliability
from minarch.contract import ORIGINAL
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.classes import draw_classes
from minarch.reporting.figures.routes import draw_routes
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.findings.redundancy import headline
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.models import BEST, RECOMMENDED
from minarch.reporting.wording import short_name

MOST_BOXES = 2  # data sets whose answers are told in words: of more there is a table


def answers(tables: Tables, within_points: float, reliability: Reliability) -> list[dict[str, Any]]:
    """One row per data set: its recommended and its best model, how `narrow` the choice is (its row of ANSWERS) and
    which `way` leads there (its row of ROUTE_VERDICTS); None where no model is reliable.

    Args:
        within_points: how far below the best the answer may be.
    """
    rows: list[dict[str, Any]] = []
    verdicts = tables[Table.ROUTE_VERDICTS]
    ways = verdicts[verdicts["within_points"] == within_points]
    for dataset in tables["data"]["dataset"]:
        of_set = (table[table["dataset"] == dataset] for table in (tables[Table.FRONT], tables[Table.ANSWERS], ways))
        front, narrow, way = of_set
        picks = {name: front[front[name].astype(bool)] for name in (RECOMMENDED, BEST)}
        picks |= {"narrow": narrow, "way": way}
        candidates = tables[Table.CANDIDATES]
        of_data = candidates[candidates["dataset"] == dataset]
        picks["below"] = closest(of_data, picks[RECOMMENDED], reliability)
        rows.append({"dataset": dataset} | {name: next(iter(rows_of(table)), None) for name, table in picks.items()})
    return rows


def closest(candidates: pd.DataFrame, recommended: pd.DataFrame, reliability: Reliability) -> pd.DataFrame:
    """Of one data set's networks that are not reliable, as they were trained, the one that comes closest: of which most
    is proven; where there is a recommended model, of its family and with fewer parameters. Empty where there is none,
    or no target.
    """
    if PROVEN not in candidates:
        return candidates[:0]
    below = candidates[~reliability.mask(candidates) & (candidates["method"] == ORIGINAL)]
    for answer in rows_of(recommended):
        below = below[(below["family"] == answer["family"]) & (below["parameters"] < answer["parameters"])]
    return below.sort_values([PROVEN, "parameters", "architecture"])[-1:]


def facts(evidence: Evidence) -> dict[str, Any]:
    candidates = evidence.tables[Table.CANDIDATES]
    return {
        "candidates": len(candidates),
        "finalists": int(candidates[FINALIST].sum()),
        "trained": int(candidates["repeats"].sum()),
        "answers": answers(evidence.tables, evidence.answer_within, evidence.reliability),
        "most_boxes": MOST_BOXES,
        "represented": len(evidence.tables[Table.REPRESENTATIVES]) > 0,
    }


def metrics(evidence: Evidence) -> Iterator[Metric]:
    """Each family's minimal sizes, and the redundancy of each of its models."""
    minimal = evidence.tables["minimal"]
    for row in rows_of(minimal[minimal["depth"] == "all"]):
        for name in ("best_validation", "p_min", "p_min_at_most", "p_min_failure_at_most", "p_near_best"):
            yield (row["dataset"], row["family"], name), row[name]
    for row in rows_of(headline(evidence.tables["redundancy"])):
        yield (row["dataset"], row["family"], "redundancy", short_name(row)), row["redundancy"]


FINDING = Finding(
    name="answer",
    title="Answer",
    heading="The answer",
    part="main",
    more=("routes", "front", "glance"),
    tables={
        "answers": "a data set's answer: what it keeps its bound by, and what the best smaller model lacks",
        "classes": "a class of a data set: how well the recommended model knows it",
    },
    figures={
        "routes": lambda evidence: draw_routes(evidence.tables, evidence.max_drop_points, evidence.reliability.target),
        "classes": lambda evidence: draw_classes(evidence.tables),
    },
    facts=facts,
    metrics=metrics,
)
