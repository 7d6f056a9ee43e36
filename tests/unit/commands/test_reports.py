"""A report says what made it, and a line is told of each that today's code and params would make otherwise."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from minarch.commands.reports import committed, reports
from minarch.flow.close import close
from minarch.flow.job import make
from minarch.flow.made_by import FILE, stale
from minarch.flow.plan import Plan
from minarch.flow.reconcile import is_published
from minarch.flow.seal import read_sealed, write_sealed
from minarch.flow.stages import PUBLISHED, STAGES

STUDY, FOLDER = "params/mine.yaml", Path("reports/studies/mine")
RECORD = FOLDER / FILE


def _finish(study: str) -> Plan:
    """A study whose stages are closed, by works that write what is read here; its report is published."""
    plan = Plan(study)
    for stage, declared in STAGES.items():

        def work(config, inputs, out, stage=stage, declared=declared):
            (out / "tables").mkdir()
            (out / "tables/front.csv").write_text("bytes\n1\n")
            (out / "report.html").write_text("a report")
            if declared.decides:
                chosen = sorted(plan.items("sweep"))[: 1 + (stage == "finalists")]
                (out / declared.decides.name).write_text(json.dumps([{"items": [name]} for name in chosen]))

        for item in plan.items(stage).values():
            make(plan, item, work)
        (plan.root / stage).mkdir(exist_ok=True)  # as Snakemake does where a stage has no items
        close(plan, stage)
    return plan


@pytest.fixture
def study(workspace):
    """A published report of the small study, and nothing of what its stages made."""
    Path("params").mkdir()
    plan = _finish(workspace.write(STUDY))
    assert is_published(plan)
    shutil.rmtree("artifacts")
    return workspace


def _rewrite(change) -> None:
    """Change what made the report, as if it had been otherwise that day."""
    record = read_sealed(RECORD)
    change(record)
    write_sealed(RECORD, record)


def test_a_report_by_todays_code_and_params_is_fresh(study):
    assert stale(FOLDER) == []
    record = read_sealed(RECORD)
    assert record["stages"]["prune"]["items"] > 0 and record["stages"]["refine"]["items"] == 0
    assert {"minarch.prune", "reporting/page.html.j2"} <= set(record["code"])
    for item in Plan(STUDY).items("sweep").values():  # with the networks of its family
        assert item.code.items() <= record["code"].items()
    assert set(record["files"]) == {"tables/front.csv", "report.html"}


def test_what_made_a_report_is_the_same_wherever_it_is_made(study, tmp_path, monkeypatch):
    before = RECORD.read_bytes()
    (tmp_path / "elsewhere/params").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    _finish(study.write(STUDY, data__root="/elsewhere", train__strategy="sequential"))
    assert RECORD.read_bytes() == before


def test_other_code_is_told_by_its_stages_and_modules(study):
    _rewrite(lambda record: record["code"].update({"minarch.pruning.cut": "other"}))
    assert stale(FOLDER) == ["made by other code of stage prune (minarch.pruning.cut changed)"]
    _rewrite(lambda record: record["code"].update({"minarch.errors": "other", "reporting/page.html.j2": "other"}))
    (line,) = stale(FOLDER)
    assert line.startswith("made by other code of stages data, sweep, weights and ")
    assert line.endswith(" (minarch.errors, minarch.pruning.cut, reporting/page.html.j2 changed)")


def test_other_code_of_networks_that_the_study_has_is_told(study):
    _rewrite(lambda record: record["code"].update({"minarch.models.cnn": "other"}))
    assert "minarch.models.cnn changed" in stale(FOLDER)[0]
    assert "minarch.models.resnet" not in read_sealed(RECORD)["code"]


@pytest.mark.parametrize("name", ["minarch.gone", "reporting/gone.html.j2"])
def test_code_that_is_gone_is_told(study, name):
    _rewrite(lambda record: record["code"].update({name: "once"}))
    assert stale(FOLDER) == [f"made by other code ({name} changed)"]


def test_a_new_file_beside_the_code_is_told(study):
    _rewrite(lambda record: record["code"].pop("reporting/page.html.j2"))
    assert stale(FOLDER) == ["made by other code of stage aggregate (reporting/page.html.j2 changed)"]


@pytest.mark.parametrize("field", ["similarity__networks", "prune__levels", "data__limit"])
def test_other_params_are_told_by_their_names(study, field):
    study.write(STUDY, **{field: [0.75] if field.endswith("levels") else 11})
    assert stale(FOLDER) == [f"made with other params ({field.replace('__', '.')})"]


@pytest.mark.parametrize("change", [{"train__strategy": "stacked"}, {"data__root": "/somewhere"}])
def test_where_a_study_is_computed_makes_no_report_stale(study, change):
    study.write(STUDY, **change)
    assert stale(FOLDER) == []


@pytest.mark.parametrize("stage", ["sweep", "prune", "quantize", PUBLISHED])
def test_other_items_by_the_same_params_and_code_are_told_even_where_a_stage_decides_them(study, stage):
    count = read_sealed(RECORD)["stages"][stage]["items"]
    _rewrite(lambda record: record["stages"][stage].update({"items": count + 1, "key": "other"}))
    assert stale(FOLDER) == [f"stage {stage} lists other items ({count + 1} then, {count} now)"]


def test_other_decisions_make_other_items(study):
    _rewrite(lambda record: record["decisions"].update({"representatives": []}))
    assert stale(FOLDER)[0].startswith("stage prune lists other items")


def test_a_report_without_its_params_file_or_with_one_that_does_not_read_is_told(study):
    Path(STUDY).write_text("data: 3\n")
    (line,) = stale(FOLDER)
    assert line.startswith(f"{STUDY}: data") and "\n" not in line
    Path(STUDY).unlink()
    assert stale(FOLDER) == [f"its params file {STUDY} is missing"]


def test_a_report_that_nobody_made_is_told(study):
    shutil.copytree(FOLDER, FOLDER.with_name("other"))
    assert stale(FOLDER.with_name("other")) == ["its params file params/other.yaml is missing"]
    RECORD.unlink()
    assert stale(FOLDER) == [f"has no {FILE}, which says what made it"]
    RECORD.write_text("{}")
    assert stale(FOLDER) == [f"{FILE} was changed or damaged"]


def test_an_edited_report_is_told_and_one_that_is_committed_in_part_is_not(study):
    (FOLDER / "report.html").unlink()
    assert stale(FOLDER) == []
    (FOLDER / "tables/front.csv").write_text("bytes\n0\n")
    (FOLDER / "tables/better.csv").write_text("bytes\n0\n")
    edited, strange = stale(FOLDER)
    assert edited == "edited (tables/front.csv)" and strange == "holds what is not part of it (tables/better.csv)"
    _rewrite(lambda record: record["code"].update({"minarch.pruning.cut": "other"}))
    assert len(stale(FOLDER)) == 3


def test_a_report_is_published_only_with_what_made_it(workspace):
    plan = _finish(workspace.write())
    record = Path("reports") / FILE
    assert is_published(plan) and stale(Path("reports")) == []
    body = read_sealed(record)
    write_sealed(record, body | {"params": {}})
    assert not is_published(plan)
    close(plan, PUBLISHED)
    assert is_published(plan) and read_sealed(record) == body


def test_one_line_is_printed_per_stale_report_and_strict_fails(study, capsys):
    with pytest.raises(Exception, match=r"git ls-files: .*allowed: a git checkout"):
        committed()
    subprocess.run(["git", "init", "-q"], check=True)
    shutil.copytree(FOLDER, FOLDER.with_name("other"))
    Path("reports/claims.html").write_text("of several studies")
    shutil.copytree(FOLDER, FOLDER.with_name("untracked"))
    subprocess.run(["git", "add", "reports/claims.html", FOLDER, FOLDER.with_name("other")], check=True)
    assert committed() == [FOLDER, FOLDER.with_name("other")]
    reports()
    assert capsys.readouterr().out.splitlines() == [
        "reports/studies/other: its params file params/other.yaml is missing: make study STUDY=other",
        "1 of 2 committed reports are made by today's code and params",
    ]
    with pytest.raises(SystemExit) as ended:
        reports(strict=True)
    assert ended.value.code == 1
    subprocess.run(["git", "rm", "-rqf", FOLDER.with_name("other")], check=True)
    reports(strict=True)
