"""The line that says how far a run is."""

import pytest

from minarch.flow import progress
from minarch.flow.progress import Progress
from minarch.flow.seal import RECORD


@pytest.fixture
def sweep(workspace, monkeypatch):
    """A stage whose items end when a test says so, by a clock that the test turns."""
    plan = workspace.plan()
    items = list(plan.items("sweep").values())
    assert len(items) > 2
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])

    class Sweep:
        def __init__(self):
            self.costs = [item.resources.seconds for item in items]
            self.line = Progress(plan)

        def begin(self, number):
            plan.folder(items[number].path).mkdir(parents=True)

        def end(self, number):
            (plan.folder(items[number].path) / RECORD).write_text("{}")

        def look(self, seconds):
            clock[0] = seconds
            self.line._tell("sweep")

    return Sweep()


def test_the_time_left_counts_from_when_the_first_item_began(sweep, capsys):
    sweep.look(0)
    sweep.look(100)  # another stage is at work
    sweep.begin(0)
    sweep.look(400)
    sweep.end(0)
    sweep.look(405)
    left = 305 / sweep.costs[0] * sum(sweep.costs[1:])
    assert capsys.readouterr().err == f"sweep: 1 of {len(sweep.costs)} items, {progress._duration(left)} left\n"


def test_what_was_there_before_is_no_progress(sweep, capsys):
    sweep.begin(0)
    sweep.end(0)
    sweep.look(0)
    sweep.begin(1)
    sweep.look(5)
    assert not capsys.readouterr().err
    sweep.end(1)
    sweep.look(65)
    left = 65 / sweep.costs[1] * sum(sweep.costs[2:])
    assert capsys.readouterr().err == f"sweep: 2 of {len(sweep.costs)} items, {progress._duration(left)} left\n"


def test_a_line_is_said_once(sweep, capsys):
    sweep.look(0)
    sweep.begin(0)
    sweep.end(0)
    sweep.look(5)
    sweep.look(10)
    assert len(capsys.readouterr().err.splitlines()) == 1
