"""Whether learning curves have flattened: otherwise a claim is about the budget of epochs (our inference).

Of a size it is what its mean validation accuracy gained in the last fifth of the epochs. The curves of a data set and
family have flattened if nine in ten of its sizes from P_min on gained less than half a point.
"""

import math
from dataclasses import dataclass

import numpy as np

from minarch.claims.reports import Reports

LAST = 0.2  # share of the epochs
GAIN_POINTS, SHARE = 0.5, 0.9


@dataclass(frozen=True, kw_only=True)
class Flattening:
    """The learning curves of a data set and family from P_min on."""

    study: str
    dataset: str
    family: str
    epochs: int
    sizes: int
    gain_points: float  # median over the sizes
    flat_share: float  # of the sizes

    @property
    def flattened(self) -> bool:
        return self.flat_share >= SHARE


def flattening(reports: Reports, study: str) -> list[Flattening]:
    """A row for each data set and family of a study that has sizes from P_min on."""
    rows = []
    for (dataset, family), table in reports.table(study, "trend").groupby(["dataset", "family"]):
        least = reports.p_min(study, str(dataset), str(family))
        courses = table[table["parameters"] >= least].pivot(
            index="epoch", columns="parameters", values="validation_mean"
        )
        if courses.empty or math.isnan(least):
            continue
        last = int(courses.index.max())
        ends = courses.loc[[max(last - math.ceil(LAST * last), 1), last]].to_numpy(float)  # [2, sizes]
        gain = 100 * (ends[1] - ends[0])
        rows.append(
            Flattening(
                study=study,
                dataset=str(dataset),
                family=str(family),
                epochs=last,
                sizes=len(gain),
                gain_points=float(np.median(gain)),
                flat_share=float((gain < GAIN_POINTS).mean()),
            )
        )
    return rows
