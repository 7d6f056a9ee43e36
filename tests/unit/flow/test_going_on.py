"""What an earlier stage passes on: pruned by every method that can, and quantized, whichever stage it is of. Its pruned
forms are only simulated at lower precision, finalists only exported.
"""

from dataclasses import replace

import pytest

from minarch.flow.decision import Decided
from minarch.flow.item import Item, Resources
from minarch.flow.stages import prune, quantize
from minarch.flow.stages.prune import Prune
from minarch.flow.stages.quantize import Quantize
from minarch.flow.stages.stage import Before
from minarch.flow.stages.train import Sweeping

METHODS = {
    "l1": {},
    "step": {"schedule": "iterative"},
    "macs": {"importance": "learned", "scope": "global", "target": "macs"},
    "lottery": {"weights": "rewound"},
    "fresh": {"weights": "fresh"},
}
PRUNE = Prune.model_validate(
    {
        "levels": [0.5, 0.25],
        "methods": METHODS,
        "finetune": {"epochs": 3},
        "magnitude_levels": [0, 0.5],
        "magnitude_finetuned": [0.5],
        "sensitivity_levels": [0.5],
    }
)
TRAIN = Sweeping.model_validate({"epochs": 7})
SEARCHED = "digits-resnet-depth18-width4-stemcifar-odn"


def network(stage: str, slug: str, *, goes_on: bool) -> Item:
    """An item that trained networks for 10 epochs in 20 seconds; "method" is what its own stage calls so."""
    config = {"method": "odn", "train": {"epochs": 10}}
    return Item(
        stage=stage,
        module="minarch.sweep",
        slug=slug,
        identity=config,
        config=config,
        inputs={"data": "data/digits-0"},
        extra_code=(("mine", "abc"),),
        resources=Resources(seconds=20.0),
        goes_on=goes_on,
    )


@pytest.fixture
def before():
    """One representative, and of a stage `depth` a search that goes on, one that does not, and a control."""
    swept = network("sweep", "digits-dnn-depth1-width8-r0-1", goes_on=False)
    grown = [network("depth", SEARCHED, goes_on=True), network("depth", f"{SEARCHED}2", goes_on=False)]
    grown.append(network("depth", "digits-resnet-depth18-width4-stemcifar-alone-8", goes_on=False))
    decided = Decided(None, [{"items": [swept.name]}])
    items = {"data": [], "sweep": [swept], "refined": [], "depth": grown}
    decisions = {"representatives": decided, "finalists": Decided(None, [])}
    return Before(study="s", items=items, decisions=decisions, single=frozenset())


@pytest.fixture
def cut(before):
    """The items of stage prune of the search that goes on, and of the representative."""
    items = list(prune.items(before, prune=PRUNE, train=TRAIN))
    of_search = [item for item in items if item.slug.startswith(SEARCHED)]
    return of_search, [item for item in items if item not in of_search]


def test_what_goes_on_is_pruned_by_every_method_but_those_that_rewind_and_has_no_curves(cut):
    titles = [f"{name}-{level}" for name in ("l1", "step", "macs", "fresh") for level in (25, 50)]
    assert [item.slug for item in cut[0]] == [f"{SEARCHED}-{title}" for title in titles]
    assert all(item.config["kind"] == "structured" and item.goes_on for item in cut[0])


def test_representatives_are_pruned_as_if_nothing_else_went_on(before, cut):
    alone = Before(
        study="s",
        items=before.items | {"depth": []},
        decisions=before.decisions,
        single=before.single,
    )
    assert list(prune.items(alone, prune=PRUNE, train=TRAIN)) == cut[1]
    assert {item.config.get("method") for item in cut[1] if item.goes_on} == set(METHODS)


def test_what_goes_on_is_read_trained_and_hurried_like_a_representative(before, cut):
    search = before.items["depth"][0]
    given = {"data": "data/digits-0", "parent": search.path}
    by_slug = {item.slug.removeprefix(f"{SEARCHED}-"): item for item in cut[0]}
    assert all(item.inputs == given for title, item in by_slug.items() if title != "step-50")
    assert by_slug["step-50"].inputs == given | {"parent": by_slug["step-25"].path, "origin": search.path}
    assert {item.extra_code for item in cut[0]} == {search.extra_code}
    assert (by_slug["l1-50"].config["training"]["epochs"], by_slug["fresh-50"].config["training"]["epochs"]) == (3, 7)
    assert by_slug["l1-50"].resources.seconds == prune.OVERHEAD_S + 2.0 * 3


@pytest.mark.parametrize(("pruned", "forms"), [(None, 8), (["l1", "lottery"], 2), ([], 0)])
def test_what_goes_on_is_quantized_itself_and_simulated_in_the_pruned_forms_that_are_named(before, cut, pruned, forms):
    everything = Before(
        study="s",
        items=before.items | {"prune": cut[0]},
        decisions=before.decisions,
        single=before.single,
    )
    section = Quantize.model_validate({"pruned": pruned, "precisions": ["int8"]})
    items = list(quantize.items(everything, quantize=section))
    parents = [item.inputs["parent"] for item in items]
    search = before.items["depth"][0].path
    assert [item.slug for item in items if item.inputs["parent"] == search] == [
        f"{SEARCHED}-int8",
        f"{SEARCHED}-precision",
    ]
    assert set(parents) - {search, before.items["sweep"][0].path} <= {item.path for item in cut[0]}
    assert len(parents) == 2 * (1 + 1) + forms
    exported = {item.inputs["parent"] for item in items if item.config["kind"] == "export"}
    assert exported == {search, before.items["sweep"][0].path}, "what is pruned is exported as a finalist or not at all"


def test_finalists_are_exported_by_every_method_once_and_nothing_else_is_done_with_them(before, cut):
    alone, other = before.items["depth"][2], cut[1][0]
    finalists = [{"items": [item.name]} for item in (before.items["sweep"][0], alone, other)]
    decisions = before.decisions | {"finalists": Decided(None, finalists)}
    everything = replace(before, items=before.items | {"prune": cut[1]}, decisions=decisions)
    section = Quantize.model_validate({"pruned": ["fresh"], "precisions": ["int8"], "methods": {"a": {}, "b": {}}})
    without = list(quantize.items(replace(everything, decisions=before.decisions), quantize=section))
    items = list(quantize.items(everything, quantize=section))
    names = {item.name for item in without}
    assert names < {item.name for item in items}, "a representative is exported as it was"
    further = [item for item in items if item.name not in names]
    assert [(item.inputs["parent"], item.config["quantization"]) for item in further] == [
        (parent.path, method) for parent in (alone, other) for method in ("a", "b")
    ]
