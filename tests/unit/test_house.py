"""The house: which room may import which, that no import runs in a circle, and that no room grows too large.

A room is a module or package directly under `minarch`. Work knows no plan and no report; what plans knows no report;
nothing but the command line knows the commands.
"""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from minarch.flow.stages import STAGES

SOURCE = Path(__file__).parents[2] / "src"
MOST_LINES = 250
GROUND = {"errors", "files", "quiet"}
FAMILIES_AND_DATA = {"models", "data"}
PLANNED_WITH = {"flow", "adaptive", "commands", "worker", "__main__"}  # what carries work out, and what people call
WORK = {declared.module.split(".")[1] for declared in STAGES.values()} - FAMILIES_AND_DATA
ENTRANCE = "minarch.flow.job"  # by which a stage's module runs: `python -m minarch.<stage>`


def _name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_name(path): path for path in sorted((SOURCE / "minarch").rglob("*.py"))}
ROOMS = {module.split(".")[1] for module in MODULES if "." in module}
LIBRARIES = ROOMS - WORK - PLANNED_WITH - GROUND - FAMILIES_AND_DATA - {"analysis", "reporting", "claims"}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name in MODULES or node.module in MODULES:
                    yield name if name in MODULES else node.module


IMPORTS = {module: set(_imports(path)) - {module} for module, path in MODULES.items()}


def _rooms(module: str) -> set[str]:
    """The other rooms that a module imports."""
    return {name.split(".")[1] for name in IMPORTS[module]} - {module.split(".")[1]}


def _of(*rooms: str) -> list[str]:
    return [module for module in MODULES if "." in module and module.split(".")[1] in rooms]


def test_the_rooms_are_those_that_the_rules_speak_of() -> None:
    assert {"training", "statistics", "pruning", "quantization"} <= LIBRARIES
    assert {"sweep", "prune", "quantize", "aggregate"} <= WORK
    assert sum(map(len, IMPORTS.values())) > 300


def test_no_import_runs_in_a_circle() -> None:
    TopologicalSorter(IMPORTS).prepare()


@pytest.mark.parametrize("module", _of(*GROUND))
def test_the_ground_rests_on_nothing(module: str) -> None:
    assert _rooms(module) <= GROUND


@pytest.mark.parametrize("module", _of(*FAMILIES_AND_DATA, *LIBRARIES, "analysis"))
def test_libraries_know_no_plan_and_no_report(module: str) -> None:
    if module == STAGES["data"].module:
        assert {name for name in IMPORTS[module] if name.startswith("minarch.flow")} == {ENTRANCE}
    else:
        assert not _rooms(module) & (PLANNED_WITH | WORK | {"reporting"})


@pytest.mark.parametrize("module", _of(*WORK))
def test_work_knows_only_its_entrance_of_the_plan_and_only_the_report_knows_reporting(module: str) -> None:
    assert {name for name in IMPORTS[module] if name.split(".")[1] in PLANNED_WITH} <= {ENTRANCE}
    published = [declared.module for declared in STAGES.values() if declared.published]
    assert ("reporting" in _rooms(module)) == (module in published)


@pytest.mark.parametrize("module", _of("reporting"))
def test_the_report_reads_records_and_names_and_runs_nothing(module: str) -> None:
    assert not _rooms(module) & (PLANNED_WITH | WORK)


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"minarch", *_of("claims")}))
def test_nothing_rests_on_claims(module: str) -> None:
    assert "claims" not in _rooms(module)


@pytest.mark.parametrize("module", _of("claims"))
def test_claims_read_reports_and_run_nothing(module: str) -> None:
    assert not _rooms(module) & (PLANNED_WITH | WORK)


@pytest.mark.parametrize("module", _of("flow"))
def test_the_plan_knows_no_report_no_work_and_no_command(module: str) -> None:
    assert not _rooms(module) & (WORK | {"reporting", "analysis", "adaptive", "commands", "__main__"})


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"minarch", "minarch.__main__"}))
def test_only_the_command_line_knows_the_commands(module: str) -> None:
    assert "commands" not in _rooms(module)


@pytest.mark.parametrize("path", MODULES.values(), ids=MODULES)
def test_no_module_is_longer_than_a_reader_holds(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES
