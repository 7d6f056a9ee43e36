"""A claim of a paper and what the studies say of it (rules and verdicts are our inference, docs/methods.md 6)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from minarch.analysis.multiplicity import adjust
from minarch.claims.reports import Reports

CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"
CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
QUANTILE, LIMIT, POWER = (NormalDist().inv_cdf(share) for share in ((1 + CONFIDENCE) / 2, CONFIDENCE, 0.8))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case of a claim: an effect with its interval, and what it says of the claim.

    An effect is in `unit`; what is not known is None.
    """

    study: str
    group: str  # of cases that are counted together
    case: str  # what was compared, in words
    n: str  # how many of what
    unit: str
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    null: float = 0.0  # the effect that the test is about: no effect, or a margin
    p: float | None = None  # of that effect; without one the case is undecided
    p_adjusted: float | None = None  # over all cases of the claim
    verdict: str = UNDECIDED  # what the case says; of rows that are not judged yet, what it says if p is small enough
    smallest: float | None = None  # the smallest distance from `null` that the design would have told, in `unit`;
    # None where it is not known, or no outcome could have confirmed the case

    @property
    def interval(self) -> bool:
        """Whether both ends of the effect's interval are known."""
        return all(end is not None and not math.isnan(end) for end in (self.low, self.high))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim in the words of its paper's abstract, and how it is judged.

    `general`: it says something of all cases, so one case can refute it; otherwise that something occurs, so one case
    can confirm it.
    """

    number: str
    title: str  # in our words, short
    words: str
    source: str
    rule: str  # how a case is judged, in whole sentences
    studies: tuple[str, ...]
    rows: Callable[[Reports], Sequence[Row]]
    general: bool = True
    limits: str = ""  # what the studies leave open
    remark: Callable[[Reports, Sequence[Row]], str] | None = None  # what else the tables say, in whole sentences
    of_sweep: bool = True  # the networks judged are those of the sweep, or what was made of them

    def judged(self, reports: Reports) -> "Judged":
        """Its cases with p-values adjusted by Benjamini and Hochberg over all of them: a case says something if its
        own is at most 5 %. Without the report of one of its studies there is no case.
        """
        rows = list(self.rows(reports)) if all(map(reports.has, self.studies)) else []
        p = np.array([math.nan if row.p is None else row.p for row in rows])
        told = [
            replace(row, p_adjusted=None, verdict=UNDECIDED)
            if math.isnan(value)
            else replace(row, p_adjusted=float(value), verdict=row.verdict if value <= ALPHA else UNDECIDED)
            for row, value in zip(rows, adjust(p), strict=True)
        ]
        remark = self.remark(reports, told) if self.remark and told else ""
        return Judged(claim=self, rows=told, verdict=overall(told, general=self.general), remark=remark)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A claim with its cases and what follows of them all."""

    claim: Claim
    rows: Sequence[Row]
    verdict: str
    remark: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many cases say what."""
        return counted(self.rows)

    @property
    def counts_of_groups(self) -> dict[str, dict[str, int]]:
        """The same for each group, in the order of the cases."""
        groups = dict.fromkeys(row.group for row in self.rows)
        return {group: counted([row for row in self.rows if row.group == group]) for group in groups}

    @property
    def by_unit(self) -> dict[str, list[Row]]:
        """The cases whose effects can be compared, by their unit."""
        units = dict.fromkeys(row.unit for row in self.rows)
        return {unit: [row for row in self.rows if row.unit == unit] for unit in units}

    @property
    def table(self) -> list[dict[str, Any]]:
        """Its rows of claims.csv."""
        shared = {"claim": self.claim.number, "claim_verdict": self.verdict}
        return [shared | asdict(row) for row in self.rows]


def plural(count: float, noun: str, ending: str = "s") -> str:
    """Such as "1 size" and "1,200 sizes"."""
    return f"{count:,.0f} {noun}" + ("" if count == 1 else ending)


def counted(rows: Sequence[Row]) -> dict[str, int]:
    """How many of the cases say what."""
    return {name: sum(row.verdict == name for row in rows) for name in (CONFIRMED, REFUTED, UNDECIDED)}


def overall(rows: Sequence[Row], *, general: bool) -> str:
    """What all judged cases together say.

    A general claim is refuted by one case and confirmed if every case confirms it; one that says that something occurs
    is confirmed by one case. One case decides only if its p-value is at most 5 % by Holm's method (Scand. J. Stat. 6,
    1979) over all cases, too: of verdicts by one of many cases at most 5 % are wrong. Otherwise it is undecided.
    """
    p = np.array([math.nan if row.p is None else row.p for row in rows])
    decisive = REFUTED if general else CONFIRMED
    if any(row.verdict == decisive and value <= ALPHA for row, value in zip(rows, holm(p), strict=True)):
        return decisive
    return CONFIRMED if general and rows and all(row.verdict == CONFIRMED for row in rows) else UNDECIDED


def holm(p: np.ndarray) -> np.ndarray:
    """The p-values [N], adjusted so that the chance of any wrong verdict is the nominal one; NaN were no tests."""
    adjusted, tested = np.full(p.shape, math.nan), np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return adjusted


def smallest_effect(low: float | None, high: float | None) -> float | None:
    """The effect that a two-sided test of 5 % finds with a power of 80 %, from a 95 % interval of the effect.

    The half width is 1.96 standard errors; such an effect is 1.96 + 0.84 of them (normal approximation, before
    p-values are adjusted).
    """
    return None if low is None or high is None else (high - low) / 2 / QUANTILE * (QUANTILE + POWER)


def smallest_of_limit(effect: float, high: float) -> float:
    """The same of a one-sided test of 5 %, from an effect and its one-sided upper 95 % limit: 1.64 + 0.84 errors."""
    return (high - effect) / LIMIT * (LIMIT + POWER)
