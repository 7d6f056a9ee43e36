"""The choice of a strategy, and memory that does not suffice."""

from dataclasses import replace

import pytest
import torch

from minarch.errors import UserError
from minarch.training import strategy as module
from minarch.training.blocks import fits_into_memory, measure, train_repeats
from minarch.training.stacked.ensemble import FAMILIES, Ensemble, stackable
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy, _sizes, choose, device_of

CPU = torch.device("cpu")


def test_a_stack_that_does_not_fit_is_not_chosen(task, no_answers, monkeypatch):
    genuine = Ensemble.step

    def step(self, pixels, index):
        if self.parameters.repeats > 1:
            raise MemoryError
        genuine(self, pixels, index)

    monkeypatch.setattr(Ensemble, "step", step)
    assert choose(task(), 8, "stacked", CPU).at_once == 1


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (5, [5, 2, 1]), (15, [15, 4, 1]), (100, [32, 8, 2, 1])])
def test_stacks_to_choose_from(count, sizes, task, monkeypatch):
    made = task()
    assert _sizes(made, count) == sizes
    flops = 6 * (64 * 8 + 8 * 10) * made.recipe.batch_size
    for limit, of_one in (("STACK_BYTES", 5 * 4 * made.parameters), ("STACK_FLOPS", flops)):
        monkeypatch.setattr(module, limit, 4 * of_one)
        assert _sizes(made, count) == [size for size in sizes if size <= 4]
        monkeypatch.setattr(module, limit, 0)
        assert _sizes(made, count) == [1]
        monkeypatch.undo()


def test_measuring_halves_too(task, monkeypatch):
    made = task(epochs=1)
    networks = [r.networks["final"] for r in train_repeats(made, range(4), Strategy(4, Products(CPU)))]
    expected, genuine = measure(made, networks, made.validation, Strategy(4, Products(CPU))), Ensemble.measure

    def limited(self, pixels):
        if self.parameters.repeats > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return genuine(self, pixels)

    monkeypatch.setattr(Ensemble, "measure", limited)
    measured = measure(made, networks, made.validation, Strategy(4, Products(CPU)))
    assert measured == [pytest.approx(row, abs=1e-6) for row in expected]


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_every_choice_trains(family, task, no_answers):
    knobs = {"cnn": {"channels": 2}, "vit": {"depth": 1, "width": 4, "heads": 2, "patch": 4}}.get(family)
    made = task(family, knobs, epochs=1)
    for kind, allowed in (("stacked", (1, 4)), ("sequential", (0,)), ("auto", (0, 1, 4))):
        strategy = choose(made, 4, kind, CPU)
        assert strategy.at_once in allowed
        assert [r.repeat for r in train_repeats(made, [3, 1, 4, 5], strategy)] == [3, 1, 4, 5]


def test_what_has_no_stacked_form_says_so(task, no_answers, monkeypatch):
    monkeypatch.delitem(FAMILIES, "cnn")  # as a family of the user's
    made = task("cnn", {"depth": 2, "channels": 2})
    assert choose(made, 2, "auto", CPU).at_once == 0
    with pytest.raises(UserError) as error:
        choose(made, 2, "stacked", CPU)
    assert str(error.value) == (
        "train.strategy: 'stacked' is not allowed, this cnn has no stacked form; allowed: auto, sequential"
    )


VIT = {"depth": 2, "width": 8, "heads": 2, "patch": 4}


@pytest.mark.parametrize(
    ("family", "knobs", "changes", "expected"),
    [
        ("dnn", {"depth": 2, "width": 8}, {}, True),
        ("cnn", {"depth": 2, "channels": 2}, {}, True),
        ("resnet", {"depth": 18, "width": 2}, {}, True),
        ("separable", {"depth": 2, "channels": 2}, {}, True),
        ("vit", VIT, {}, True),
        ("vit", VIT, {"heads": [0, 2], "ffn": [3, 0]}, True),
        ("vit", VIT, {"heads": [], "ffn": []}, True),
    ],
)
def test_what_can_be_stacked_can_be_chosen(family, knobs, changes, expected, task, no_answers):
    whole = task(family, knobs)
    made = replace(whole, spec=whole.spec | changes)
    assert stackable(made.spec) is expected
    assert bool(choose(made, 2, "stacked" if expected else "auto", CPU).at_once) is expected


def test_a_device_that_is_not_there_says_so():
    assert device_of("cpu") == CPU
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="'cuda' is not available on this machine, it must be cpu"):
            device_of("cuda")


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), RuntimeError("can't allocate memory: 9")]
)
def test_out_of_memory_halves_the_block(error, task, monkeypatch):
    sizes, genuine = [], Ensemble.__init__

    def limited(self, spec, networks, recipe, products):
        sizes.append(len(networks))
        if len(networks) > 2:
            raise error
        genuine(self, spec, networks, recipe, products)

    monkeypatch.setattr(Ensemble, "__init__", limited)
    strategy = Strategy(7, Products(CPU))
    results = train_repeats(task(epochs=1), range(7), strategy)
    assert [r.repeat for r in results] == list(range(7)) and all(len(r.curve) == 1 for r in results)
    assert sizes == [7, 3, 1, 2, 2, 2]


def test_blocks_are_few_and_equal(task, monkeypatch):
    sizes, genuine = [], Ensemble.__init__

    def counted(self, spec, networks, recipe, products):
        sizes.append(len(networks))
        genuine(self, spec, networks, recipe, products)

    monkeypatch.setattr(Ensemble, "__init__", counted)
    results = train_repeats(task(epochs=1), range(10), Strategy(4, Products(CPU)))
    assert [r.repeat for r in results] == list(range(10)) and sorted(sizes) == [3, 3, 4]


def test_one_network_too_many_is_one_line_and_other_errors_stay(task, monkeypatch):
    def fail(*_):
        raise failure

    monkeypatch.setattr(Ensemble, "__init__", fail)
    failure = MemoryError()
    with pytest.raises(UserError, match="does not fit into the memory of cpu"):
        train_repeats(task(), [0, 1], Strategy(2, Products(CPU)))
    failure = RuntimeError("a bug")
    with pytest.raises(RuntimeError, match="a bug"):
        train_repeats(task(), [0, 1], Strategy(2, Products(CPU)))


def test_more_repeats_than_memory_is_one_line(task):
    large = task(knobs={"depth": 2, "width": 1000})
    fits_into_memory(large, 1)
    with pytest.raises(UserError, match=r"sweep.repeats: 10000000 repeats of .* allowed: sweep.block of at most \d+"):
        fits_into_memory(large, 10_000_000)
