"""The page of all claims, their table for other programs, and the short one of the README."""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from minarch.claims.claim import POWER, QUANTILE, Claim, Judged
from minarch.claims.flattened import GAIN_POINTS, LAST, SHARE, flattening
from minarch.claims.reports import Reports
from minarch.claims.strip import scale
from minarch.errors import UserError
from minarch.reporting.wording import is_missing, number
from minarch.templates import environment_with_templates

TYPE_OF_PROCESSOR = re.compile(r"-[0-9a-f]{12}$")  # how a sweep names what it ran on: the name stands beside it
MOST_SHOWN = 24  # cases of a claim that are not folded
BEGIN, END = "<!-- claims: written by `make claims` -->", "<!-- end of claims -->"


def csv_of(judged: Sequence[Judged]) -> str:
    """claims.csv: a row per case."""
    return pd.DataFrame([row for one in judged for row in one.table]).to_csv(index=False, float_format="%.6g")


def page_of(judged: Sequence[Judged], reports: Reports) -> str:
    """claims.html."""
    environment = environment_with_templates("minarch")
    environment.filters |= {"effect": effect, "size": size, "symbols": symbols, "chance": chance}
    environment.globals |= {"scale": scale, "effect": effect, "size": size}
    studies = sorted({study for one in judged for study in one.claim.studies if reports.has(study)})
    runs = {study: reports.run(study) for study in studies}

    def hours_of(claim: Claim) -> float:
        return sum(runs[study]["hours"] for study in claim.studies if study in runs)

    swept = sorted({study for one in judged if one.claim.of_sweep for study in one.claim.studies} & set(runs))
    named = {name for study in runs for name in reports.processors(study)}
    processors = sorted(name for name in named if not TYPE_OF_PROCESSOR.search(name))
    template = environment.get_template("claims/page.html.j2")
    return template.render(
        judged=judged,
        runs=runs,
        hours_of=hours_of,
        processors=processors,
        flattenings=[row for study in swept for row in flattening(reports, study)],
        most_shown=MOST_SHOWN,
        even_odds_percent=100 * QUANTILE / (QUANTILE + POWER),
        flat_points=GAIN_POINTS,
        flat_share=SHARE,
        flat_last=LAST,
    )


def effect(value: Any) -> str:
    """Three significant digits with a sign, a dash for what is missing."""
    if value is None or is_missing(value):
        return "–"
    return ("+" if value > 0 else "") + number(value) if value else "0"


def size(value: Any) -> str:
    """Three significant digits without a sign, a dash for what is missing."""
    return effect(value).removeprefix("+")


def chance(p: float | None) -> str:
    """A p-value in two digits, a dash for what is no test."""
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.2g}"


def symbols(words: str) -> Markup:
    """The words as HTML, with the index of P_min below the line."""
    return Markup(escape(words).replace("P_min", Markup("P<sub>min</sub>")))  # noqa: S704  (the words are escaped)


def readme_with(text: str, judged: Sequence[Judged]) -> str:
    """The README with the table of claims between its marks.

    Raises:
        UserError: the marks are not there.
    """
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise UserError(f"README.md: {BEGIN!r} and {END!r} are missing; allowed: both, one after the other")
    lines = ["| claim | confirm, refute, undecided | verdict |", "|---|---|---|"]
    for one in judged:
        counts = ", ".join(map(str, one.counts.values()))
        verdict = one.verdict if one.rows else f"{one.verdict}: not run"
        lines.append(f"| {one.claim.number} {one.claim.title} | {counts} | {verdict} |")
    return "\n".join([before + BEGIN, *lines, END + after])
