"""Any params file gives a study that can be planned, or short lines that say what is wrong; no traceback, no hang.

500 files, always the same, as no chance decides them; 100 where the environment says CI. What takes longer than
GUARD_S seconds counts as a hang.
"""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml
from grammar import files, small_studies
from hypothesis import HealthCheck, assume, given, settings

from minarch.data.__main__ import work as make_data
from minarch.errors import UserError
from minarch.files import read_json
from minarch.flow.job import make
from minarch.flow.plan import Plan
from minarch.sweep import work as sweep

GUARD_S = 60
SETTINGS = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
FORM = re.compile(r"study\.yaml: .*(allowed: |missing; it has no default|it must |not YAML: )")
FOLDER = re.compile(r"data\.datasets: 'folder:.*; allowed: ")  # which the plan reads


@contextmanager
def guarded() -> Iterator[None]:
    """Raises TimeoutError in what takes longer than GUARD_S."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(GUARD_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.timeout(0)
@settings(SETTINGS, max_examples=100 if "CI" in os.environ else 500)
@given(files())
def test_any_params_file_is_planned_or_refused_in_short_lines(workspace, file):
    text, _ = file
    with open("study.yaml", "w", encoding="utf-8") as params:
        params.write(text)
    said = ""
    try:
        with guarded():
            plan = Plan("study.yaml")
            assert plan.items("data") and plan.items("sweep")
    except UserError as error:
        said = str(error)
    lines = said.splitlines()
    assert len(lines) <= 6
    for line in lines:
        assert (FORM.match(line) or FOLDER.match(line)) and len(line) < 400


@pytest.mark.slow
@pytest.mark.timeout(0)
@settings(SETTINGS, max_examples=6)
@given(small_studies())
def test_what_is_accepted_runs(workspace, study):
    """Its data and two of its trainings; how an extreme learning rate ends is a result, too."""
    with open("study.yaml", "w", encoding="utf-8") as params:
        yaml.safe_dump(study, params)
    try:
        plan = Plan("study.yaml")
    except UserError:
        assume(False)
    with guarded():
        (data,), trainings = plan.items("data").values(), list(plan.items("sweep").values())[:2]
        make(plan, data, make_data)
        for item in trainings:
            make(plan, item, sweep)
    for item in trainings:
        results = read_json(plan.folder(item.path) / "results.json")
        assert [run["repeat"] for run in results["repeats"]] == item.config["repeats"]
        assert {run["status"] for run in results["repeats"]} <= {"ok", "unstable"}
