"""A study is called as its file: what no folder, pattern or command line can hold is told in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minarch.errors import UserError
from minarch.flow.plan import Plan

SOURCE = Path(__file__).parents[3] / "src"


@pytest.mark.parametrize("name", ["ü", "日本", "a b", "a(1)", "a+b=c@d,e", "2", "a.b", "_a", "a-", "x" * 200])
def test_a_name_that_works_is_allowed(workspace, name):
    plan = workspace.plan(f"{name}.yaml")
    assert plan.name == name and plan.root == Path("artifacts/studies", name)


WRONG = [
    "-n",
    "{x}",
    "",
    ".",
    "..",
    " a",
    "it's",
    'a"b',
    "a\nb",
    "a\tb",
    "a;b",
    "a*",
    "a?",
    "[a]",
    "$a",
    "a\\b",
    "a:b",
    "~",
]
WRONG += ["\0", "\udcff", "c\nd/a", "x" * 201, "ü" * 101]


@pytest.mark.parametrize("file", [*(f"{name}.yaml" for name in WRONG), "-a/b.yaml", "", ".", "..", "/"])
def test_a_name_that_cannot_work_is_one_line(workspace, file):
    with pytest.raises(UserError, match=r"^--study: .* is not allowed; allowed: a file name of letters") as error:
        Plan(file)
    assert len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 300


def test_the_default_study_has_its_name_alone(workspace):
    workspace.write()
    assert Plan("params.yaml").name == Plan(str(Path("params.yaml").resolve())).name == "default"
    os.mkdir("other")
    for file in ("default.yaml", "other/params.yaml"):
        workspace.write(file)
        with pytest.raises(UserError, match="has the default study's name; allowed: any other file name"):
            Plan(file)


@pytest.mark.parametrize(
    "arguments", [["--study=-n.yaml"], ["--study", "{x}.yaml"], ["--study", "pipe"], ["--study", "."]]
)
def test_a_command_ends_in_the_line(workspace, arguments):
    os.mkfifo("pipe")
    done = subprocess.run(
        [sys.executable, "-m", "minarch", "status", *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and "allowed: a" in done.stderr
