"""The choice of a strategy, memory that does not suffice, and answers that stay."""

import json

import pytest
import torch

from minarch.errors import UserError
from minarch.training import blocks, tuning
from minarch.training.blocks import fits_into_memory, measure, train_repeats
from minarch.training.stacked.ensemble import FAMILIES, Ensemble
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy, choose, device_of
from minarch.training.tuning import fastest

CPU = torch.device("cpu")


def test_the_fastest_way_is_asked_once_and_stays(no_answers):
    calls = []
    ways = {"slow": lambda: calls.append(0) or 2.0, "fast": lambda: calls.append(0) or 1.0}
    assert fastest("which?", ways) == "fast"
    measured = len(calls)
    assert fastest("which?", {"slow": lambda: 0.0, "fast": lambda: 1.0}) == "fast" and len(calls) == measured
    tuning._answers.clear()
    tuning._read = 0  # another process
    assert fastest("which?", {"slow": lambda: 0.0, "fast": lambda: 1.0}) == "fast"
    (line,) = tuning.table().read_text().splitlines()
    assert json.loads(line) == {"question": "which?", "answer": "fast", "seconds": {"slow": 2.0, "fast": 1.0}}


def test_the_first_answer_stands(no_answers):
    def late():
        with tuning.table().open("a") as file:  # another process answers while we measure
            file.write(json.dumps({"question": "which?", "answer": "theirs"}) + "\n")
        return 0.0

    tuning.table().parent.mkdir(parents=True)
    assert fastest("which?", {"ours": late, "theirs": lambda: 1.0}) == "theirs"


def test_a_damaged_table_is_no_answer(no_answers):
    tuning.table().parent.mkdir(parents=True)
    tuning.table().write_bytes(b'not json\n[1]\n{"question": "a"}\n\xff\n{"question": "b", "answer": "x"}\n{"cut off')
    assert fastest("a", {"y": lambda: 0.0, "z": lambda: 1.0}) == "y"
    assert fastest("b", {"y": lambda: 0.0, "z": lambda: 1.0}) == "y"  # no longer a way
    assert fastest("b", {"x": lambda: 0.0, "z": lambda: 1.0}) == "x"


def test_without_a_place_to_write_each_process_asks_for_itself(no_answers):
    (no_answers / "minarch").write_text("a file where the folder should be")
    assert fastest("which?", {"one": lambda: 0.0, "other": lambda: 1.0}) == "one"


def test_a_single_way_is_not_measured(no_answers):
    assert fastest("which?", {"only": lambda: pytest.fail("measured")}) == "only"


def test_a_stack_that_does_not_fit_is_not_chosen(task, no_answers, monkeypatch):
    genuine = Ensemble.step

    def step(self, pixels, index):
        if self.parameters.repeats > 1:
            raise MemoryError
        genuine(self, pixels, index)

    monkeypatch.setattr(Ensemble, "step", step)
    assert choose(task(), 8, "stacked", CPU).at_once == 1


def test_measuring_halves_too(task, monkeypatch):
    made = task(epochs=1)
    networks = [r.networks["final"] for r in train_repeats(made, range(4), Strategy(4, Products(CPU)))]
    expected, genuine = measure(made, networks, made.validation, Strategy(4, Products(CPU))), Ensemble.measure

    def limited(self, pixels):
        if self.parameters.repeats > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return genuine(self, pixels)

    monkeypatch.setattr(Ensemble, "measure", limited)
    found = measure(made, networks, made.validation, Strategy(4, Products(CPU)))
    assert found == [pytest.approx(row, abs=1e-6) for row in expected]


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_every_choice_trains(family, task, no_answers):
    knobs = {"cnn": {"channels": 2}, "vit": {"depth": 1, "width": 4, "heads": 2, "patch": 4}}.get(family)
    made = task(family, knobs, epochs=1)
    for asked, allowed in (("stacked", (1, 4)), ("sequential", (0,)), ("auto", (0, 1, 4))):
        strategy = choose(made, 4, asked, CPU)
        assert strategy.at_once in allowed
        assert [r.repeat for r in train_repeats(made, [3, 1, 4, 5], strategy)] == [3, 1, 4, 5]


def test_what_has_no_stacked_form_says_so(task, no_answers, monkeypatch):
    monkeypatch.delitem(FAMILIES, "cnn")  # as a family of the user's
    made = task("cnn", {"depth": 2, "channels": 2})
    assert choose(made, 2, "auto", CPU).at_once == 0
    with pytest.raises(UserError) as error:
        choose(made, 2, "stacked", CPU)
    assert str(error.value) == (
        "train.strategy: 'stacked' is not allowed, cnn has no stacked form; allowed: auto, sequential"
    )


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

    monkeypatch.setattr(blocks, "Ensemble", fail)
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
