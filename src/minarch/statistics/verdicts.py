"""Whether good networks resemble each other more than poor ones do, and more than they did before they were trained."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.intervals import of_estimate
from minarch.analysis.multiplicity import adjust
from minarch.statistics.contrast import BLOCKS, Contrast, Estimates

WITHIN, BY_SIZE = "within architectures", "size regressed out"
COMPARISONS = (WITHIN, BY_SIZE)  # the first that can be made decides
HOLDS, FAILS, OPEN, NEITHER = "holds", "does not hold", "not shown", "cannot tell"
TRAINED, UNTRAINED = "trained", "untrained"
CASE = ["scope", "quantity", "distance", "scaled"]
COUNTS = ["networks", "networks_good", "networks_poor", "architectures"]
RATIOS = {"log_ratio": TRAINED, "untrained_log_ratio": UNTRAINED, "difference": "difference"}
TABLE = [*CASE, "comparison", *COUNTS, *(name for ratio in RATIOS for name in of_estimate(ratio))]
TABLE += ["detectable", "p_trained", "p_difference", "p_value", "p_adjusted", "verdict"]
RATIO = ["ratio", "ratio_low", "ratio_high"]
BLOCK_TABLE = [
    *CASE,
    "comparison",
    "networks",
    "block",
    "networks_good",
    "networks_poor",
    "pairs",
    "mean",
    "low",
    "high",
]
BLOCK_TABLE += [*RATIO, "p_value", "permutations"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Compared:
    """Networks compared by several distances in one scope; `contrast` is None where that cannot be done.

    Matrices of the contrast: the distances (name, scaled or not) of the trained networks, then of the untrained ones.
    """

    scope: str
    quantity: str
    comparison: str
    distances: Sequence[tuple[str, bool]]
    contrast: Contrast | None

    def state(self, name: str) -> Contrast:
        """The contrast of the trained networks, the untrained ones, or of the ratio of both."""
        assert self.contrast is not None
        number = len(self.distances)
        trained, untrained = self.contrast.part(slice(number)), self.contrast.part(slice(number, None))
        return {TRAINED: trained, UNTRAINED: untrained}.get(name) or trained.less(untrained)

    def cases(self) -> list[dict[str, Any]]:
        """What the rows of each distance begin with."""
        names = [(self.scope, self.quantity, distance, scaled) for distance, scaled in self.distances]
        return [dict(zip(CASE, name, strict=True)) for name in names]


def blocks_table(compared: Iterable[Compared], confidence: float) -> pd.DataFrame:
    """One row per case, comparison, block and state of the networks: geometric means of distances with intervals."""
    rows = [row for one in compared if one.contrast for row in _block_rows(one, confidence)]
    return pd.DataFrame(rows, columns=BLOCK_TABLE)


def verdicts_table(compared: Iterable[Compared], confidence: float) -> pd.DataFrame:
    """One row per case, by the first comparison that can be made; p-values are adjusted over all rows.

    The p-value of a row is the larger of two, as both must be shown: that trained networks' ratio is not 1, and that it
    is not the untrained ones' (Berger, 1982). It holds if the adjusted one is at most 1 - confidence, poor networks lie
    further apart, and the interval of the difference lies above 0. It does not hold if all this is the other way.
    """
    chosen: dict[tuple[str, str], Compared] = {}
    for one in sorted(compared, key=lambda one: COMPARISONS.index(one.comparison)):
        key = one.scope, one.quantity
        if key not in chosen or not chosen[key].contrast:
            chosen[key] = one
    rows = [row for one in chosen.values() for row in _verdict_rows(one, confidence)]
    table = pd.DataFrame(rows, columns=TABLE)
    table["p_adjusted"] = adjust(table["p_value"])
    table["verdict"] = [_verdict(row, 1 - confidence) for _, row in table.iterrows()]
    return table


def _block_rows(one: Compared, confidence: float) -> Iterator[dict[str, Any]]:
    for name in (TRAINED, UNTRAINED):
        contrast = one.state(name)
        ratio, p_values = contrast.log_ratio(confidence), contrast.p_values()
        for b, block in enumerate(BLOCKS):
            estimates = contrast.block(b, confidence)
            good, poor = contrast.networks
            for m, case in enumerate(one.cases()):
                row = case | {"comparison": one.comparison, "networks": name, "block": block}
                row |= {"networks_good": good if b < 2 else 0, "networks_poor": poor if b else 0}
                row |= {"pairs": contrast.pairs[b]} | _of(estimates, m, ["mean", "low", "high"], np.exp)
                row |= _of(ratio, m, RATIO, np.exp)
                yield row | {"p_value": p_values[m], "permutations": len(contrast.permuted)}


def _verdict_rows(one: Compared, confidence: float) -> Iterator[dict[str, Any]]:
    if one.contrast is None:
        yield from (case | {"comparison": "", **dict.fromkeys(COUNTS, 0)} for case in one.cases())
        return
    contrasts = {name: one.state(state) for name, state in RATIOS.items()}
    trained, difference = contrasts["log_ratio"], contrasts["difference"]
    p_trained, p_difference = trained.p_values(), difference.p_values()
    detectable = np.maximum(trained.detectable(confidence), difference.detectable(confidence))
    counts = [sum(trained.networks), *trained.networks, trained.architectures]
    for m, case in enumerate(one.cases()):
        row = case | {"comparison": one.comparison} | dict(zip(COUNTS, counts, strict=True))
        for name, contrast in contrasts.items():
            row |= _of(contrast.log_ratio(confidence), m, list(of_estimate(name)))
        row |= {"detectable": detectable[m], "p_trained": p_trained[m], "p_difference": p_difference[m]}
        yield row | {"p_value": max(p_trained[m], p_difference[m])}


def _of(estimates: Estimates, m: int, names: Sequence[str], turned: Any = float) -> dict[str, float]:
    values = estimates.value[m], estimates.low[m], estimates.high[m]
    return {name: float(turned(value)) for name, value in zip(names, values, strict=True)}


def _verdict(row: pd.Series, level: float) -> str:
    if np.isnan(row["p_value"]):
        return NEITHER
    if row["p_adjusted"] <= level and row["log_ratio"] > 0 and row["difference_low"] > 0:
        return HOLDS
    if row["p_adjusted"] <= level and row["log_ratio"] < 0 and row["difference_high"] < 0:
        return FAILS
    return OPEN
