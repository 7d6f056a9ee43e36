"""Compiled steps equal the plain loop, whatever the structure and optimizer, and are chosen where they pay."""

import copy
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from math import inf
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from minarch.data.tensors import Split
from minarch.models.build import build
from minarch.training import strategy as module
from minarch.training.blocks import measure, train_repeats
from minarch.training.evaluate import evaluate
from minarch.training.fused import available
from minarch.training.fused.plan import Plan
from minarch.training.loop import Recipe, step
from minarch.training.repeats import Repeat
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy, choose, timer

CPU = torch.device("cpu")
ALONE, FUSED = Strategy(0, Products(CPU)), Strategy(0, Products(CPU), fused=True)
SOURCE = Path(__file__).parents[3] / "src"
needs_numba = pytest.mark.skipif(not available.installed(), reason="numba is not installed")
STRUCTURES = [  # shape, classes, channels of a CNN
    ((1, 8, 8), 10, [1]),
    ((1, 8, 8), 2, [4]),
    ((1, 9, 7), 10, [5]),
    ((3, 16, 12), 7, [3, 8, 2]),
    ((2, 12, 19), 11, [6, 4]),
    ((1, 28, 28), 10, [8]),
    ((3, 32, 32), 10, [4, 5, 9]),
]


def spec_of(shape, classes, channels):
    return {"family": "cnn", "shape": list(shape), "classes": classes, "channels": list(channels)}


PERCEPTRONS = [  # shape, classes, hidden
    ((1, 8, 8), 10, [1]),
    ((1, 28, 28), 10, [16, 16]),
    ((3, 5, 3), 11, [3, 9, 6]),
    ((2, 4, 4), 2, [40]),
]
TRANSFORMERS = [  # shape, classes, patch, width, head size, heads, units: whole, cut, and without some parts
    ((1, 8, 8), 10, 4, 16, 8, [2, 2], [32, 32]),
    ((1, 28, 28), 10, 7, 12, 3, [4], [24]),
    ((3, 16, 12), 7, 4, 7, 3, [1, 3, 2], [5, 9, 1]),
    ((2, 8, 4), 2, 2, 1, 1, [1], [1]),
    ((1, 8, 8), 11, 8, 6, 2, [2, 0], [0, 6]),
    ((1, 8, 8), 10, 4, 5, 4, [0, 2], [3, 0]),
    ((1, 8, 8), 10, 4, 8, 4, [0, 0], [0, 6]),
    ((1, 8, 8), 10, 4, 8, 4, [], []),
]
SPECS = [
    *(spec_of(*structure) for structure in STRUCTURES),
    *(
        {"family": "dnn", "shape": list(shape), "classes": classes, "hidden": hidden}
        for shape, classes, hidden in PERCEPTRONS
    ),
    *(
        {"family": "vit", "shape": list(shape), "classes": classes, "patch": patch, "width": width,
         "head_size": head_size, "heads": heads, "ffn": units}
        for shape, classes, patch, width, head_size, heads, units in TRANSFORMERS
    ),
]  # fmt: skip
VIT = {"depth": 2, "width": 8, "heads": 2, "patch": 4}


def noise(shape, classes, count):
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(256, (count, *shape), dtype=torch.uint8, generator=generator)
    labels = torch.randint(classes, (count,), generator=generator)
    return Split(images, labels, torch.linspace(100, 130, shape[0]), torch.linspace(60, 80, shape[0]))


def recipe(batch_size, **changes):
    options = {"epochs": 1, "optimizer": "adam", "learning_rate": 1e-2, "weight_decay": 0.0}
    return Recipe(batch_size=batch_size, **options | changes)


