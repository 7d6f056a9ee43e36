"""Whether good networks resemble each other more than poor ones do, and more than before they were trained."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.intervals import of_estimate
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.similarity import draw_ratios
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import rows_of
from minarch.statistics.contrast import BLOCKS
from minarch.statistics.labels import ALIKE, COMPARED, FEW, SURPLUS
from minarch.statistics.verdicts import CASE, COUNTS, FAILS, HOLDS, NEITHER, OPEN, RATIOS

DECISIONS = {COMPARED: "compared", FEW: "few", ALIKE: "alike", SURPLUS: "surplus"}  # as the template names them
OF_BLOCKS = [*CASE, "comparison", "networks"]


def summed_up(verdicts: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per scope and quantity: how many of its measures (distance, scaled or not) have each verdict, how it was
    compared, and the smallest and the largest ratio of distances.
    """
    sums = []
    for (scope, quantity), rows in verdicts.groupby(["scope", "quantity"], sort=False):
        row: dict[str, Any] = {"scope": scope, "quantity": quantity, "measures": len(rows)}
        row["verdicts"] = {str(name): int(count) for name, count in rows["verdict"].value_counts().items()}
        row |= {name: rows[name].iloc[0] for name in ("comparison", *COUNTS)}
        for name in RATIOS:
            row[name] = np.exp([rows[name].min(), rows[name].max()]).tolist()
        sums.append(row | {"told": NEITHER not in row["verdicts"]})
    return sums


def as_ratios(verdicts: pd.DataFrame) -> pd.DataFrame:
    """The verdicts with ratios of distances in place of their logarithms."""
    names = [name for ratio in RATIOS for name in of_estimate(ratio)]
    return verdicts.assign(**{name: np.exp(verdicts[name].astype(float)) for name in [*names, "detectable"]})


def in_blocks(blocks: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per case, comparison and state of the networks: the row of each block by its name."""
    return [
        dict(zip(OF_BLOCKS, key, strict=True))
        | {row["block"]: row for row in rows_of(rows)}
        | {name: rows[name].iloc[0] for name in ("ratio", "ratio_low", "ratio_high", "p_value")}
        for key, rows in blocks.groupby(OF_BLOCKS, sort=False)
    ]


def facts(evidence: Evidence) -> dict[str, Any]:
    verdicts = evidence.tables["similarity_verdicts"]
    decided = evidence.tables["similarity_architectures"]["decided"]
    return {
        "sums": summed_up(verdicts),
        "verdicts": rows_of(as_ratios(verdicts)),
        "architectures": {word: int((decided == name).sum()) for name, word in DECISIONS.items()},
        "order": [HOLDS, OPEN, FAILS, NEITHER],
        "level": 1 - evidence.params["similarity"]["confidence"],
        "block_names": BLOCKS,
        "blocks": in_blocks(evidence.tables["similarity"]),
    }


def metrics(evidence: Evidence) -> Iterator[Metric]:
    for row in summed_up(evidence.tables["similarity_verdicts"]):
        numbers = {name: row[name] for name in ("measures", "networks", "architectures")} | row["verdicts"]
        yield ("similarity", row["scope"], row["quantity"]), numbers | {"comparison": row["comparison"]}


FINDING = Finding(
    name="similarity",
    title="Similarity",
    heading="Do good networks resemble each other?",
    tables={
        "networks": "one good or poor network, by a comparison",
        "similarity": "one block of pairs and distance: its mean with interval, before or after training",
        "similarity_verdicts": "one distance in one scope: its verdict",
        "similarity_architectures": "one architecture: whether its good and poor repeats are compared",
    },
    make=lambda config, inputs: {
        "similarity": pd.read_csv(inputs["similarity"] / "blocks.csv"),
        "similarity_verdicts": pd.read_csv(inputs["similarity"] / "verdicts.csv"),
        "similarity_architectures": pd.read_csv(inputs["similarity"] / "architectures.csv"),
    },
    figures={
        "similarity": lambda evidence: draw_ratios(as_ratios(evidence.tables["similarity_verdicts"])),
    },
    facts=facts,
    metrics=metrics,
)
