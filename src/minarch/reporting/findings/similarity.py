"""Whether good networks resemble each other more than poor ones do."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.similarity import BLOCKS, draw_similarity
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import rows_of

EVERYTHING = "all networks"  # the scope of the headline
HOLDS, FAILS, OPEN = "holds", "does not hold", "not shown"


def resemblance(blocks: pd.DataFrame, confidence: float) -> list[dict[str, Any]]:
    """One verdict per scope, quantity and scaling: do good networks lie nearer to each other than poor ones do?

    It holds if they do by every distance, each with p below 1 - confidence; so the largest p counts, and several
    distances make no error more likely. It does not hold if poor networks lie further apart by no distance. `wider`
    counts the distances by which poor networks do, `shown` those of them with so small a p. The rule is our inference.
    """
    verdicts = []
    for (scope, quantity, scaled), rows in blocks.groupby(["scope", "quantity", "scaled"], sort=False):
        means = rows.pivot(index="distance", columns="block", values="mean")
        means = means.reindex(columns=["good-good", "poor-poor"]).join(rows.groupby("distance")["p_value"].first())
        means = means.dropna()
        wider = means["poor-poor"] > means["good-good"]
        shown = wider & (means["p_value"] < 1 - confidence)
        if means.empty:
            continue
        verdicts.append(
            {
                "scope": scope,
                "quantity": quantity,
                "scaled": bool(scaled),
                "verdict": HOLDS if shown.all() else OPEN if wider.any() else FAILS,
                "wider": int(wider.sum()),
                "shown": int(shown.sum()),
                "distances": len(means),
                "p_value": means["p_value"].max(),
                "networks_good": int(rows["networks_good"].max()),
                "networks_poor": int(rows["networks_poor"].max()),
            }
        )
    return verdicts


def in_blocks(blocks: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per scope, quantity, scaling and distance: the row of each block by its name."""
    by = ["scope", "quantity", "scaled", "distance"]
    return [
        dict(zip(by, key, strict=True))
        | {row["block"]: row for row in rows_of(rows)}
        | {"p_value": rows["p_value"].iloc[0]}
        for key, rows in blocks.groupby(by, sort=False)
    ]


def facts(evidence: Evidence) -> dict[str, Any]:
    confidence = evidence.params["similarity"]["confidence"]
    blocks, groups = evidence.tables["similarity"], evidence.tables["networks"]["group"]
    return {
        "resemblance": resemblance(blocks, confidence),
        "everything": EVERYTHING,
        "level": 1 - confidence,
        "compared": {group: int((groups == group).sum()) for group in ("good", "poor")},
        "block_names": BLOCKS,
        "blocks": in_blocks(blocks),
    }


def metrics(evidence: Evidence) -> Iterator[Metric]:
    for row in resemblance(evidence.tables["similarity"], evidence.params["similarity"]["confidence"]):
        if row["scope"] == EVERYTHING:
            name = f"{row['quantity']}, scaled" if row["scaled"] else row["quantity"]
            numbers = ("verdict", "p_value", "networks_good", "networks_poor")
            yield ("similarity", name), {number: row[number] for number in numbers}


FINDING = Finding(
    name="similarity",
    title="Similarity",
    heading="Do good networks resemble each other?",
    tables={
        "networks": "one good or poor network",
        "similarity": "one block of pairs and distance: its mean with interval",
    },
    make=lambda config, inputs: {"similarity": pd.read_csv(inputs["similarity"] / "blocks.csv")},
    figures={
        "similarity": lambda evidence: draw_similarity(evidence.tables["similarity"]),
    },
    facts=facts,
    metrics=metrics,
)
