"""What a run that ended has not made, which Snakemake may not have noticed."""

from minarch.flow.session import not_listed, unfinished
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
