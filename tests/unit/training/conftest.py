"""Digits in memory, and tasks on them."""

import pytest

from minarch.models.families import architecture
from minarch.training import tuning
from minarch.training.answers import Answers
from minarch.training.loop import Recipe
from minarch.training.repeats import Task

RECIPE = {"epochs": 3, "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-2, "weight_decay": 0.0}
CONFIGURATION = {"dataset": "digits", "seed": 0}


@pytest.fixture
def task(splits):
    """Makes a task: a family with knobs, and changes to the recipe."""

    def make(family="dnn", knobs=None, **changes):
        spec = architecture(family, knobs or {"depth": 1, "width": 8}).spec([1, 8, 8], 10)
        return Task(spec, CONFIGURATION, *splits, Recipe(**RECIPE | changes))

    return make


@pytest.fixture
def no_answers(monkeypatch):
    """A process in which nothing was measured yet, and that keeps nothing."""
    monkeypatch.setattr(tuning, "_answers", Answers())
