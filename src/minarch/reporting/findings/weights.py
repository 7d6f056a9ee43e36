"""What the weights of good networks look like: statistics, distributions, first layers and attention."""

from typing import Any

import pandas as pd

from minarch.analysis.records import MODEL
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.distributions import draw_strengths, draw_weights
from minarch.reporting.figures.images import draw_attention, draw_first_layer
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables import rows_of
from minarch.reporting.tables.networks import WHOLE


def in_one_row(correlations: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per data set and family: the row of each statistic by its name; n is the largest."""
    return [
        {"dataset": dataset, "family": family, "n": rows["n"].max()} | {row["statistic"]: row for row in rows_of(rows)}
        for (dataset, family), rows in correlations.groupby(["dataset", "family"], sort=False)
    ]


def facts(evidence: Evidence) -> dict[str, Any]:
    representatives = evidence.tables["representatives"][[*MODEL, "role"]]
    return {
        "statistics": WHOLE,
        "correlations": in_one_row(evidence.tables["correlations"]),
        "representatives": rows_of(representatives.merge(evidence.tables["weights"], on=MODEL)),
        "weights": evidence.by_family("weights"),
    }


FINDING = Finding(
    name="weights",
    title="Weights",
    heading="What good weights look like",
    tables={
        "weights": "one architecture: statistics of its networks' weights",
        "layers": "one layer of a representative: the same",
        "correlations": "one statistic of the weights: its correlation with accuracy",
    },
    make=lambda config, inputs: {"correlations": pd.read_csv(inputs["similarity"] / "correlations.csv")},
    figures={
        "weight-histograms": lambda evidence: draw_weights(evidence.networks),
        "strengths": lambda evidence: draw_strengths(evidence.networks),
        "first-layer": lambda evidence: draw_first_layer(evidence.networks),
        "attention": lambda evidence: draw_attention(evidence.networks),
    },
    facts=facts,
)
