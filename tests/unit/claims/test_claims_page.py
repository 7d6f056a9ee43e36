"""The page, the table and the README's part, from made-up reports."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from minarch.claims.__main__ import texts
from minarch.claims.claim import CONFIRMED, REFUTED, UNDECIDED, Claim, Judged, Row
from minarch.claims.flattened import flattening
from minarch.claims.page import BEGIN, END, csv_of, effect, page_of, readme_with, size, symbols
from minarch.claims.reports import Reports
from minarch.errors import UserError

REPOSITORY = Path(__file__).parents[3]


def rows(reports):
    """A case for each row of a table."""
    table = reports.table("one", "measured")
    return [
        Row(
            study="one", group=row["case"][0], case=row["case"], n="3 <runs>", effect=row["effect"], low=row["low"],
            high=None, unit="points",
            p=0.001, verdict=row["verdict"],
        )
        for _, row in table.iterrows()
    ]  # fmt: skip


CLAIM = Claim(
    number="C1", title="more is better", words="more is better", source="a paper", rule="It is above 0.",
    studies=("one",), rows=rows,
)  # fmt: skip


@pytest.fixture
def reports(tmp_path):
    tables = tmp_path / "one" / "tables"
    tables.mkdir(parents=True)
    measured = [("a & b", 1.5, 0.5, CONFIRMED), ("c", -1.0, -2.0, REFUTED)]
    pd.DataFrame(measured, columns=["case", "effect", "low", "verdict"]).to_csv(tables / "measured.csv", index=False)
    run = [("sweep", 2, 5400.0, "A processor"), ("prune", 1, 1800.0, None)]
    pd.DataFrame(run, columns=["stage", "items", "seconds", "processors"]).to_csv(tables / "run.csv", index=False)
    courses = [(epoch, size, size / 1e4 + 0.1 * min(epoch, 8)) for epoch in range(1, 11) for size in (50, 100, 200)]
    trend = pd.DataFrame(courses, columns=["epoch", "parameters", "validation_mean"])
    trend.loc[(trend["parameters"] == 200) & (trend["epoch"] == 10), "validation_mean"] += 0.01
    trend.assign(dataset="digits", family="dnn").to_csv(tables / "trend.csv", index=False)
    minimal = {"dataset": ["digits"] * 2, "family": ["dnn"] * 2, "depth": ["1", "all"], "p_min": [50, 100]}
    pd.DataFrame(minimal).to_csv(tables / "minimal.csv", index=False)
    data = {"dataset": ["digits", "mnist"], "train": [1151, 20000]}
    pd.DataFrame(data).to_csv(tables / "data.csv", index=False)
    sweep = {"dataset": ["digits"] * 3 + ["mnist"], "architecture": ["a", "a", "b", "a"]}
    pd.DataFrame(sweep).to_csv(tables / "sweep.csv", index=False)
    return Reports(tmp_path)


def test_curves_that_still_rise_are_told(reports):
    """Of two sizes from P_min on one gained a point in the last two of ten epochs."""
    (row,) = flattening(reports, "one")
    assert (row.epochs, row.sizes, row.flat_share, row.flattened) == (10, 2, 0.5, False)
    assert row.gain_points == pytest.approx(0.5)


def test_every_case_is_on_the_page_with_what_it_took(reports):
    page = page_of([CLAIM.judged(reports)], reports)
    assert "a &amp; b" in page and "3 &lt;runs&gt;" in page and "A processor" in page
    assert "digits, mnist" in page and "1,151 to 20,000" in page
    assert re.search(r"<td>3</td><td>4</td><td>2\.00</td>", page), "networks, trainings and core-hours"
    assert len(re.findall(r'class="verdict refuted"', page)) == 2, "in the overview and above its cases"


def test_an_interval_that_is_not_known_is_not_shown(reports):
    case = {"study": "one", "group": "g", "case": "a", "n": "3", "effect": float("nan"), "unit": "points"}
    ends = [(None, None), (float("nan"), float("nan")), (0.25, 0.75)]
    rows = [Row(**case, verdict=UNDECIDED, low=low, high=high) for low, high in ends]
    page = page_of([Judged(claim=CLAIM, rows=rows, verdict=UNDECIDED)], reports)
    assert re.findall(r"<small>(\S+ to \S+)</small>", page) == ["+0.250 to +0.750"]


def test_cases_are_counted_by_group(reports):
    case = {"study": "one", "case": "a", "n": "3", "effect": 1.0, "low": None, "high": None, "unit": "points"}
    told = [("x", CONFIRMED), ("y", REFUTED), ("x", UNDECIDED), ("x", CONFIRMED)]
    judged = Judged(claim=CLAIM, rows=[Row(**case, group=g, verdict=v) for g, v in told], verdict=REFUTED)
    assert judged.counts == {CONFIRMED: 2, REFUTED: 1, UNDECIDED: 1}
    assert judged.counts_of_groups["x"] == {CONFIRMED: 2, REFUTED: 0, UNDECIDED: 1}
    page = " ".join(page_of([judged], reports).split())
    assert "x: <strong>confirmed</strong> by 2, <strong>undecided</strong> by 1 of 3 cases" in page


def test_words_are_escaped_and_p_min_is_set_as_a_symbol():
    assert symbols("from P_min on, n < 3") == "from P<sub>min</sub> on, n &lt; 3"


def test_the_table_has_a_row_per_case(reports, tmp_path):
    (tmp_path / "claims.csv").write_text(csv_of([CLAIM.judged(reports)]))
    table = pd.read_csv(tmp_path / "claims.csv")
    assert table["claim_verdict"].unique().tolist() == [REFUTED]
    assert table["effect"].tolist() == [1.5, -1.0] and table["verdict"].tolist() == [CONFIRMED, REFUTED]


def test_the_readme_changes_between_its_marks_alone(reports):
    judged = [CLAIM.judged(reports)]
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    written = readme_with(text, judged)
    assert written.startswith(f"before\n{BEGIN}\n") and written.endswith(f"{END}\nafter\n") and "old" not in written
    assert readme_with(written, judged) == written
    with pytest.raises(UserError, match=r"README\.md: .*missing"):
        readme_with("nothing", judged)


def test_the_committed_page_and_tables_are_what_the_committed_reports_say(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    stale = [str(path) for path, text in texts().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "make claims"


def test_a_study_that_was_not_run_leaves_its_claim_undecided_and_is_said(reports, tmp_path):
    claim = replace(CLAIM, studies=("one", "other"))
    judged = claim.judged(reports)
    assert judged.verdict == UNDECIDED and not judged.rows
    page = page_of([judged], reports)
    assert "other (not run)" in page and "No case was run." in page


def test_a_report_without_a_table_is_named_in_one_line(tmp_path):
    (tmp_path / "one").mkdir()
    with pytest.raises(UserError, match=r"tables/measured\.csv: cannot be read .*make study STUDY=one$"):
        CLAIM.judged(Reports(tmp_path))


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (float("nan"), "–"), (0.0, "0"), (1.234, "+1.23"), (-0.0456, "-0.0456")]
)
def test_effects_are_written_with_their_sign(value, text):
    assert effect(value) == text
    assert size(value) == text.removeprefix("+")
