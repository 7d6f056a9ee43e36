"""Names of items: what they depend on, and what they do not."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minarch.commands.explain import explain
from minarch.errors import UserError
from minarch.flow.item import Item
from minarch.flow.keys import canonical
from minarch.flow.plan import Plan, sections_of
from minarch.flow.stages import STAGES, reads, waits_for
from minarch.flow.stages.sweep import Sweep
from minarch.flow.study import Study
from minarch.models import families

from study_fields import inner, walk  # isort: skip

REPOSITORY = Path(__file__).parents[3]
FIRST = [stage for stage in STAGES if not waits_for(stage)]
EARLY = [stage for stage in STAGES if "representatives" not in waits_for(stage)]
WIDTHS = st.lists(st.integers(1, 30), min_size=1, max_size=5, unique=True)
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)


def _names(plan: Plan, *stages: str) -> set[str]:
    return {name for stage in stages or EARLY for name in plan.items(stage)}


def _chosen(workspace, **changes) -> Plan:
    """A plan whose decisions are known. The first sweep item is the representative, and the only finalist; sizes that
    were asked for are one more per family.
    """
    plan = workspace.plan(**changes)
    if plan.items("refine"):
        added = [{"dataset": "digits", "family": "dnn", "knobs": {"depth": 1, "width": 6}}]
        workspace.decide(plan, "refine", added)
    for stage in ("representatives", "finalists"):
        workspace.decide(plan, stage, [{"items": [next(iter(plan.items("sweep")))]}])
    return plan


def test_every_combination_has_an_item_with_its_key_in_its_path(workspace):
    items = workspace.plan().items("sweep")
    assert len(items) == 5
    for name, item in items.items():
        slug, _, key = name.rpartition("-")
        assert slug == item.slug
        assert len(key) == 12
        assert item.path == f"sweep/{name}"


@SHARED
@given(WIDTHS, WIDTHS)
def test_one_more_value_in_the_grid_leaves_the_other_items(workspace, some, more):
    before = workspace.plan(sweep__families={"dnn": {"depth": 1, "width": some}})
    after = workspace.plan(sweep__families={"dnn": {"depth": 1, "width": list(dict.fromkeys(some + more))}})
    assert _names(before, "data", "sweep") <= _names(after, "data", "sweep")
    assert (before.index("sweep") == after.index("sweep")) == (set(more) <= set(some))


@SHARED
@given(st.permutations([1, 2, 3, 4]))
def test_the_order_of_the_grid_does_not_count(workspace, widths):
    names = [
        _names(workspace.plan(sweep__families={"dnn": {"width": w, "depth": 1}}), "sweep")
        for w in (widths, [1, 2, 3, 4])
    ]
    assert names[0] == names[1]


def test_a_new_family_leaves_the_other_items(workspace, monkeypatch):
    before = _names(workspace.plan())

    class Wide(families.Dnn):
        name = "wide"

    monkeypatch.setitem(families.FAMILIES, "wide", Wide)
    assert _names(workspace.plan()) == before
    grids = {"dnn": {"depth": [1, 2], "width": [4, 8]}, "cnn": {"channels": 2}, "wide": {"depth": 1, "width": 4}}
    after = _names(workspace.plan(sweep__families=grids), "sweep")
    assert _names(workspace.plan(), "sweep") < after and len(after) == 6


def test_another_data_set_leaves_the_items_of_the_first(workspace):
    one, two = workspace.plan(), workspace.plan(data__datasets=["mnist", "digits"])
    assert _names(one, "data", "sweep") < _names(two, "data", "sweep")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data__root", "/somewhere"),
        ("data__image_size", 64),  # only folders are resized
        ("prune__levels", [0.9]),
        ("quantize__calibration", 8),
        ("aggregate__max_drop_points", 5.0),
    ],
)
def test_what_does_not_reach_an_item_is_not_in_its_name(workspace, field, value):
    assert _names(workspace.plan(**{field: value})) == _names(workspace.plan())


@pytest.mark.parametrize(
    ("field", "value", "first"),
    [
        ("data__seed", 1, "data"),
        ("data__limit", 500, "data"),
        ("data__test", 0.3, "data"),
        ("train__epochs", 3, "sweep"),
        ("train__seed", 3, "sweep"),
        ("weights__near_zero", 0.01, "weights"),
        ("similarity__permutations", 500, "similarity"),
        ("convergence__bootstrap", 500, "convergence"),
        ("representatives__roles", ["minimal"], "representatives"),
    ],
)
def test_what_reaches_an_item_changes_it_and_all_after_it(workspace, field, value, first):
    before, after = workspace.plan(), workspace.plan(**{field: value})
    aside = {
        "weights": ("weights", "similarity"),
        "similarity": ("similarity",),
    }  # what lies beside the way from the sweep to the choice
    planned = [stage for stage in EARLY if _names(before, stage)]  # no sizes are to be added
    reached = aside.get(first, planned[planned.index(first) :])
    same = {stage for stage in planned if _names(before, stage) == _names(after, stage)}
    assert same == set(planned) - set(reached)
    assert not _names(before, *reached) & _names(after, *reached)


def test_the_test_share_counts_only_where_it_is_cut(workspace):
    of = {share: workspace.plan(data__datasets=["mnist", "digits"], data__test=share) for share in (0.2, 0.3)}
    common = _names(of[0.2], "data") & _names(of[0.3], "data")
    assert [name.split("-")[0] for name in common] == ["mnist"]


def test_one_more_pruning_level_leaves_the_other_items(workspace):
    simulated = {"quantize__precisions": ["int8"]}
    few, more = _chosen(workspace, **simulated), _chosen(workspace, **simulated, prune__levels=[0.25, 0.5, 0.75])
    for stage, extra in (("prune", 1), ("quantize", 1)):
        assert _names(few, stage) < _names(more, stage)
        assert len(_names(more, stage) - _names(few, stage)) == extra


def test_the_curve_of_magnitudes_is_apart_from_the_levels(workspace):
    before, after = _chosen(workspace), _chosen(workspace, prune__magnitude_levels=[0, 0.9])
    changed = _names(before, "prune") - _names(after, "prune")
    assert len(changed) == 1 and "magnitude" in changed.pop()


METHODS = {"l1": {}, "iterative": {"schedule": "iterative"}, "fresh": {"weights": "fresh"}}


def _of_method(plan: Plan, name: str) -> list[Item]:
    items = [item for item in plan.items("prune").values() if item.config.get("method") == name]
    return sorted(items, key=lambda item: item.config["level"])


def test_an_iterative_level_reads_the_item_of_the_one_before_and_the_trained_model(workspace):
    plan = _chosen(workspace, prune__methods=METHODS, prune__levels=[0.5, 0.25, 0.75])
    once, again = _of_method(plan, "l1"), _of_method(plan, "iterative")
    model = once[0].inputs["parent"]
    assert [item.config["level"] for item in again] == [0.25, 0.5, 0.75]
    assert [item.inputs["parent"] for item in once] == [model] * 3
    assert [item.inputs["parent"] for item in again] == [model, again[0].path, again[1].path]
    assert [item.inputs.get("origin") for item in again] == [None, model, model]


def test_a_lower_iterative_level_changes_only_those_that_build_on_it(workspace):
    before, after = (_chosen(workspace, prune__methods=METHODS, prune__levels=x) for x in ([0.5], [0.25, 0.5]))
    gone = set(before.items("prune")) - set(after.items("prune"))
    assert gone == {item.name for item in _of_method(before, "iterative")}


def test_a_new_method_leaves_the_other_items_and_a_renamed_one_does_not(workspace):
    few, more = _chosen(workspace), _chosen(workspace, prune__methods=METHODS)
    assert _names(few, "prune") < _names(more, "prune")
    assert len(_names(more, "prune") - _names(few, "prune")) == 4


def test_the_fine_tuning_recipe_reaches_only_what_is_fine_tuned(workspace):
    before = _chosen(workspace, prune__methods=METHODS, prune__magnitude_finetuned=[0.5])
    after = _chosen(workspace, prune__methods=METHODS, prune__magnitude_finetuned=[0.5], prune__finetune={"epochs": 2})
    same = {item.slug for name, item in before.items("prune").items() if name in after.items("prune")}
    assert {slug.split("-r0-3-")[1] for slug in same} == {"fresh-25", "fresh-50", "magnitude"}


def test_only_networks_of_the_methods_named_are_simulated_at_lower_precision(workspace):
    changes = {"prune__methods": METHODS, "quantize__precisions": ["int8"]}
    every, one = (_chosen(workspace, **changes, quantize__pruned=methods) for methods in (None, ["fresh"]))
    assert len(every.items("quantize")) == 1 + 7
    slugs = [item.slug for item in one.items("quantize").values()]
    assert len(slugs) == 1 + 3 and sum("-fresh-" in slug for slug in slugs) == 2


def test_methods_and_simulated_precisions_of_quantization_are_items_apart(workspace):
    methods = {"int8": {}, "careful": {"max_drop_points": 1.0}}
    plain = set(_chosen(workspace).items("quantize"))
    simulated = set(_chosen(workspace, quantize__precisions=["int4"]).items("quantize"))
    coarser = set(_chosen(workspace, quantize__precisions=["int4", "int3"]).items("quantize"))
    both = _chosen(workspace, quantize__precisions=["int4"], quantize__methods=methods).items("quantize")
    assert plain < simulated < set(both)
    assert simulated & coarser == plain
    kinds = [item.config.get("quantization", item.config["kind"]) for item in both.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"int8": 1, "careful": 1, "curve": 1 + 2}, "two levels"


def test_how_files_are_calibrated_does_not_touch_what_is_simulated(workspace):
    before, after = (
        _chosen(workspace, quantize__precisions=["int4"], quantize__calibration=count).items("quantize")
        for count in (8, 9)
    )
    assert {item.config["kind"] for item in before.values() if item.name in after} == {"curve"}
    assert not any(item.config["kind"] == "export" for item in before.values() if item.name in after)


def test_every_exported_file_is_timed_in_one_item_and_how_touches_nothing_else(workspace):
    first, more = (_chosen(workspace, quantize__precisions=["int4"], latency__rounds=rounds) for rounds in (3, 4))
    assert set(first.items("quantize")) == set(more.items("quantize"))
    (one,), (other,) = (plan.items("latency").values() for plan in (first, more))
    exports = [item.path for item in first.items("quantize").values() if item.config["kind"] == "export"]
    assert one.inputs["exports"] == exports and one.name != other.name


def test_the_first_method_alone_keeps_the_float32_files(workspace):
    methods = {"int8": {}, "careful": {"max_drop_points": 1.0}}
    items = _chosen(workspace, quantize__methods=methods).items("quantize").values()
    assert {(item.config["quantization"], item.config["float32"]) for item in items} == {
        ("int8", True),
        ("careful", False),
    }


def test_until_the_sizes_to_add_are_known_what_reads_them_is_not(workspace):
    plan = workspace.plan(convergence__refine=1)
    assert [s for s in STAGES if plan.ready(s)] == list(FIRST)
    index = {s: plan.index(s) for s in STAGES}  # rules name them before anything is known
    plan = _chosen(workspace, convergence__refine=1)
    assert [s for s in STAGES if plan.ready(s)] == list(STAGES)
    assert {s: plan.index(s) for s in STAGES} == index


def test_a_size_that_was_added_is_an_item_like_those_of_the_sweep(workspace):
    without, added = workspace.plan(), _chosen(workspace, convergence__refine=1)
    assert _names(added, "sweep") == _names(without, "sweep")
    (new,) = added.items("refined").values()
    (same,) = (i for i in workspace.plan(sweep__families={"dnn": {"depth": 1, "width": 6}}).items("sweep").values())
    assert (new.identity, new.config, new.inputs, new.slug) == (same.identity, same.config, same.inputs, same.slug)
    (convergence,) = added.items("convergence").values()
    assert new.path in convergence.inputs["sweep"]
    assert not without.items("refine") and not without.items("refined")


def test_an_added_size_that_the_study_does_not_name_is_refused(workspace):
    plan = workspace.plan(convergence__refine=1)
    workspace.decide(plan, "refine", [{"dataset": "digits", "family": "os:path", "knobs": {}}])
    with pytest.raises(UserError, match="os:path is not in the study"):
        plan.items("refined")


def test_until_the_representatives_are_known_later_items_are_not(workspace):
    plan = workspace.plan()
    assert [s for s in STAGES if plan.ready(s)] == list(EARLY)
    assert [s for s in STAGES if _chosen(workspace).ready(s)] == list(STAGES)


@given(st.integers(1, 40), st.integers(1, 40))
def test_blocks_hold_every_repeat_once(repeats, size):
    blocks = Sweep(repeats=repeats, block=size, families={"dnn": {"depth": 1, "width": 1}}).blocks(repeats)
    assert [r for block in blocks for r in block] == list(range(repeats))
    assert all(len(block) == size for block in blocks[:-1])


def test_a_grid_may_have_repeats_of_its_own(workspace):
    grids = [{"depth": 1, "width": [2, 4], "repeats": 6}, {"depth": 1, "width": 8}]
    plan = workspace.plan(sweep__block=2, sweep__repeats=2, sweep__families={"dnn": grids})
    trained = dict[str, list[int]]()
    for item in plan.items("sweep").values():
        trained.setdefault(item.config["knobs"]["width"], []).extend(item.config["repeats"])
    assert trained == {2: list(range(6)), 4: list(range(6)), 8: [0, 1]}
    alone = workspace.plan(sweep__block=2, sweep__repeats=2, sweep__families={"dnn": {"depth": 1, "width": [2, 4, 8]}})
    assert set(alone.items("sweep")) <= set(plan.items("sweep")), "further repeats leave those that were trained"


def test_more_repeats_leave_the_whole_blocks(workspace):
    few, more = (workspace.plan(sweep__block=2, sweep__repeats=n) for n in (4, 6))
    assert _names(few, "sweep") < _names(more, "sweep")


def test_a_folder_is_known_by_what_is_in_it(workspace, tmp_path):
    names = []
    for place in ("one", "elsewhere"):
        for kind in "ab":
            (tmp_path / place / "set" / kind).mkdir(parents=True)
            (tmp_path / place / "set" / kind / "image.png").write_text(kind)
        names.append(_names(workspace.plan(data__datasets=[f"folder:{place}/set"]), "data"))
    assert names[0] == names[1]
    (tmp_path / "other/set").mkdir(parents=True)
    for kind in "ab":
        (tmp_path / "other/set" / kind).mkdir()
        (tmp_path / "other/set" / kind / "image.png").write_text("other")
    assert _names(workspace.plan(data__datasets=["folder:other/set"]), "data") != names[0]


@pytest.mark.parametrize("classes", [(), ("only",)])
def test_a_folder_without_two_classes_is_one_line(workspace, tmp_path, classes):
    (tmp_path / "set").mkdir()
    for kind in classes:
        (tmp_path / "set" / kind).mkdir()
    with pytest.raises(UserError, match=r"data.datasets: 'folder:set' has . class folder\(s\).*allowed: at least 2"):
        workspace.plan(data__datasets=["folder:set"]).items("data")


def test_a_folder_that_is_not_there_is_one_line(workspace):
    with pytest.raises(UserError, match=r"data\.datasets: 'folder:nowhere' is not there; allowed: a directory"):
        workspace.plan(data__datasets=["folder:nowhere"]).items("data")


def test_studies_have_their_own_folders_and_the_same_names(workspace):
    default, other = workspace.plan(), workspace.plan("other.yaml")
    assert (str(default.root), str(other.root)) == ("artifacts", "artifacts/studies/other")
    assert (str(default.reports), str(other.reports)) == ("reports", "reports/studies/other")
    assert _names(default) == _names(other)


OTHER_VALUES: dict[Any, tuple[Any, ...]] = {int: (9,), float: (0.3, 7.0), bool: (True,)}


def _other_studies(workspace, section: str, **more) -> Iterator[Plan]:
    """Plans of the small study with one value of a section changed."""
    for place, kind in walk():
        if place[0] == section and len(place) == 2:
            element = inner(get_args(kind)[0]) if get_origin(kind) is list else kind
            for value in get_args(element) if get_origin(element) is Literal else OTHER_VALUES.get(element, ()):
                with suppress(UserError):
                    yield _chosen(workspace, **more, **{"__".join(place): [value] if element is not kind else value})


@pytest.mark.parametrize("stage", STAGES)
def test_every_section_that_a_stage_declares_counts(workspace, stage):
    """DVC compares the sections that a stage declares, and no others reach its items."""
    more = {"convergence__refine": 1} if stage in ("refine", "refined") else {}
    more |= {"prune__methods": METHODS} if stage == "prune" else {}
    if stage in ("depth", "complexity"):
        more |= {f"{stage}__architectures": {"dnn": {"depth": 2, "width": 4}}}

    def planned(plan: Plan) -> set[str]:
        return {canonical([item.identity, item.config]) for item in plan.items(stage).values()}

    before = planned(_chosen(workspace, **more))
    for section in sections_of(stage):
        assert any(planned(plan) != before for plan in _other_studies(workspace, section, **more)), section


@pytest.mark.parametrize("stage", STAGES)
def test_items_read_only_the_stages_that_theirs_declares(workspace, stage):
    paths = [
        p
        for i in _chosen(workspace).items(stage).values()
        for given in i.inputs.values()
        for p in ([given] if isinstance(given, str) else given)
    ]
    assert {path.partition("/")[0] for path in paths} <= set(reads(stage))


def test_every_section_is_compared_by_some_stage():
    assert {section for stage in STAGES for section in sections_of(stage)} == set(Study.model_fields)


def test_an_item_is_explained_by_its_name_without_the_key(workspace, capsys):
    plan = workspace.plan()
    item = next(iter(plan.items("sweep").values()))
    explain("params.yaml", item.slug)
    said = capsys.readouterr().out
    assert f"item: {item.name}\n" in said
    assert "state: would run: it is not computed yet, nor are 1 of its inputs\n" in said
    workspace.make(plan, "data", "sweep")
    explain("params.yaml", f"artifacts/{item.path}/")
    assert "state: would not run: it is finished and whole\n" in capsys.readouterr().out
    workspace.write(train__epochs=3)
    explain("params.yaml", item.slug)
    assert "changed: configuration.train.epochs: 2 -> 3" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"ITEM: 'digits-dnn' is no item of params\.yaml; it begins 6 names"):
        explain("params.yaml", "digits-dnn")
