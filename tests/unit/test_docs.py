"""The documentation: citations, modules, links, columns and versions that it names are there."""

import csv
import re
import tomllib
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
METHODS, FILES = REPOSITORY / "docs/methods.md", REPOSITORY / "docs/files.md"
PAGES = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
PAGES += sorted((REPOSITORY / "docs").glob("*.md"))
CITING = [path for folder in ("src", "tests") for path in sorted((REPOSITORY / folder).rglob("*.py"))]
CITING += sorted((REPOSITORY / "params").glob("*.yaml"))
CITATION = re.compile(r"methods\.md (\d+(?:\.\d+)?)")
README_BYTES = 8_600
COMMON = {"dataset", "family", "architecture", "role", "n"}  # said once for all tables
ESTIMATE = re.compile(r"_(mean|low|high)$")  # of a column that the page calls x_*


def headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", without_code(page.read_text(encoding="utf-8")), re.M)


def without_code(text: str) -> str:
    """Markdown without its fenced blocks, in which # and [ are no markup."""
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.M | re.S)


def anchor(heading: str) -> str:
    """What GitHub calls a heading in a link."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def columns(row: str) -> set[str]:
    return set(re.findall(r"`([\w*]+)`", row))


def test_every_cited_section_exists() -> None:
    sections = {heading.split()[0] for heading in headings(METHODS)}
    cited = {path: CITATION.findall(path.read_text(encoding="utf-8")) for path in CITING}
    assert sum(map(len, cited.values())) >= 10
    assert {path: missing for path, names in cited.items() if (missing := set(names) - sections)} == {}


def test_every_module_that_methods_names_exists() -> None:
    modules = set(re.findall(r"`(minarch(?:\.\w+)+)`", METHODS.read_text(encoding="utf-8")))
    assert len(modules) >= 20
    paths = {module: REPOSITORY / "src" / module.replace(".", "/") for module in modules}
    assert [name for name, path in paths.items() if not (path.is_dir() or path.with_suffix(".py").is_file())] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        if link.startswith(("https://", "http://")):
            continue
        path, _, part = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (part and part not in map(anchor, headings(target))):
            lost.append(link)
    assert lost == []


def test_the_readme_is_short() -> None:
    assert len((REPOSITORY / "README.md").read_bytes()) <= README_BYTES


def test_every_column_of_a_table_is_explained() -> None:
    rows = dict(re.findall(r"^\| `(\w+)\.csv` \|(.*)$", FILES.read_text(encoding="utf-8"), re.M))
    tables = sorted((REPOSITORY / "reports/tables").glob("*.csv"))
    assert sorted(rows) == [table.stem for table in tables]
    unexplained = []
    for table in tables:
        with table.open(newline="", encoding="utf-8") as file:
            header = next(csv.reader(file))
        named = COMMON | columns(rows[table.stem])
        for other in re.findall(r"`(\w+)\.csv`", rows[table.stem]):  # "those of `models.csv`"
            named |= columns(rows[other])
        unexplained += [f"{table.name}: {name}" for name in header if not {name, ESTIMATE.sub("_*", name)} & named]
    assert unexplained == []


def test_the_project_has_one_version_and_one_licence() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert "Apache License" in (REPOSITORY / "LICENSE").read_text()