@pytest.mark.parametrize(("shape", "classes", "channels"), STRUCTURES)
def test_a_plan_holds_every_parameter_once_and_its_maps_do_not_overlap(shape, classes, channels):
    plan = Plan(spec_of(shape, classes, channels))
    state = [torch.randn(p.shape).numpy() for p in build(spec_of(shape, classes, channels)).parameters()]
    unpacked = plan.unpacked(plan.packed(state))
    assert all((one.ravel() == other).all() for one, other in zip(state, unpacked, strict=True))
    assert len(plan.packed(state)) == plan.values
    starts = [start for row in plan.layers for start in (row["read"], row["made"], row["slopes"])] + [plan.floats]
    counts = [n for row in plan.layers for n in (row["inputs"], max(row["inputs"], row["outputs"]), row["outputs"])]
    pitches = np.repeat(plan.layers["pitch"], 3)
    assert all(b - a >= n * p for (a, b), n, p in zip(pairwise(starts), counts, pitches, strict=True))


@needs_numba
@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("count", [1, 8, 45])
def test_gradients_are_those_of_float64(spec, count):
    from minarch.training.fused.network import Fused, images_of

    torch.manual_seed(1)
    split, network = noise(spec["shape"], spec["classes"], count), build(spec)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))  # so that norms, too, have weights and biases
    fused = Fused(spec, network, recipe(count))
    fused.epoch(images_of(split), torch.arange(count))
    exact = copy.deepcopy(network).double()
    functional.cross_entropy(exact(split.batch(slice(None)).double()), split.labels).backward()
    largest = max(parameter.grad.abs().max() for parameter in exact.parameters())
    for gradient, parameter in zip(fused.plan.unpacked(fused.net.gradients), exact.parameters(), strict=True):
        expected = parameter.grad.flatten()
        torch.testing.assert_close(torch.from_numpy(gradient).double(), expected, atol=1e-6 * largest, rtol=0)


@needs_numba
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("spec", [spec_of((1, 8, 8), 10, [4]), *SPECS[-8:-6]], ids=str)
def test_each_optimizer_steps_as_torchs(spec, optimizer, weight_decay):
    from minarch.training.fused.network import Fused, images_of
    from minarch.training.loop import optimizer_for

    torch.manual_seed(2)
    split = noise(spec["shape"], spec["classes"], 16)
    how = recipe(16, optimizer=optimizer, weight_decay=weight_decay, learning_rate=1e-2)
    network = build(spec)
    fused, stepper = Fused(spec, network, how), optimizer_for(network.parameters(), how)
    for _ in range(5):
        fused.epoch(images_of(split), torch.arange(16))
        step(network, split, torch.arange(16), stepper)
    for one, other in zip(fused.network().parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    if optimizer == "adam":
        squares = [float(moment.sum()) for moment in fused.plan.unpacked(fused.net.second)]
        expected = [float(stepper.state[parameter]["exp_avg_sq"].sum()) for parameter in network.parameters()]
        assert squares == pytest.approx(expected, rel=1e-5)


@needs_numba
@pytest.mark.parametrize(
    ("family", "knobs"),
    [("cnn", {"channels": 3}), ("cnn", {"depth": 3, "channels": 3}), ("dnn", {"depth": 3, "width": 7}), ("vit", VIT)],
)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("shared", [False, True])
def test_after_100_steps_a_repeat_is_the_one_of_the_plain_loop(family, knobs, optimizer, shared, task):
    made = task(family, knobs, optimizer=optimizer, shared_batches=shared, epochs=8, weight_decay=1e-4)  # 104 steps
    for one, other in zip(*(train_repeats(made, [0, 1, 5], how) for how in (FUSED, ALONE)), strict=True):
        assert (one.repeat, one.seed, one.status, one.best_epoch) == (
            other.repeat, other.seed, other.status, other.best_epoch,
        )  # fmt: skip
        np.testing.assert_allclose(one.curve, other.curve, atol=5e-4)
        for name in ("final", "best"):
            for value, expected in zip(one.networks[name].parameters(), other.networks[name].parameters(), strict=True):
                torch.testing.assert_close(value, expected, atol=2e-3, rtol=0)


@needs_numba
def test_a_falling_rate_a_start_and_an_end_before_time_are_those_of_the_plain_loop(task, monkeypatch):
    made = task("cnn", {"channels": 2}, epochs=4, give_up_after=3)
    made = replace(made, starts={1: build(made.spec)}, measures_train=False)
    monkeypatch.setattr(type(made), "factor", lambda _, result: 0.5 ** len(result.curve))
    monkeypatch.setattr(type(made), "chance", 2.0)
    for one, other in zip(*(train_repeats(made, [0, 1], how) for how in (FUSED, ALONE)), strict=True):
        assert len(one.curve) == len(other.curve) == 3
        np.testing.assert_allclose(one.curve, other.curve, atol=1e-4)


@needs_numba
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("family", "knobs", "name"),
    [
        ("cnn", {"depth": 2, "channels": 5}, "convolutions.0.weight"),
        ("vit", VIT, "embedding.weight"),
        ("vit", VIT, "blocks.0.query.weight"),
        ("vit", VIT, "blocks.1.fc1.weight"),
    ],
)
def test_what_is_not_finite_stays_so_and_is_an_unstable_result(value, family, knobs, name, task):
    made = task(family, knobs, epochs=2)
    start = build(made.spec)
    with torch.no_grad():
        start.get_parameter(name).flatten()[5] = value
    (result,) = train_repeats(replace(made, starts={0: start}), [0], FUSED)
    assert result.status == "unstable" and not np.isfinite([row[2] for row in result.curve]).any()
    assert all(row[3] == 0 for row in result.curve), "what is not a number is never right"
    assert not all(p.isfinite().all() for p in result.networks["final"].parameters())
    assert measure(made, [start], made.validation, FUSED)[0][1] == evaluate(start, made.validation).accuracy


