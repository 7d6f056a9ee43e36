"""Which groups of a network's units bear being cut, and which do not."""

from typing import Any

import pandas as pd

from minarch.analysis.records import MODEL
from minarch.reporting.figures.layerwise import draw_layerwise
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables import rows_of


def bearing(layerwise: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per model with several groups: those that cost `most` and `least` at the middle one of its levels.

    Groups of which no unit went at that level are left out. `place` says where in the network the costliest lies,
    `apart` whether the two intervals do not overlap. The rule is our inference.
    """
    models = []
    for key, rows in layerwise.groupby(MODEL, sort=False):
        levels = sorted(rows["level"].unique())
        level, names = levels[len(levels) // 2], list(rows["group"].unique())
        rows = rows[(rows["level"] == level) & (rows["removed"] > 0)].sort_values("drop_points_mean", kind="stable")
        if len(rows) < 2:
            continue
        least, *_, most = rows_of(rows)
        at = names.index(most["group"])
        place = "first" if at == 0 else "last" if at == len(names) - 1 else "between"
        model = dict(zip(MODEL, key, strict=True)) | {"role": most["role"], "level": level, "groups": len(rows)}
        apart = bool(most["drop_points_low"] > least["drop_points_high"])
        models.append(model | {"most": most, "least": least, "place": place, "apart": apart})
    return models


FINDING = Finding(
    name="layers",
    title="Which layers",
    heading="Which layers bear it",
    tables={"layerwise": "one group of units and level: points lost when it alone is cut"},
    figures={
        "layerwise": lambda evidence: draw_layerwise(evidence.tables),
    },
    facts=lambda evidence: {
        "bearing": bearing(evidence.tables["layerwise"]),
        "pruned": len(evidence.tables["pruning"]) > 0,
    },
)
