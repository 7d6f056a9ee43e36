"""Items of stage complexity: which there are, what they read, and what a change leaves as it was."""

import pytest

DNN = {"dnn": {"depth": 2, "width": 4}}
VIT = {"vit": {"depth": 1, "width": 4, "heads": 2, "patch": 4}}
NU3 = "nu3-alpha0.5-beta0"
CONTROLS = [f"{NU3}-l1", f"{NU3}-fresh"]


@pytest.fixture
def planned(workspace):
    """Makes the items by their titles, of a study with changes to section complexity."""

    def make(architectures=DNN, **changes):
        section = {"architectures": architectures, "nu": [3]} | changes
        items = workspace.plan(complexity=section).items("complexity").values()
        (whole,) = {item.slug.partition("-full")[0] for item in items if item.config["way"] == "full"}
        return {item.slug.removeprefix(f"{whole}-"): item for item in items}

    return make


def test_an_architecture_is_trained_whole_with_gates_and_by_every_control(planned):
    assert list(planned()) == ["full", "short", NU3, *CONTROLS]
    assert [item.config["way"] for item in planned().values()] == ["full", "short", "gated", "l1", "fresh"]


@pytest.mark.parametrize(
    ("controls", "titles"),
    [
        ([], ["full", NU3]),
        (["swept"], ["full", NU3]),
        (["fresh"], ["full", NU3, f"{NU3}-fresh"]),
        (["l1"], ["full", "short", NU3, f"{NU3}-l1"]),
    ],
    ids=str,
)
def test_only_the_controls_asked_for_are_trained_and_the_short_training_is_that_of_l1(planned, controls, titles):
    assert list(planned(controls=controls)) == titles


def test_every_price_is_an_item_with_controls_of_its_own(planned):
    gated = [f"nu{nu}-alpha{alpha}-beta{beta}" for alpha in (0, 0.5) for beta in (0, 1) for nu in (0.1, 10)]
    items = planned(VIT, nu=[0.1, 10], alpha=[0, 0.5], beta=[0, 1])
    assert list(items) == ["full", "short", *(title + end for title in gated for end in ("", "-l1", "-fresh"))]


@pytest.mark.parametrize("family", [{"dnn": {"depth": 1, "width": 4}}, {"cnn": {"channels": 2}}], ids=str)
def test_families_without_layers_to_leave_out_take_beta_0_alone(planned, family):
    assert [title for title, item in planned(family, beta=[1, 0, 0.5]).items() if item.config["way"] == "gated"] == [
        NU3
    ]


def test_the_sections_defaults_plan_nothing(workspace):
    assert workspace.plan().items("complexity") == {}


def test_a_family_is_trained_on_the_data_sets_that_are_named_and_one_that_is_not_named_on_all(workspace):
    section = {"architectures": DNN | VIT, "datasets": {"dnn": ["mnist"]}, "controls": []}
    plan = workspace.plan(data__datasets=["digits", "mnist"], complexity=section)
    trained = {(item.config["family"], item.config["dataset"]) for item in plan.items("complexity").values()}
    assert trained == {("dnn", "mnist"), ("vit", "digits"), ("vit", "mnist")}


def test_an_architecture_has_only_to_fit_the_data_sets_that_it_is_trained_on(workspace):
    seven = {"vit": {"depth": 1, "width": 4, "heads": 2, "patch": 7}}
    section = {"architectures": seven, "datasets": {"vit": ["mnist"]}}
    assert workspace.plan(data__datasets=["digits", "mnist"], complexity=section).items("complexity")


def test_controls_read_what_they_are_made_from(planned):
    items = planned()
    data = {"data": items["full"].inputs["data"]}
    gated = data | {"gated": items[NU3].path}
    assert items["full"].inputs == items["short"].inputs == items[NU3].inputs == data
    assert items[f"{NU3}-l1"].inputs == gated | {"short": items["short"].path}
    assert items[f"{NU3}-fresh"].inputs == gated


def test_the_short_training_ends_where_gates_are_fixed(planned):
    items = planned(settle=0.25, train={"epochs": 20})
    assert {title: item.config["train"]["epochs"] for title, item in items.items()} == dict.fromkeys(items, 20) | {
        "short": 15
    }


UNGATED = ["full", "short"]


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"nu": [1, 3, 10]}, [*UNGATED, NU3, *CONTROLS]),
        ({"alpha": [1, 0.5]}, [*UNGATED, NU3, *CONTROLS]),
        ({"beta": [0, 1]}, [*UNGATED, NU3, *CONTROLS]),
        ({"controls": ["fresh"]}, ["full", NU3, f"{NU3}-fresh"]),
        ({"compress": True}, [*UNGATED, NU3, *CONTROLS]),
        ({"start": 0.9}, UNGATED),
        ({"travel": 10}, UNGATED),
        ({"explore": 0.1}, UNGATED),
        ({"estimator": "first_order"}, UNGATED),
        ({"heads": False}, UNGATED),
        ({"delay": 0.2}, UNGATED),
        ({"settle": 0.2}, ["full"]),
        ({"repeats": 4}, []),
        ({"train": {"epochs": 31}}, []),
        ({"train": {"epochs": 30, "seed": 1}}, []),
    ],
    ids=str,
)
def test_a_change_makes_again_what_it_reaches_and_nothing_else(planned, changes, same):
    given = {"train": {"epochs": 30}} | changes
    before, after = planned(train={"epochs": 30}), planned(**given)
    assert [title for title, item in before.items() if title in after and after[title].name == item.name] == same


def test_one_more_architecture_leaves_the_others(workspace):
    few, more = (
        set(workspace.plan(complexity={"architectures": {"dnn": {"depth": 2, "width": width}}}).items("complexity"))
        for width in ([4], [4, 8])
    )
    assert few < more and len(more) == 2 * len(few)


def test_what_is_found_goes_on_if_it_is_to_be_compressed_and_no_control_does(planned):
    assert [title for title, item in planned(compress=True).items() if item.goes_on] == [NU3]
    assert not any(item.goes_on for item in planned().values())


def test_where_it_is_trained_is_no_part_of_a_key(workspace):
    ways = [{"train__device": "cpu"}, {"train__device": "cuda"}, {"train__strategy": "sequential"}]
    plans = [workspace.plan(complexity={"architectures": VIT}, **way).items("complexity") for way in ways]
    assert list(plans[0]) == list(plans[1]) == list(plans[2])
    assert {item.config["train"]["device"] for item in plans[1].values()} == {"cuda"}
    assert {item.config["train"]["strategy"] for item in plans[2].values()} == {"sequential"}


def test_precision_is_a_part_of_every_key(workspace):
    plain, rounded = (
        set(workspace.plan(complexity={"architectures": DNN}, **way).items("complexity"))
        for way in ({}, {"train__device": "cuda", "train__precision": "tf32"})
    )
    assert not plain & rounded


def test_wider_networks_more_repeats_and_more_epochs_take_longer(planned):
    seconds = planned()["full"].resources.seconds
    assert planned({"dnn": {"depth": 2, "width": 64}})["full"].resources.seconds > seconds
    assert planned(repeats=10)["full"].resources.seconds == 2 * seconds
    assert planned(train={"epochs": 60})["full"].resources.seconds == 2 * seconds
    assert planned()["short"].resources.seconds < seconds
