"""What a run that ended has not made, which Snakemake may not have noticed."""

from minarch.flow.session import unfinished
from minarch.flow.stages import STAGES


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
