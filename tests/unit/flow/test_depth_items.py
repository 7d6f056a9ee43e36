"""Items of stage depth: which there are, what their keys cover, and what a change leaves as it was."""

import pytest

DNN = {"dnn": {"depth": 3, "width": 4}}
RESNET = {"resnet": {"depth": 18, "width": 2}}


@pytest.fixture
def planned(workspace):
    """Makes the names of the items by their titles, of a study with changes to section depth."""

    def make(**changes):
        section = {"architectures": DNN, "methods": {"odn": {}, "paper": {"restart": "warmup", "warmup": 3}}} | changes
        items = workspace.plan(depth=section).items("depth").values()
        return {item.slug.partition("width4-")[2]: item for item in items}

    return make


def test_every_depth_is_trained_alone_and_every_method_searches(planned):
    assert list(planned()) == ["alone-1", "alone-2", "alone-3", "odn", "paper"]
    assert list(planned(controls="full")) == ["alone-3", "odn", "paper"]
    assert list(planned(levels={"dnn": [2]})) == ["alone-2", "alone-3", "odn", "paper"]
    assert planned(architectures={}) == {}


def test_the_sections_defaults_plan_nothing(workspace):
    assert workspace.plan().items("depth") == {}


@pytest.mark.parametrize(
    ("target", "read"), [("full", ["alone-3"]), ("best", ["alone-1", "alone-2", "alone-3"]), (0.9, [])]
)
def test_a_search_reads_what_sets_its_target(planned, target, read):
    items = planned(target=target)
    assert items["odn"].inputs.get("alone", []) == [items[title].path for title in read]


@pytest.mark.parametrize(
    "changes",
    [{"tolerance_points": 2.0}, {"target": "best"}, {"levels": {"dnn": [1, 2]}}, {"compress": ["odn"]}],
    ids=str,
)
def test_depths_trained_alone_stay_whatever_is_searched(planned, changes):
    before, after = planned(), planned(**changes)
    assert all(before[title].name == after[title].name for title in ("alone-1", "alone-2", "alone-3"))


def test_one_more_level_or_method_leaves_the_others(planned):
    fewer, more = planned(levels={"dnn": [2]}), planned()
    assert fewer["alone-2"].name == more["alone-2"].name
    assert planned(methods={"odn": {}})["odn"].name == more["odn"].name


@pytest.mark.parametrize(
    "changes", [{"repeats": 4}, {"train": {"patience": 3}}, {"train": {"epochs": 9}}, {"train": {"seed": 1}}], ids=str
)
def test_another_training_is_another_item(planned, changes):
    before, after = planned(), planned(**changes)
    assert all(before[title].name != after[title].name for title in before)


def test_methods_to_compress_go_on(planned):
    items = planned(compress=["paper"])
    assert [title for title, item in items.items() if item.goes_on] == ["paper"]
    assert items["paper"].name == planned()["paper"].name


def test_where_it_is_trained_is_no_part_of_a_key(workspace):
    plans = [workspace.plan(depth={"architectures": RESNET}, train__device=device) for device in ("cpu", "cuda")]
    one, other = (plan.items("depth") for plan in plans)
    assert list(one) == list(other)
    assert {item.config["train"]["device"] for item in other.values()} == {"cuda"}


def test_deeper_items_start_first(planned):
    items = planned()
    seconds = [items[f"alone-{depth}"].resources.seconds for depth in (1, 2, 3)]
    assert seconds == sorted(seconds) and seconds[0] < seconds[2]
