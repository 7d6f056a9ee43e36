"""The options of the recipe in a study: what they leave as it is, and where they hold."""

import pytest

from minarch.data.catalogue import CATALOGUE
from minarch.flow import cost
from minarch.flow.config import load
from minarch.flow.stages.train import Recipe, Sweeping
from minarch.pruning.retraining import Retraining
from minarch.training import loop

DEFAULTS = {"schedule": "constant", "warmup": 0, "label_smoothing": 0.0, "augment": None}
ALL = {"schedule": "cosine", "warmup": 1, "label_smoothing": 0.05, "augment": {"shift": 1, "rotate": 5}}


def test_defaults_spelled_out_keep_every_key(workspace):
    plain, spelled = (
        workspace.plan(f"{name}.yaml", **changes) for name, changes in (("one", {}), ("two", _all(DEFAULTS)))
    )
    for stage in ("data", "sweep"):
        assert list(plain.items(stage)) == list(spelled.items(stage))
    assert not DEFAULTS.keys() & Sweeping.model_validate({"epochs": 3}).identity().keys()


@pytest.mark.parametrize("option", ALL)
def test_each_option_is_in_the_key_of_what_is_trained_by_it(option, workspace):
    plain, other = workspace.plan("one.yaml"), workspace.plan("two.yaml", **{f"train__{option}": ALL[option]})
    assert list(plain.items("data")) == list(other.items("data"))
    assert not plain.items("sweep").keys() & other.items("sweep").keys()


def test_what_an_item_is_told_is_the_recipe_that_the_study_says(workspace):
    plan = workspace.plan(**_all(ALL), prune__finetune__epochs=2)
    expected = loop.Recipe.of(
        {"epochs": 2, "batch_size": 64, "optimizer": "adam", "learning_rate": 1e-3} | {"weight_decay": 0.0} | ALL
    )
    for item in plan.items("sweep").values():
        assert loop.Recipe.of(item.config["train"]) == expected
    training = Recipe.model_validate({"epochs": 2, **ALL})
    assert loop.Recipe.of(training.identity()) == loop.Recipe.of(training.model_dump()) == expected


def test_what_is_rewound_goes_on_in_the_schedule():
    """New weights, and those that are only tuned, begin it."""
    training = Sweeping.model_validate({"epochs": 10, "schedule": "cosine", "warmup": 2}).identity()
    for weights, rewind in (("rewound", 4), ("rewound", 0), ("fresh", 0), ("trained", 0)):
        config = {"training": training | {"epochs": 10 - rewind}, "weights": weights, "rewind": rewind}
        recipe = Retraining.of(config, {}, None).recipe
        assert recipe.rates(1, 7) == loop.Recipe.of(training).rates(1 + rewind, 7)


def test_a_mirror_image_is_allowed_where_it_shows_the_same_class(workspace):
    mirrored = {name for name, entry in CATALOGUE.items() if entry.mirrors}
    assert mirrored == {"fashion-mnist", "cifar10", "cifar100"}
    for name in (*mirrored, "folder:pets"):
        path = workspace.write(data__datasets=[name], train__augment={"flip": True})
        assert load(path).train.augment.flip


def test_moving_images_takes_time_and_memory(workspace):
    plain, moved = (
        workspace.plan(f"{name}.yaml", data__datasets=["mnist"], **changes)
        for name, changes in (("one", {}), ("two", {"train__augment": {"shift": 2}}))
    )
    for one, other in zip(plain.items("sweep").values(), moved.items("sweep").values(), strict=True):
        more = other.resources.seconds - one.resources.seconds
        assert more == pytest.approx(2 * 4 * cost.moving_seconds((1, 28, 28), 60_000))
        assert 40 < other.resources.memory_mb - one.resources.memory_mb < 50


def _all(options):
    return {f"{section}__{name}": value for section in ("train", "prune__finetune") for name, value in options.items()}
