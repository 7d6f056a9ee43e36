"""Which of a data set's models is best under bounds, and what comes closest where none is within them.

Without a bound on the drop it is the model of highest mean validation accuracy; with one, the model of fewest bytes
among those within so many points of the best of all, also where that one exceeds the other bounds. Test accuracy plays
no part.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import pandas as pd

from minarch.analysis.front import recommend
from minarch.analysis.intervals import VALIDATION
from minarch.analysis.regimes import EDGE
from minarch.reporting.tables.compiled import C_BYTES, C_STACK
from minarch.reporting.tables.models import latency

LATENCY = latency(1).value
COSTS = {
    "bytes": "{:,.0f} bytes",
    "parameters": "{:,.0f} parameters",
    LATENCY: "{:.4g} ms for an image",
    C_BYTES: "{:,.0f} bytes as C",
    C_STACK: "{:,.0f} bytes of stack as C",
}


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The most that a model may have; None: any.

    `drop` counts points of mean validation accuracy below the data set's best model, `latency` milliseconds of a batch
    of one image, `code` bytes of code and weights as C, `stack` those of its stack.
    """

    bytes: int | None = None
    parameters: int | None = None
    latency: float | None = None
    code: int | None = None
    stack: int | None = None
    drop: float | None = None

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return any(getattr(self, field.name) is not None for field in fields(self))

    @property
    def costs(self) -> dict[str, float]:
        """Column of the models table -> the most that is allowed in it."""
        most = {"bytes": self.bytes, "parameters": self.parameters, LATENCY: self.latency}
        most |= {C_BYTES: self.code, C_STACK: self.stack}
        return {column: limit for column, limit in most.items() if limit is not None}

    def affordable(self, models: pd.DataFrame) -> pd.DataFrame:
        """The models within the bounds other than that on the drop; one that was not measured is not within one."""
        within = [models[column] <= limit for column, limit in self.costs.items()]
        return models[pd.concat(within, axis=1).all(axis=1)] if within else models

    def accurate(self, models: pd.DataFrame) -> pd.DataFrame:
        """The models within the bound on the drop."""
        if self.drop is None or models.empty:
            return models
        accuracies = models[VALIDATION.value]
        return models[accuracies >= accuracies.max() - self.drop / 100 - EDGE]


def choose(models: pd.DataFrame, bounds: Bounds) -> Any | None:
    """Index of the best of one data set's reliable models under at least one bound; None: none is within them."""
    models = bounds.affordable(bounds.accurate(models))
    if models.empty:
        return None
    smallest, best = recommend(models, 100)
    return best if bounds.drop is None else smallest


def nearest(models: pd.DataFrame, bounds: Bounds) -> str:
    """Words for what comes closest where `choose` finds none."""
    if models.empty:
        return "no model is reliable: too many repeats of each failed"
    most = " and ".join(COSTS[column].format(limit) for column, limit in bounds.costs.items())
    parts, of_them = [f"no reliable model has at most {most}"], ""
    if bounds.drop is not None:
        parts[0] += f" within {bounds.drop:g} point{'s' * (bounds.drop != 1)} of the best"
        of_them = " of those so accurate"
    near = bounds.accurate(models)
    for column in bounds.costs:
        if not near[column].isna().all():
            least = near.loc[[near[column].idxmin()]].iloc[0]
            parts.append(f"the least{of_them}, {least['model']}, has {COSTS[column].format(least[column])}")
    inside = choose(models, replace(bounds, drop=None))
    if inside is not None:
        drop = 100 * (models[VALIDATION.value].max() - models.loc[inside, VALIDATION.value])
        parts.append(f"the best of at most {most}, {models.loc[inside, 'model']}, is {drop:.2f} points below")
    return "; ".join(parts)
