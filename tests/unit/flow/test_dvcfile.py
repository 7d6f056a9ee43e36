"""dvc.yaml: what DVC compares is what items and their results depend on, and nothing else."""

import csv
from pathlib import Path

import pytest

from minarch.data.catalogue import FOLDER_READER
from minarch.flow import digest, plots
from minarch.flow.dvcfile import FILE, dependencies, text
from minarch.flow.stages import STAGES
from minarch.models.families import FAMILIES

REPOSITORY = Path(__file__).parents[3]


def compared(stage: str) -> set[str]:
    """The files that DVC compares, those of folders one by one."""
    paths = [REPOSITORY / name for name in dependencies(stage) if not name.startswith("artifacts/")]
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.suffix != ".pyc"]
    return {file.relative_to(REPOSITORY).as_posix() for file in files if file.is_file()}


BUILDERS = [name for name in STAGES if "minarch.models.build" in digest.code(STAGES[name].module)]


def test_dvc_yaml_is_generated_from_the_stages() -> None:
    assert (REPOSITORY / FILE).read_text() == text(), "run `make generate`"


def test_every_plot_has_its_template_and_reads_columns_that_are_there() -> None:
    for file, content in plots.templates().items():
        assert (REPOSITORY / file).read_text() == content, "run `make generate`"
    for plot in plots.PLOTS:
        assert plots.TEMPLATES / f"{plots.name_of(plot.scale)}.json" in plots.templates()
        with (REPOSITORY / f"reports/tables/{plot.table}.csv").open(newline="") as table:
            assert {plot.x, plot.y, "family", "architecture"} <= set(next(csv.reader(table)))


@pytest.mark.parametrize("stage", STAGES)
def test_all_code_that_keys_cover_is_compared(stage: str) -> None:
    files = {path.relative_to(REPOSITORY).as_posix() for path in digest.closure(STAGES[stage].module).values()}
    assert files <= compared(stage)


@pytest.mark.parametrize("stage", BUILDERS)
def test_what_builds_networks_depends_on_every_family(stage: str) -> None:
    modules = {family.network.partition(":")[0] for family in FAMILIES.values()}
    modules |= {family.__module__ for family in FAMILIES.values()}
    assert {f"src/{module.replace('.', '/')}.py" for module in modules} <= compared(stage)


def test_the_stages_that_train_cut_or_quantize_build_networks() -> None:
    assert {"sweep", "refined", "prune", "quantize", "weights"} <= set(BUILDERS)


@pytest.mark.parametrize("stage", STAGES)
def test_no_command_marks_a_stage_as_changed_and_the_report_only_its_own(stage: str) -> None:
    elsewhere = ("src/minarch/commands", "src/minarch/__main__", "src/minarch/worker", "tests", "docs")
    reporting = "src/minarch/reporting"
    files = compared(stage)
    assert not [file for file in files if file.startswith(elsewhere)]
    assert any(file.startswith(reporting) for file in files) == STAGES[stage].published


@pytest.mark.parametrize("stage", STAGES)
def test_what_lists_a_stages_items_is_compared_and_nothing_that_carries_them_out(stage: str) -> None:
    files = [file for file in compared(stage) if file.startswith("src/minarch/flow/")]
    assert f"src/minarch/flow/stages/{stage}.py" in files
    assert all(file.startswith("src/minarch/flow/stages/") for file in files)


@pytest.mark.parametrize("stage", STAGES)
def test_a_folder_is_compared_only_where_all_of_its_code_counts(stage: str) -> None:
    closures = [digest.closure(STAGES[stage].module), digest.closure(f"minarch.flow.stages.{stage}", without=())]
    closures += [digest.closure(FOLDER_READER)]
    closures += [digest.closure(FOLDER_READER)] * (stage == "data")
    closures += [digest.closure(family.network.partition(":")[0]) for family in FAMILIES.values()]
    counted = {path.relative_to(REPOSITORY).as_posix() for files in closures for path in files.values()}
    assert {name for name in compared(stage) if name.startswith("src/") and "__init__" not in name} <= counted


def test_every_file_that_is_compared_exists() -> None:
    names = {name for stage in STAGES for name in dependencies(stage) if not name.startswith("artifacts/")}
    assert names and not [name for name in names if not (REPOSITORY / name).exists()]
