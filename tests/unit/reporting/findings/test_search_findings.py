"""What the two findings of stage depth say of studies that differ."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from constructed import PARAMS
from depth_study import DNN, RESNET, Tower, write_depths

from minarch.files import read_json, write_json
from minarch.reporting.evidence import Evidence, Run
from minarch.reporting.findings import needed_depth, search_cost
from minarch.reporting.findings.finding import Finding
from minarch.reporting.html import environment_of, render_section
from minarch.reporting.tables import Table
from minarch.reporting.tables.grown import SEARCH_MACS
from minarch.reporting.tables.search import search_tables

Says = Callable[[Finding, list[Path]], str]


@pytest.fixture
def says(tmp_path: Path) -> Says:
    """The words of a finding's section, from the items of stage depth."""

    def words(finding: Finding, items: list[Path]) -> str:
        run = Run(seconds=0.0, devices=[], latency={}, compiler={}, refined=0)
        tables = search_tables(items, 0.95) | {Table.MODELS: pd.DataFrame(columns=[SEARCH_MACS])}
        evidence = Evidence(
            study="constructed",
            params=PARAMS,
            max_drop_points=1.0,
            tables=tables,
            run=run,
            networks=[],
            curves=pd.DataFrame(),
        )
        section = render_section(environment_of(evidence, tmp_path), finding, evidence)
        text = " ".join(re.sub(r"<[^>]+>", " ", section).replace("&nbsp;", " ").split())
        return re.sub(r" (?=[.,:;])", "", text)

    return words


def one_repeat(items: list[Path]) -> list[Path]:
    """The items with the first repeat alone."""
    for path in (item / name for item in items for name in ("results.json", "test.json")):
        record = read_json(path)
        write_json(path, record | {"repeats": record["repeats"][:1]})
    return items


def items_of(folder: Path, tower: Tower) -> list[Path]:
    return write_depths(folder, "digits", [tower])


def test_a_study_that_searched_for_no_depth_says_so_in_one_line(says: Says) -> None:
    assert says(needed_depth.FINDING, []) == "This study searched for no depth (depth.architectures)."
    assert says(search_cost.FINDING, []).startswith("This study searched for no depth, so there is no search to pay")


def test_without_a_method_depths_alone_are_shown(says: Says, tmp_path: Path) -> None:
    items = items_of(tmp_path, replace(DNN, methods={}))
    depth, cost = says(needed_depth.FINDING, items), says(search_cost.FINDING, items)
    assert "No method searched in this study (depth.methods), so there is no target" in depth
    assert "Every depth trained alone" in depth and "What every search ends with" not in depth
    assert "not every depth was trained alone, or no method searched" in cost


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            "full",
            "the mean validation accuracy of its networks trained at full depth, of which 1 point may be missing.",
        ),
        ("best", "the mean validation accuracy of its best depth trained alone, of which 1 point may be missing."),
        (0.9, "a validation accuracy of 90.0 %, of which 1 point may be missing. If no depth"),
    ],
)
def test_the_target_is_said(says: Says, tmp_path: Path, target: str | float, words: str) -> None:
    items = items_of(tmp_path, replace(DNN, target=target))
    said = says(needed_depth.FINDING, items)
    assert words in said and ("It is a mean over repeats" in said) == (target != 0.9)
    assert (re.search(r" odn 5 \S+ \S+ to \S+ 0\.00 ", says(search_cost.FINDING, items)) is not None) == (target == 0.9)


def test_one_repeat_has_no_verdict(says: Says, tmp_path: Path) -> None:
    items = one_repeat(items_of(tmp_path, RESNET))
    depth, cost = says(needed_depth.FINDING, items), says(search_cost.FINDING, items)
    assert "odn 1 3 of 8 (1) 1 0 cannot tell cannot tell" in depth
    assert "plain 1 0.400 1.00 -0.60 cannot tell" in cost


def test_what_fails_is_said(says: Says, tmp_path: Path) -> None:
    costly = replace(DNN, accuracy={1: 0.8, 2: 0.85, 3: 0.9, 4: 0.95}, methods={"odn": [4] * 5})
    items = items_of(tmp_path, costly)
    depth, cost = says(needed_depth.FINDING, items), says(search_cost.FINDING, items)
    assert re.search(r"odn 5 4 of 4 \(5\) .* no no", depth.partition("What every search ends with")[2])
    assert re.search(r" odn 5 \S+ \S+ to \S+ \S+ \S+ \S+ to \S+ no ", cost)
    worse = replace(RESNET, methods={"odn": [1] * 5}, target=0.5)
    said = says(needed_depth.FINDING, items_of(tmp_path / "worse", worse))
    assert re.search(r"odn 5 1 of 8 \(5\) 5 \d yes no -14\.5", said)


def test_depths_are_counted_shallowest_first() -> None:
    assert needed_depth.ends("10 3 3 10 3") == [(3, 3), (10, 2)] and needed_depth.ends("4") == [(4, 1)]
