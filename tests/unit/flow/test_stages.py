"""What stages declare holds together, whatever stage is added."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from minarch.errors import UserError
from minarch.flow.plan import Plan
from minarch.flow.stages import PUBLISHED, STAGES, reads, waits_for
from minarch.flow.stages.stage import EVERY, NETWORKS
from minarch.flow.study import Study

ORDER = list(STAGES)


@pytest.fixture
def declared(monkeypatch):
    """Stages declared otherwise for one test."""

    def declare(name: str, **changes: object) -> None:
        monkeypatch.setitem(STAGES, name, replace(STAGES[name], **changes))
        for remembered in (reads, waits_for):
            remembered.cache_clear()

    yield declare
    monkeypatch.undo()
    for remembered in (reads, waits_for):
        remembered.cache_clear()


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_says_what_it_makes_in_one_line(name):
    words = STAGES[name].words
    assert words and words == words.strip() and "\n" not in words and len(words) < 100


@pytest.mark.parametrize("name", STAGES)
def test_a_stages_work_is_a_module_that_can_be_run(name):
    assert find_spec(STAGES[name].module) is not None
    assert STAGES[name].items.__module__ == f"minarch.flow.stages.{name}"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_reads_only_what_comes_before_it(name):
    assert all(ORDER.index(stage) < ORDER.index(name) for stage in reads(name))
    assert set(STAGES[name].sections) <= {EVERY, *Study.model_fields}


def test_the_order_of_the_stages_is_that_of_the_sections():
    sections = [name for name in Study.model_fields if name in STAGES]
    assert sections == [name for name in ORDER if name in sections]


def test_what_stages_wait_for_follows_from_what_they_read():
    assert waits_for("sweep") == ()
    assert waits_for("refined") == waits_for("weights") == ("refine",)
    assert waits_for("prune") == waits_for("finalists") == ("refine", "representatives")
    assert waits_for("quantize") == waits_for(PUBLISHED) == ("refine", "representatives", "finalists")


def test_every_and_networks_stand_for_what_comes_before(declared):
    assert reads(PUBLISHED) == tuple(ORDER[: ORDER.index(PUBLISHED)])
    declared("weights", reads=(EVERY,))
    assert reads("weights") == ("data", "sweep", "refine", "refined")
    declared("quantize", reads=(NETWORKS, "data"))
    assert reads("quantize") == ("data", "sweep", "refined", "depth", "complexity", "prune")


def test_a_stage_that_reads_a_later_one_or_none_that_is_there_is_a_bug(declared):
    for name in ("prune", "nowhere"):
        declared("weights", reads=(name,))
        with pytest.raises(LookupError, match=f"stage weights reads {name}"):
            reads("weights")


def test_one_stage_is_published():
    assert [name for name, stage in STAGES.items() if stage.published] == [PUBLISHED] == ["aggregate"]


def test_a_stage_that_decides_has_at_most_one_item():
    assert all(stage.single for stage in STAGES.values() if stage.decides)


def test_a_section_that_has_defaults_may_be_left_out_of_a_study_but_of_the_default_one_not(workspace):
    workspace.write("other.yaml")
    lines = Path("other.yaml").read_text().splitlines()
    for name in ("other.yaml", "params.yaml"):
        Path(name).write_text("\n".join(line for line in lines if line != "similarity: {}"))
    assert set(workspace.plan("whole.yaml").items("similarity")) == set(Plan("other.yaml").items("similarity"))
    with pytest.raises(UserError, match=r"params\.yaml: similarity: missing; allowed: \{\}"):
        Plan("params.yaml")
