"""What networks keep that are pruned while they are trained, how accurate they are, and what that saves."""

from collections.abc import Iterator
from typing import Any

from minarch.analysis.complexity import CONTROLS, CURVE, FEWEST_NU, WHOLE
from minarch.complexity import FULL, GATED
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.gates import draw_gates
from minarch.reporting.figures.kept import draw_kept
from minarch.reporting.figures.tradeoff import NAMES, draw_tradeoff
from minarch.reporting.figures.ways import MOST
from minarch.reporting.findings.finding import Config, Finding, Inputs, Metric
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.complexity import STATUSES
from minarch.reporting.tables.gates import gates_table, kept_table

MEASURES = ["parameters_share", "macs_share", "test", "cost", "deterministic", "test_difference_points"]


def make(config: Config, inputs: Inputs) -> Tables:
    items = inputs.get("complexity", [])
    return {"kept": kept_table(items), "gates": gates_table(items)}


def curves(evidence: Evidence) -> list[dict[str, Any]]:
    """Each curve: the row of its whole network, its points (rows of one nu, the gated network first), the middle one
    (of an even number the lower), and the verdicts against controls.
    """
    table, tradeoff = evidence.tables[Table.COMPLEXITY], evidence.tables[Table.TRADEOFF]
    drawn = []
    for key, rows in table.dropna(subset=["beta"]).groupby(CURVE, sort=False):
        named = dict(zip(CURVE, key, strict=True))
        whole = table[(table[WHOLE] == [named[name] for name in WHOLE]).all(axis=1) & (table["way"] == FULL)]
        points = [rows_of(of_nu) for _, of_nu in rows.groupby("nu")]
        compared = tradeoff[(tradeoff[CURVE] == list(key)).all(axis=1) & tradeoff["against"].isin(CONTROLS)]
        against = sorted(rows_of(compared), key=lambda row: CONTROLS.index(row["against"]))
        curve = named | {"full": rows_of(whole)[0], "points": points, "middle": points[(len(points) - 1) // 2][0]}
        drawn.append(curve | {"against": against, "failed": [row for row, *_ in points if failed(row)]})
    return drawn


def failed(row: dict[str, Any]) -> bool:
    """Whether networks of a row were not trained to anything, or are missing."""
    return any(row[status] for status in STATUSES)


def facts(evidence: Evidence) -> dict[str, Any]:
    return {
        "curves": curves(evidence),
        "names": NAMES,
        "statuses": STATUSES,
        "panels": MOST,
        "fewest": FEWEST_NU,
    }


def metrics(evidence: Evidence) -> Iterator[Metric]:
    """Of every network with gates its sizes, accuracy and cost; of its controls by how much it is better."""
    for row in evidence.rows(Table.COMPLEXITY):
        if row["way"] != FULL:
            knobs = f"nu {row['nu']:g}, alpha {row['alpha']:g}, beta {row['beta']:g}"
            path = (row["dataset"], row["family"], "gated", row["whole"], knobs, row["way"])
            numbers = {name: row[f"{name}_mean"] for name in MEASURES}
            yield path, numbers | ({name: row[name] for name in STATUSES} if row["way"] == GATED else {})


FINDING = Finding(
    name="gated",
    title="Pruned in training",
    heading="What training prunes by itself",
    tables={
        "complexity": "one network pruned while it was trained, or one of its controls: sizes, accuracy, cost, verdict",
        "tradeoff": "networks pruned while they were trained, over all nu, and what they are compared with",
        "kept": "one group of units, or layer, of one such network: how many units were kept",
        "gates": "one group of units, or layer, at one epoch of one such network: quantiles of theta",
    },
    make=make,
    figures={
        "pruned_in_training_parameters": lambda evidence: draw_tradeoff(evidence.tables, "parameters"),
        "gates": lambda evidence: draw_gates(evidence.tables["gates"]),
        "kept": lambda evidence: draw_kept(evidence.tables["kept"]),
    },
    facts=facts,
    metrics=metrics,
)
