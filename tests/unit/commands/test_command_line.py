"""The command line: one word for a study, one JSON object where it is asked for, mistakes in one line."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from minarch import __main__ as entrance
from minarch.commands.compare import compare
from minarch.commands.explain import explain
from minarch.commands.parsers import command_line
from minarch.commands.status import status
from minarch.errors import UserError
from minarch.flow.plan import Plan
from minarch.flow.stages import STAGES

REPOSITORY = Path(__file__).parents[3]
COMMANDS = ["find", "plan", "status", "explain", "compare", "recommend", "predict", "export"]
WITH_JSON = {"status", "explain", "compare", "recommend"}


def _said(monkeypatch, capsys, *words: str) -> str:
    """What the command line says before it ends with exit code 0."""
    monkeypatch.setattr(sys, "argv", ["minarch", *words])
    with pytest.raises(SystemExit) as end:
        entrance.main()
    assert end.value.code == 0
    return capsys.readouterr().out


def test_the_version_is_the_project_s(monkeypatch, capsys):
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert _said(monkeypatch, capsys, "--version") == f"minarch {project['version']}\n"
    module, function = project["scripts"]["minarch"].split(":")
    assert (module, getattr(entrance, function)) == (entrance.__name__, entrance.main)


def test_help_names_every_command_and_stage(monkeypatch, capsys):
    said = _said(monkeypatch, capsys, "--help")
    assert all(f"    {name} " in said or f"    {name}\n" in said for name in COMMANDS)
    assert all(f"  {name:16} {stage.words}\n" in said for name, stage in STAGES.items())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_function_that_takes_what_its_parser_reads(command, monkeypatch, capsys):
    said = _said(monkeypatch, capsys, command, "--help")
    assert said.startswith(f"usage: minarch {command} ")
    assert ("--json" in said) == (command in WITH_JSON)
    assert ("--study STUDY" in said) == (command not in ("find", "compare")) and "--params" not in said
    positional = {"find": ["x"], "explain": ["x"], "compare": ["a", "b"], "predict": ["m", "i"], "export": ["m", "d"]}
    arguments = vars(command_line("").parse_args([command, *positional.get(command, [])]))
    module = __import__(f"minarch.commands.{command}", fromlist=[command])
    function = getattr(module, command)
    assert arguments.pop("command") == command
    assert set(arguments) <= set(function.__code__.co_varnames[: function.__code__.co_argcount + 9])
    assert set(arguments) == {name for name in function.__annotations__ if name != "return"}


def test_a_study_is_named_by_its_file_or_its_name(workspace, tmp_path):
    workspace.write()
    Path("params").mkdir()
    workspace.write("params/mine.yaml")
    assert Plan("default").study_file == "params.yaml"
    assert Plan("mine").name == Plan("params/mine.yaml").name == "mine"
    assert Plan("mine").study_file == "params/mine.yaml"
    with pytest.raises(UserError, match=r"^other: no such study"):
        Plan("other")


def test_status_in_json_counts_the_items_of_every_stage(workspace, capsys):
    workspace.make(workspace.plan(), "data")
    status("params.yaml", as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert {name: body[name] for name in ("study", "file", "running", "report")} == {
        "study": "default",
        "file": "params.yaml",
        "running": None,
        "report": None,
    }
    stages = {stage.pop("stage"): stage for stage in body["stages"]}
    assert list(stages) == list(STAGES)
    assert (stages["data"]["items"], stages["data"]["done"], stages["data"]["missing"]) == (1, 1, 0)
    assert (stages["sweep"]["items"], stages["sweep"]["done"], stages["sweep"]["missing"]) == (5, 0, 5)
    assert (stages["prune"]["items"], stages["prune"]["waits_for"]) == (None, ["representatives"])


def test_an_item_is_explained_in_json(workspace, capsys):
    plan = workspace.plan()
    item = next(iter(plan.items("sweep").values()))
    workspace.make(plan, "data", "sweep")
    workspace.write(train__epochs=3)
    explain("params.yaml", item.slug, as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert (body["stage"], body["would_run"], body["configuration"]["train"]["epochs"]) == ("sweep", True, 3)
    assert body["changes"] == ["configuration.train.epochs: 2 -> 3"]
    assert body["reason"].endswith(f"against {item.name} changed")
    workspace.write()
    explain("params.yaml", item.slug, as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert (body["would_run"], body["reason"], body["changes"]) == (False, "it is finished and whole", [])


# Comparisons.


@pytest.fixture
def reports(workspace):
    """The default study and two others with metrics, and one that was not run."""
    workspace.write()
    Path("params").mkdir()
    metrics = {
        "default": {"digits": {"p_min": 380, "recommended": {"model": "cnn", "bytes": 9000}}},
        "wide": {"digits": {"p_min": 400, "recommended": {"model": "cnn", "bytes": 9000}}, "mnist": {"p_min": 7}},
        "vision": {"cifar10": {"p_min": 5000}},
    }
    for name, body in metrics.items():
        folder = Path("reports") if name == "default" else Path("reports/studies", name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").write_text(json.dumps(body))
    for name in ("wide", "vision", "later"):
        workspace.write(f"params/{name}.yaml")


def test_metrics_that_differ_are_shown_with_their_difference(reports, capsys):
    compare("default", "params/wide.yaml")
    said = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines() if line.startswith("│")]
    assert rows == [["digits.p_min", "380", "400", "20"]]
    assert "only in params/wide.yaml: mnist" in said
    compare("wide", "default", as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "first": "wide",
        "second": "default",
        "datasets": ["digits"],
        "only_first": ["mnist"],
        "only_second": [],
        "compared": 3,
        "differing": [{"metric": "digits.p_min", "first": 400, "second": 380, "difference": -20}],
    }


def test_studies_without_a_common_data_set_are_not_compared(reports, capsys):
    compare("default", "vision")
    said = " ".join(capsys.readouterr().out.split())
    expected = "default and vision have no data set in common (default: digits; vision: cifar10), so nothing can be"
    assert expected in said and "p_min" not in said
    compare("default", "vision", as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert (body["datasets"], body["compared"], body["differing"]) == ([], 0, [])


def test_a_study_that_was_not_run_is_not_computed_yet(reports):
    expected = r"^later: not computed yet; run it first: snakemake --config study=params/later\.yaml$"
    with pytest.raises(UserError, match=expected):
        compare("default", "later")
    with pytest.raises(UserError, match=r"^'nothing' has no metrics; allowed: a study \(default, vision, wide\), "):
        compare("default", "nothing")


def test_a_reader_that_has_read_enough_is_no_error(workspace):
    workspace.write()
    command = f"{sys.executable} -m minarch status --json | head -n 1"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}
    whole = ["bash", "-o", "pipefail", "-c", command]
    done = subprocess.run(whole, capture_output=True, text=True, check=False, env=environment)
    assert (done.stdout, done.stderr) == ("{\n", "")
