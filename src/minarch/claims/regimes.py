"""Three regimes along the parameter count (arXiv 2601.17987)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import optimize, stats

from minarch.analysis.regimes import LEARNING, OVERFITTING, UNSTABLE
from minarch.claims.claim import ALPHA, CONFIRMED, POWER, QUANTILE, REFUTED, Claim, Row, plural
from minarch.claims.reports import Reports

STUDIES = ("phase1", "difficulty")
NEAR = 1e-9  # to 0 or 1, where the variance of a share is none and so is every share's distance
HELD = 0.9  # of the sizes from P_min on, on the other half of the repeats
IN_ORDER = "% of pairs of sizes in which the later regime has more parameters"
HOLD = "% of the sizes from P_min on, as half of the repeats has it, that do not fail on the other half"


def rows(reports: Reports) -> list[Row]:
    """Three cases for each data set and family: two regimes that follow each other, twice, and whether they hold."""
    cases = []
    for study in STUDIES:
        sizes = reports.table(study, "sizes")
        for _, row in reports.table(study, "order").iterrows():
            of_family = sizes[(sizes["dataset"] == row["dataset"]) & (sizes["family"] == row["family"])]
            cases += [*_orders(study, row, of_family), _hold(study, row)]
    return cases


def _orders(study: str, row: pd.Series, sizes: pd.DataFrame) -> Iterator[Row]:
    """Of two regimes that follow each other the share of pairs of sizes that are in order (Mann and Whitney)."""
    for earlier, later in pairwise((UNSTABLE, LEARNING, OVERFITTING)):
        smaller, larger = (
            sizes.loc[sizes["regime"] == regime, "parameters"].to_numpy(float) for regime in (earlier, later)
        )
        untested = Row(
            study=study,
            group=f"{earlier} before {later}",
            case=f"{row['dataset']}, {row['family']}: {earlier} before {later}",
            n=f"{len(smaller)} and {plural(len(larger), 'size')}",
            unit=IN_ORDER,
            null=50.0,
        )
        if not len(smaller) or not len(larger):
            yield untested
            continue
        test = stats.mannwhitneyu(larger, smaller)
        share = float(test.statistic) / (len(smaller) * len(larger))
        low, high = interval(share, len(smaller), len(larger))
        least = (QUANTILE + POWER) * math.sqrt(variance(0.5, len(smaller), len(larger)))
        in_order = np.arange(len(smaller) + len(larger))  # the outcome with the smallest p-value
        tellable = stats.mannwhitneyu(in_order[len(smaller) :], in_order[: len(smaller)]).pvalue <= ALPHA
        yield replace(
            untested,
            effect=100 * share,
            low=100 * low,
            high=100 * high,
            p=float(test.pvalue),
            verdict=CONFIRMED if share > 0.5 else REFUTED,
            smallest=100 * min(least, 0.5) if tellable else None,  # of a perfect order it is sure
        )


def variance(share: float, n: int, m: int) -> float:
    """Of a share of pairs in order, from that share (Hanley and McNeil's, as Newcombe, Stat. Med. 25, 2006, method 5
    has it).
    """
    mean = (n + m) / 2 - 1
    return share * (1 - share) * (1 + mean * (1 - share) / (2 - share) + mean * share / (1 + share)) / (n * m)


def interval(share: float, n: int, m: int) -> tuple[float, float]:
    """The 95 % interval of a share of pairs in order: the shares from which it is 1.96 standard errors away or less."""

    def excess(true: float) -> float:
        return (share - true) ** 2 - QUANTILE**2 * variance(true, n, m)

    low = optimize.brentq(excess, 0.0, min(share, 1 - NEAR)) if share > 0 else 0.0
    high = optimize.brentq(excess, max(share, NEAR), 1.0) if share < 1 else 1.0
    return float(low), float(high)


def _hold(study: str, row: pd.Series) -> Row:
    """Whether the sizes from the P_min on that half of the repeats names do not fail on the other half."""
    checked = int(row["checked"]) if row["checked"] > 0 else 0
    untested = Row(
        study=study,
        group="hold on the other half",
        case=f"{row['dataset']}, {row['family']}: sizes from P_min on",
        n=plural(checked, "size"),
        unit=HOLD,
        null=100 * HELD,
    )
    if not checked:
        return untested
    held = int(row["held"])
    one_sided = [stats.binomtest(held, checked, HELD, side).pvalue for side in ("greater", "less")]
    least = (QUANTILE + POWER) * math.sqrt(HELD * (1 - HELD) / checked)
    tellable = 2 * HELD**checked <= ALPHA  # if all of them hold
    return replace(
        untested,
        effect=100 * float(row["held_share"]),
        low=100 * float(row["held_low"]),
        high=100 * float(row["held_high"]),
        p=min(2 * min(one_sided), 1.0),
        verdict=CONFIRMED if held > HELD * checked else REFUTED,
        smallest=100 * min(least, 1 - HELD) if tellable else None,
    )


def remark(reports: Reports, judged: Sequence[Row]) -> str:
    """In how many families all three regimes occur, and how many cases could not have been confirmed."""
    tables = [reports.table(study, "order")[[UNSTABLE, LEARNING, OVERFITTING]] for study in STUDIES]
    complete = [all_three for table in tables for all_three in (table > 0).all(axis=1)]
    hopeless = sum(row.smallest is None for row in judged)
    return (
        f"All three regimes occur in {sum(complete)} of {len(complete)} data sets and families. In {hopeless} of"
        f" {plural(len(judged), 'case')} there are so few sizes that no outcome would have been a sure confirmation."
    )


CLAIM = Claim(
    number="C1",
    title="three regimes, one after the other",
    words="learning dynamics consistently exhibit three regimes: unstable, learning, and overfitting",
    source="arXiv 2601.17987, abstract",
    rule="Of a data set and family the sizes that are learning have more parameters than the unstable ones, and those"
    " that are overfitting more than the learning ones (Mann-Whitney tests); and of the sizes from the P_min on that"
    f" half of the repeats names, more than {HELD:.0%} do not fail on the other half (binomial test, which takes 36"
    " sizes that all hold).",
    studies=STUDIES,
    limits="A regime that a grid of sizes lacks is left undecided: it may lie beyond the grid, or beyond the budget of"
    " epochs.",
    remark=remark,
    rows=rows,
)
