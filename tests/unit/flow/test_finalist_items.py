"""The item of stage finalists: which networks it may choose from, whichever stage makes them."""

import pytest

MAKERS = ("sweep", "refined", "depth", "complexity", "prune")
METHODS = {"l1": {}, "lot": {"importance": "random"}, "again": {"weights": "rewound"}, "anew": {"weights": "fresh"}}


@pytest.fixture
def planned(workspace):
    """Makes the plan of a study with every stage that makes networks, whose first architecture goes on."""

    def make(**changes):
        tower = {"dnn": {"depth": 2, "width": 4}}
        plan = workspace.plan(
            depth={"architectures": tower, "methods": {"odn": {}}, "compress": ["odn"]},
            complexity={"architectures": tower, "nu": [1], "compress": True},
            prune__methods=METHODS,
            convergence__refine=1,
            **changes,
        )
        workspace.decide(plan, "refine", [{"dataset": "digits", "family": "dnn", "knobs": {"depth": 1, "width": 6}}])
        workspace.decide(plan, "representatives", [{"items": [next(iter(plan.items("sweep")))]}])
        return plan

    return make


def item_of(plan):
    (item,) = plan.items("finalists").values()
    return item


def test_it_may_choose_from_every_network_that_is_no_control(planned):
    plan = planned()
    read = item_of(plan).inputs["networks"]
    networks = {stage: [item for item in plan.items(stage).values() if item.path in read] for stage in MAKERS}
    assert networks["sweep"] == list(plan.items("sweep").values())
    assert networks["refined"] == list(plan.items("refined").values()) != []
    assert [item.config["way"] for item in networks["depth"]] == ["alone", "alone", "odn"]
    assert [item.config["way"] for item in networks["complexity"]] == ["full", "gated"]
    assert {item.config["method"] for item in networks["prune"]} == {"l1", "again", "anew"}
    cut = [item for item in plan.items("prune").values() if item.config.get("method") in ("l1", "again", "anew")]
    assert networks["prune"] == cut, "of what a search and gates found, too; no curve makes a network"
    assert len(read) == sum(map(len, networks.values()))


def test_what_the_study_lists_besides_enters_its_key_and_what_is_only_compared_with_does_not(planned):
    names = {item_of(planned(sweep__repeats=repeats)).name for repeats in (4, 5)}
    assert len(names) == 2
    with_fewer, with_more = (
        item_of(planned(prune__magnitude_levels=levels)).name for levels in ([0, 0.5], [0, 0.5, 0.9])
    )
    assert with_fewer == with_more


@pytest.mark.parametrize(("within", "drop", "points"), [(3.0, 1.0, 3.0), (2.0, 5.0, 5.0)])
def test_what_the_answer_may_lose_is_within_the_bound(planned, within, drop, points):
    item = item_of(planned(finalists__within_points=within, aggregate__max_drop_points=drop))
    assert item.config["within_points"] == points


def test_finalists_are_in_the_plan_of_exports_once_they_are_known(planned, workspace):
    plan = planned()
    assert not plan.ready("quantize") and plan.ready("finalists")
    chosen = [name for name in plan.items("depth") if "alone-1" in name]
    workspace.decide(plan, "finalists", [{"items": chosen}])
    exported = [item for item in plan.items("quantize").values() if item.inputs["parent"] == f"depth/{chosen[0]}"]
    assert [item.config["kind"] for item in exported] == ["export"]


def test_a_target_is_in_the_keys_of_what_judges_by_it_and_a_default_in_none(planned):
    plain, default = planned(), planned(convergence__target=None, convergence__trainings=1)
    asked = planned(convergence__target=0.9, convergence__trainings=10)
    for stage in ("convergence", "refine", "representatives", "finalists"):
        (before,), (same,), (other,) = (plan.items(stage).values() for plan in (plain, default, asked))
        assert before.path == same.path != other.path
        assert not {"target", "trainings"} & set(before.identity)
    assert plain.items("sweep").keys() == asked.items("sweep").keys()
    wanted = {"failure_share", "confidence", "within_points"}
    assert set(item_of(plain).config) == wanted and set(item_of(asked).config) == wanted | {"target", "trainings"}
