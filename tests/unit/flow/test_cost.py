"""What an item is estimated to cost: the closed forms, and that more work costs more."""

import pytest

from minarch.data.catalogue import entry_of
from minarch.flow import cost
from minarch.flow.cost import SPEED, UNKNOWN
from minarch.flow.item import Resources
from minarch.models.build import build
from minarch.models.cost import macs
from minarch.models.families import Family, architecture


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 28, 28)])
@pytest.mark.parametrize(
    ("family", "knobs"),
    [
        ("dnn", {"depth": 1, "width": 3}),
        ("dnn", {"depth": 4, "width": 7}),
        ("cnn", {"channels": 5}),
        ("cnn", {"depth": 2, "channels": 3}),
        ("cnn", {"depth": 3, "channels": 2}),
        ("vit", {"depth": 2, "width": 6, "heads": 3, "patch": 4, "ffn": 3}),
    ],
)
def test_macs_are_what_is_counted_in_the_network(family, knobs, shape):
    kind = architecture(family, knobs)
    assert kind.macs(shape, 10) == macs(build(kind.spec(shape, 10)), shape)


MNIST = (1, 28, 28), 10


def _seconds(family="dnn", knobs=None, count=60_000):
    return cost.seconds(architecture(family, knobs or {"depth": 1, "width": 4}), *MNIST, count)


def test_more_work_costs_more():
    base = _seconds()
    assert _seconds(count=6_000) == pytest.approx(base / 10)
    assert _seconds(knobs={"depth": 1, "width": 400}) > base
    vit = {"depth": 2, "width": 32, "heads": 2, "patch": 4}
    assert _seconds("vit", vit) > _seconds("cnn", {"channels": 4}) > base


def test_images_of_more_pixels_take_longer_where_a_network_is_more_than_its_products():
    small, large = (cost.seconds_per_image("resnet", (1, edge, edge), 10**6) for edge in (8, 32))
    assert small < large < 10 * small


def test_a_folder_is_taken_to_be_smaller_than_mnist():
    assert entry_of("mnist", 32).images == 60_000
    assert entry_of("folder:somewhere/pets", 32).images < 60_000


def test_a_family_that_does_not_tell_its_cost_is_started_first(monkeypatch):
    monkeypatch.setattr(type(architecture("dnn", {"depth": 1, "width": 4})), "macs", Family.macs)
    assert _seconds() == UNKNOWN * 60_000


def test_a_family_of_the_users_may_tell_its_cost(monkeypatch):
    monkeypatch.delitem(SPEED, "dnn")
    assert 0 < _seconds() < UNKNOWN * 60_000


def test_repeats_and_epochs_take_their_time(workspace):
    def longest(**changes):
        return max(item.resources.seconds for item in workspace.plan(**changes).items("sweep").values())

    base = longest(sweep__repeats=2, train__epochs=2)
    assert longest(sweep__repeats=6, train__epochs=2) == pytest.approx(3 * base)
    assert longest(sweep__repeats=2, train__epochs=8) == pytest.approx(4 * base)


def test_what_is_made_of_a_network_takes_as_much_as_its_training(workspace):
    """A cluster must not stop the fine-tuning or the export of a network that it let train."""

    def planned(**changes):
        plan = workspace.plan(**changes)
        for stage in ("representatives", "finalists"):
            workspace.decide(plan, stage, [{"items": [next(iter(plan.items("sweep")))]}])
        parent = next(iter(plan.items("sweep").values()))
        return parent, {stage: [i.resources for i in plan.items(stage).values()] for stage in ("prune", "quantize")}

    changes = {
        "data__datasets": ["cifar10"],
        "train__epochs": 2,
        "sweep__families": {"dnn": {"depth": 1, "width": 900}},
    }
    parent, made = planned(**changes, prune__finetune__epochs=20)
    for resources in made.values():
        assert resources and all(one.memory_mb >= parent.resources.memory_mb for one in resources)
    assert max(one.seconds for one in made["prune"]) > 10 * parent.resources.seconds
    assert min(one.seconds for one in made["quantize"]) > parent.resources.seconds


def test_a_large_network_takes_more_memory(workspace):
    small, large = (
        max(
            i.resources.memory_mb
            for i in workspace.plan(sweep__families={"dnn": {"depth": 2, "width": width}}).items("sweep").values()
        )
        for width in (4, 4_000)
    )
    assert large - small > 4 * 16 * 4_000**2 / 1e6 - 1  # of 4 repeats


@pytest.mark.parametrize("stage", ["data", "refine", "convergence", "representatives"])
def test_what_others_wait_for_is_started_first(workspace, stage):
    plan = workspace.plan(convergence__refine=1)
    workspace.decide(plan, "refine", [])
    trainings = max(item.resources.priority for item in plan.items("sweep").values())
    assert all(item.resources.priority > trainings for item in plan.items(stage).values())


def test_no_key_covers_resources(workspace, monkeypatch):
    before = set(workspace.plan().items("sweep"))
    monkeypatch.setattr(cost, "UNKNOWN", 9.0)
    monkeypatch.setattr(cost, "SPEED", {})
    assert set(workspace.plan().items("sweep")) == before


def test_larger_images_take_more_memory():
    assert cost.memory_mb((3, 32, 32), 50_000) > cost.memory_mb((1, 28, 28), 50_000) > cost.memory_mb((1, 8, 8), 1_000)


@pytest.mark.parametrize("seconds", [0.001, 1.0, 90.0, 86_400.0])
def test_what_others_wait_for_goes_before_the_longest(seconds):
    assert Resources(seconds=1, urgent=True).priority > Resources(seconds=seconds).priority > 0


def test_only_what_trains_on_a_gpu_asks_for_one(workspace):
    for device, gpus in (("cpu", 0), ("cuda", 1)):
        plan = workspace.plan(train__device=device)
        assert {item.resources.gpus for item in plan.items("sweep").values()} == {gpus}
        assert {item.resources.gpus for item in plan.items("weights").values()} == {0}
