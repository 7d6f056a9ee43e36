"""The registry of findings, their modules and their templates belong together."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from jinja2 import Environment
from jinja2.meta import find_referenced_templates

from minarch import reporting
from minarch.flow import digest
from minarch.reporting.findings import FINDINGS
from minarch.reporting.findings.finding import Finding

FOLDER = Path(reporting.__file__).parent
TEMPLATES = sorted(FOLDER.rglob("*.j2"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_can_be_read(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= 150 and max(map(len, lines)) <= 200


def test_every_finding_is_a_module_and_a_template() -> None:
    names = sorted(finding.name for finding in FINDINGS)
    modules = {path.stem for path in (FOLDER / "findings").glob("*.py")} - {"__init__", "finding"}
    assert (
        names == sorted(modules) == sorted(path.name[: -len(".html.j2")] for path in (FOLDER / "findings").glob("*.j2"))
    )
    for finding in FINDINGS:
        assert sys.modules[f"minarch.reporting.findings.{finding.name}"].FINDING is finding


def test_every_template_is_used() -> None:
    environment = Environment(autoescape=True)
    named = {name for path in TEMPLATES for name in find_referenced_templates(environment.parse(path.read_text()))}
    shared = {path.name for path in FOLDER.glob("*.j2")}
    assert named == shared - {"page.html.j2"}


def test_macros_of_the_macro_file_are_shared() -> None:
    imported = [
        name
        for path in TEMPLATES
        for line in re.findall(r" import (.*) %}", path.read_text())
        for name in line.split(", ")
    ]
    for macro in re.findall(r"macro (\w+)\(", (FOLDER / "macros.html.j2").read_text()):
        assert imported.count(macro) > 1, macro


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_a_finding_shows_its_figures_each_once(finding: Finding) -> None:
    template = (FOLDER / "findings" / f"{finding.name}.html.j2").read_text()
    assert sorted(re.findall(r'call figure\("([\w-]+)"', template)) == sorted(finding.figures)


def test_no_two_figures_have_one_name() -> None:
    names = [name for finding in FINDINGS for name in finding.figures]
    assert len(set(names)) == len(names) > 20


@pytest.mark.parametrize("name", ["findings/minimal.html.j2", "macros.html.j2", "report.css.j2"])
def test_an_edited_template_makes_the_report_again(tmp_path: Path, monkeypatch, name: str) -> None:
    shutil.copytree(digest.PACKAGE, tmp_path / "minarch", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(digest, "PACKAGE", tmp_path / "minarch")
    monkeypatch.setattr(digest, "SOURCE", tmp_path)
    before = digest.code.__wrapped__("minarch.aggregate", tmp_path)
    with (tmp_path / "minarch/reporting" / name).open("a") as template:
        template.write("edited")
    assert digest.code.__wrapped__("minarch.aggregate", tmp_path) != before