@needs_numba
def test_a_diverging_training_is_what_the_plain_loop_says(task):
    made = task("cnn", {"channels": 4}, optimizer="sgd", learning_rate=1e4, epochs=2)
    assert {r.status for how in (FUSED, ALONE) for r in train_repeats(made, [0, 1], how)} == {"unstable"}


@needs_numba
@pytest.mark.parametrize("family", ["cnn", "dnn", "vit"])
def test_measuring_is_evaluating_each_network(family, task):
    made = task(family, {"cnn": {"depth": 2, "channels": 4}, "dnn": None, "vit": VIT}[family])
    networks = [made.network(Repeat(r, r)) for r in range(3)]
    for split in (made.train, made.validation.thinned(7)):
        for (loss, accuracy), network in zip(measure(made, networks, split, FUSED), networks, strict=True):
            expected = evaluate(network, split)
            assert loss == pytest.approx(expected.loss, abs=1e-5)
            assert accuracy == pytest.approx(expected.accuracy, abs=1e-9)


PROGRAM = """
import hashlib, sys
from pathlib import Path
import torch
from minarch.data.tensors import Split
from minarch.training.blocks import train_repeats
from minarch.training.fused import available
from minarch.training.loop import Recipe
from minarch.training.repeats import Task
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy

if sys.argv[1:]:
    available.keep(Path(sys.argv[1]))
generator = torch.Generator().manual_seed(0)
images = torch.randint(256, (50, 1, 12, 12), dtype=torch.uint8, generator=generator)
split = Split(images, torch.arange(50) % 4, torch.full((1,), 127.0), torch.full((1,), 70.0))
recipe = Recipe(epochs=2, batch_size=21, optimizer="adam", learning_rate=0.01, weight_decay=0.01)
strategy = Strategy(0, Products(torch.device("cpu")), fused=True)
of_any = {"shape": [1, 12, 12], "classes": 4}
cnns = [{"family": "cnn", "channels": channels} for channels in ([6], [3, 5, 8])]
vit = {"family": "vit", "patch": 4, "width": 6, "head_size": 3, "heads": [3, 2], "ffn": [7, 9]}
for sizes in (*cnns, {"family": "dnn", "hidden": [9, 6]}, vit):
    spec = of_any | sizes
    (result,) = train_repeats(Task(spec, {}, split, split, recipe), [0], strategy)
    values = b"".join(t.numpy().tobytes() for t in result.networks["final"].state_dict().values())
    print(hashlib.sha256(values).hexdigest(), result.curve)
from minarch.training.fused.steps import go_through
print("loaded" if go_through.stats.cache_hits else "compiled", file=sys.stderr)
"""


