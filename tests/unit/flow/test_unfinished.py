"""What a run that ended has not made, which Snakemake may not have noticed."""

import os
import subprocess
import sys

from minarch.flow.stages import STAGES
from minarch.flow.unfinished import not_listed, unfinished


def close(plan, stage):
    plan.index(stage).parent.mkdir(parents=True, exist_ok=True)
    plan.index(stage).write_text("{}")


def test_stages_are_unfinished_until_they_are_closed(workspace):
    plan = workspace.plan()
    assert unfinished(plan, []) == unfinished(plan, ["all"]) == list(STAGES)
    close(plan, "data")
    close(plan, "sweep")
    assert unfinished(plan, []) == [stage for stage in STAGES if stage not in ("data", "sweep")]


def test_only_the_targets_count(workspace):
    plan = workspace.plan()
    close(plan, "data")
    assert unfinished(plan, ["data"]) == []
    assert unfinished(plan, ["data", "sweep"]) == ["sweep"]
    assert unfinished(plan, ["artifacts/sweep/some-item/item.json"]) == []


def test_a_stage_whose_items_nobody_has_decided_is_unfinished(workspace):
    plan = workspace.plan()
    for stage in STAGES:
        if plan.ready(stage):
            close(plan, stage)
    assert unfinished(plan, []) == [stage for stage in STAGES if not plan.ready(stage)] != []


def test_a_dry_run_names_the_stages_that_it_cannot_list_and_what_decides_them(workspace):
    plan = workspace.plan()
    said = not_listed(plan, [])
    assert said.startswith("not listed: the jobs of prune, finalists, quantize, latency, aggregate; ")
    assert said.endswith(" depends on what representatives, finalists decide")
    assert not_listed(plan, ["prune"]).startswith("not listed: the jobs of prune; ")
    assert not_listed(plan, ["sweep", "similarity"]) == ""
    for stage in ("representatives", "finalists"):
        workspace.decide(plan, stage, [])
    assert not_listed(workspace.plan(), []) == ""


def test_a_command_that_ended_too_early_is_started_again_once():
    program = "import sys, minarch.flow.unfinished as u; print(sys.argv[1], flush=True); u.start_again('quantize')"
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", program, "--cores"],
        env={"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    said = "Snakemake ended before quantize was finished; what is made is kept"
    assert (done.returncode, done.stdout) == (1, "--cores\n--cores\n")
    assert done.stderr.splitlines() == [f"{said}, and it goes on", f"{said}: run it again"]
