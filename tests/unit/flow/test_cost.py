"""What an item is estimated to cost: the closed forms, and that more work costs more."""

from types import SimpleNamespace

import pytest

from minarch.flow.cost import SPEED, UNKNOWN, seconds
from minarch.flow.plan import Plan
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


def _item(family="dnn", knobs=None, repeats=3, epochs=2, dataset="mnist"):
    config = {"family": family, "knobs": knobs or {"depth": 1, "width": 4}, "dataset": dataset}
    config |= {"repeats": list(range(repeats)), "train": {"epochs": epochs}}
    return SimpleNamespace(config=config)


def _study(limit=None):
    data = SimpleNamespace(limit=limit, datasets=["mnist", "folder:somewhere/pets"])
    return SimpleNamespace(data=data, shape=lambda name: ((1, 28, 28), 10))


def test_more_work_costs_more():
    study = _study()
    base = seconds(_item(), study)
    assert seconds(_item(repeats=6), study) == pytest.approx(2 * base)
    assert seconds(_item(epochs=6), study) == pytest.approx(3 * base)
    assert seconds(_item(knobs={"depth": 1, "width": 400}), study) > base
    assert seconds(_item(), _study(6_000)) == pytest.approx(base / 10)
    vit = {"depth": 2, "width": 32, "heads": 2, "patch": 4}
    assert seconds(_item("vit", vit), study) > seconds(_item("cnn", {"channels": 4}), study) > base
    assert seconds(_item(dataset="pets"), study) < base  # a folder is taken to be smaller than MNIST


def test_a_family_that_does_not_tell_its_cost_is_started_first(monkeypatch):
    monkeypatch.setattr(type(architecture("dnn", {"depth": 1, "width": 4})), "macs", Family.macs)
    study = _study()
    assert seconds(_item(), study) == UNKNOWN * 60_000 * 2 * 3


def test_a_family_of_the_users_may_tell_its_cost(monkeypatch):
    monkeypatch.delitem(SPEED, "dnn")
    assert 0 < seconds(_item(), _study()) < UNKNOWN * 60_000 * 2 * 3


def test_every_item_of_a_study_has_a_cost():
    plan = Plan("params.yaml")
    assert all(seconds(item, plan.study) > 0 for item in plan.items("sweep").values())
