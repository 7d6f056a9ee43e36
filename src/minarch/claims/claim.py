"""A claim of a paper and what the studies say of it (rules and verdicts are our inference, docs/methods.md 6)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from minarch.claims.reports import Reports

CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"
QUANTILE, LIMIT, POWER = (NormalDist().inv_cdf(share) for share in (0.975, 0.95, 0.8))
POWERED = QUANTILE + POWER  # standard errors of the effect that a two-sided test of 5 % finds with a power of 80 %


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case of a claim: an effect with its interval, and what it says of the claim.

    An effect is in `unit`; what is not known is None.
    """

    study: str
    group: str  # of cases that are counted together
    case: str  # what was compared, in words
    n: str  # how many of what
    effect: float | None
    low: float | None
    high: float | None
    unit: str
    verdict: str
    smallest: float | None = None  # the smallest effect that the design would have told, in the effect's unit

    @property
    def interval(self) -> bool:
        """Whether both ends of the effect's interval are known."""
        return all(end is not None and not math.isnan(end) for end in (self.low, self.high))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim in the words of its paper's abstract, and how it is judged.

    `general`: it says something of all cases, so one case refutes it; otherwise that something occurs, so one case
    confirms it.
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
    of_sweep: bool = True  # the networks judged are those of the sweep, or what was made of them

    def judged(self, reports: Reports) -> "Judged":
        rows = list(self.rows(reports))
        return Judged(claim=self, rows=rows, verdict=overall([row.verdict for row in rows], general=self.general))


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A claim with its cases and what follows of them all."""

    claim: Claim
    rows: Sequence[Row]
    verdict: str

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
        return [shared | vars(row) for row in self.rows]


def counted(rows: Sequence[Row]) -> dict[str, int]:
    """How many of the cases say what."""
    return {name: sum(row.verdict == name for row in rows) for name in (CONFIRMED, REFUTED, UNDECIDED)}


def overall(verdicts: Sequence[str], *, general: bool) -> str:
    """What all cases together say.

    A general claim is refuted by one case and confirmed if every case confirms it; one that says that something occurs
    is confirmed by one case and refuted if every case refutes it. Without a case it is undecided.
    """
    decisive, unanimous = (REFUTED, CONFIRMED) if general else (CONFIRMED, REFUTED)
    if decisive in verdicts:
        return decisive
    return unanimous if verdicts and set(verdicts) == {unanimous} else UNDECIDED


def smallest_effect(low: float | None, high: float | None) -> float | None:
    """The effect that a two-sided test of 5 % finds with a power of 80 %, from a 95 % interval of the effect.

    The half width is 1.96 standard errors; such an effect is 1.96 + 0.84 of them (normal approximation).
    """
    return None if low is None or high is None else (high - low) / 2 / QUANTILE * POWERED


def smallest_of_limit(effect: float, high: float) -> float:
    """The same from an effect and its one-sided upper 95 % limit."""
    return (high - effect) / LIMIT * POWERED