def run(*arguments, **environment):
    """What a new process of the program prints, and what it says of its steps."""
    paths = os.pathsep.join([str(SOURCE), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env={"PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr.strip()


@needs_numba
def test_compiled_anew_or_loaded_the_bytes_are_the_same_and_nothing_is_kept_unasked(tmp_path):
    before = {path for path in SOURCE.rglob("*.nb[ci]")}
    first, again, loaded = run(tmp_path / "one"), run(tmp_path / "other"), run(tmp_path / "one")
    assert first[0] == again[0] == loaded[0]
    assert (first[1], again[1], loaded[1]) == ("compiled", "compiled", "loaded")
    assert {path for path in SOURCE.rglob("*.nb[ci]")} == before


@needs_numba
@pytest.mark.slow
def test_no_kernel_touches_what_lies_outside_its_arrays():
    run(NUMBA_BOUNDSCHECK="1")


@needs_numba
def test_exponentials_and_gelu_have_the_error_that_they_state():
    from minarch.training.fused.compiler import entry
    from minarch.training.fused.gelu import gelu
    from minarch.training.fused.lanes import LANES, load, store
    from minarch.training.fused.operators import exponential

    @entry
    def apply(x, negative, exponentials, values, slopes):
        for p in range(0, len(x), LANES):
            value, slope = gelu(load(x, p))
            store(exponentials, p, exponential(load(negative, p))), store(values, p, value), store(slopes, p, slope)

    x = np.linspace(-12, 12, 32 * 2000, dtype=np.float32)
    negative = np.linspace(-87, 0, len(x), dtype=np.float32)
    exponentials, values, slopes = (np.zeros_like(x) for _ in range(3))
    apply(x, negative, exponentials, values, slopes)
    exact = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    expected = functional.gelu(exact)
    expected.sum().backward()
    np.testing.assert_allclose(exponentials, np.exp(negative.astype(np.float64)), rtol=2e-7)
    for made, of_torch in ((values, expected.detach()), (slopes, exact.grad)):
        assert (np.abs(made - of_torch.numpy()) / (1 + np.abs(x))).max() < 3e-7


def test_compiled_steps_are_chosen_only_where_trainings_last(task, no_answers, monkeypatch):
    short, long = task("cnn", {"channels": 2}), task("cnn", {"channels": 2}, epochs=1000)
    assert not available.lasts(short, 2) and available.lasts(long, 2)
    offered = []
    monkeypatch.setattr(module, "fastest", lambda question, timers: offered.append([str(way) for way in timers]))
    monkeypatch.setattr(available, "find_spec", lambda name: name)
    for made, kind, compiled in (
        (long, "auto", True), (short, "auto", True), (long, "auto", False), (long, "stacked", True),
        (long, "sequential", True), (task("vit", VIT, epochs=1000), "auto", True),
        (task("resnet", {"depth": 20, "width": 2}, epochs=1000), "auto", True),
    ):  # fmt: skip
        choose(made, 2, kind, CPU, compiled=compiled)
    assert ["fused" in ways for ways in offered] == [True, False, False, False, False, True, False]


def test_without_numba_nothing_is_compiled(monkeypatch):
    monkeypatch.setattr(available, "find_spec", lambda name: None)
    assert not available.fusable({"family": "cnn"})


@needs_numba
def test_what_lasts_can_be_timed_and_an_item_says_how_it_was_trained(task, no_answers):
    made = task("cnn", {"channels": 8}, epochs=60)
    assert 0 < timer(made, FUSED)() < inf
    assert FUSED.record()["strategy"] == "fused" and "layout" not in FUSED.record()
