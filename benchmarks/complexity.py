"""What training with gates costs and what its cuts save: `python benchmarks/complexity.py [--root FOLDER]`.

Real MNIST, 2,000 images, one thread. A step with gates that move beside a plain step of the same networks, in turn in
one process: ratios of medians. Then whole trainings: plain, with gates, and with gates but cut only when they are
fixed, each beside the others in every round. Ten repeats stacked; of the residual network, which autograd trains, one.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch
from sweep import prepare_data
from threadpoolctl import threadpool_limits

from minarch.complexity import ensemble as gated
from minarch.complexity.gates import Gates
from minarch.complexity.motion import Policy
from minarch.complexity.schedule import Schedule
from minarch.complexity.structure import Structure
from minarch.complexity.train import train_gated
from minarch.gate import task_of
from minarch.models.build import build
from minarch.training.blocks import train_repeats
from minarch.training.memory import keep_freed_memory
from minarch.training.repeats import Repeat, Task
from minarch.training.stacked.ensemble import Ensemble
from minarch.training.stacked.pixels import Pixels
from minarch.training.stacked.products import Products
from minarch.training.stacked.single import Single
from minarch.training.strategy import Strategy

BATCH, STEPS, ROUNDS, TRAININGS, EPOCHS, NU = 64, 20, 11, 3, 10, 3.0
CASES: list[tuple[str, dict[str, int], float, int]] = [  # family, knobs, beta, repeats
    ("dnn", {"depth": 2, "width": 32}, 0.0, 10),
    ("dnn", {"depth": 2, "width": 128}, 0.0, 10),
    ("cnn", {"depth": 2, "channels": 4}, 0.0, 10),
    ("vit", {"depth": 2, "width": 32, "heads": 4, "patch": 7}, 0.5, 10),
    ("resnet", {"depth": 18, "width": 4}, 0.5, 1),
]


class Plain(Ensemble):
    """The same networks without gates; one alone by autograd."""

    def gradients_of(self, parameters: Any) -> Any:
        return (
            Single(parameters, build(self.spec), self.spec["shape"]) if self.alone else super().gradients_of(parameters)
        )

    def __init__(self, task: Task, repeats: int) -> None:
        self.alone = repeats == 1
        networks = [task.network(Repeat(repeat, repeat)) for repeat in range(repeats)]
        super().__init__(task.spec, networks, task.recipe, Products(torch.device("cpu")))


def with_gates(task: Task, repeats: int, policy: Policy) -> gated.GatedEnsemble:
    """Networks whose gates move."""
    generators = [torch.Generator().manual_seed(repeat) for repeat in range(repeats)]
    gates = Gates(Structure(build(task.spec), heads=True), policy, generators, 10_000)
    gates.moving = True
    networks = [task.network(Repeat(repeat, repeat)) for repeat in range(repeats)]
    products = Products(torch.device("cpu"), coarse=True)
    return gated.GatedEnsemble(gates, networks, task.recipe, products, stacked=repeats > 1)


def of_steps(task: Task, repeats: int, policy: Policy) -> tuple[float, float]:
    """Milliseconds of a plain step and of one with gates."""
    pixels = Pixels(task.train, task.spec["classes"], torch.device("cpu"))
    both, seconds = (Plain(task, repeats), with_gates(task, repeats, policy)), ([], [])
    for number in range(ROUNDS + 1):  # the first measures which library multiplies fastest
        for ensemble, of_ensemble in zip(both, seconds, strict=True):
            index = torch.randint(len(pixels), (STEPS, repeats, BATCH))
            began = time.perf_counter()
            for batch in index:
                ensemble.step(pixels, batch)
            of_ensemble += [time.perf_counter() - began] if number else []
    plain, moving = (1e3 * median(of_ensemble) / STEPS for of_ensemble in seconds)
    return plain, moving


def of_trainings(task: Task, repeats: int, policy: Policy) -> dict[str, float]:
    """Seconds of whole trainings, medians of the rounds, and the share of the MACs that gates left to train."""
    strategy = Strategy(repeats if repeats > 1 else 0, Products(torch.device("cpu")))
    structure, schedule = Structure(build(task.spec), heads=True), Schedule.of(EPOCHS, 0.1, 0.3)
    coarse, shares = replace(strategy, products=Products(torch.device("cpu"), coarse=True)), []

    def train_with(worthwhile: float) -> None:
        gated.WORTHWHILE = worthwhile
        results = train_gated(task, range(repeats), coarse, structure, policy, schedule)
        shares.append(fmean(trained for result in results for trained, *_ in result.costs) / task.macs)

    ways: dict[str, Callable[[], object]] = {
        "plain": lambda: train_repeats(task, range(repeats), strategy),
        "uncut": lambda: train_with(0.0),
        "gated": lambda: train_with(0.9),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(TRAININGS + 1):
        for way, run in ways.items():
            began = time.perf_counter()
            run()
            seconds[way] += [time.perf_counter() - began] if number else []
    return {way: median(of_way) for way, of_way in seconds.items()} | {"share": shares[-1]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", metavar="FOLDER", help="holds torchvision's MNIST files (default: data/downloads)")
    root = parser.parse_args().root
    threadpool_limits(1)
    torch.set_num_threads(1)
    keep_freed_memory()
    columns = (
        "plain step, ms",
        "with gates",
        "ratio",
        "training, s",
        "with gates",
        "cut late",
        "ratio",
        "saved",
        "MACs",
    )
    print(f"{'':34}" + "".join(f"{column:>15}" for column in columns))
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as name:
        data = prepare_data(Path(name) / "mnist", root, limit=2_500)
        for family, knobs, beta, repeats in CASES:
            training = {"epochs": EPOCHS, "batch_size": BATCH, "optimizer": "adam", "learning_rate": 3e-3}
            training |= {"weight_decay": 0.0, "seed": 0}
            task = task_of({"dataset": "mnist", "family": family, "knobs": knobs, "train": training}, data)
            policy = Policy(nu=NU, alpha=0.5, beta=beta)
            plain, moving = of_steps(task, repeats, policy)
            took = of_trainings(task, repeats, policy)
            title = f"{family} {' '.join(f'{knob}{value}' for knob, value in knobs.items())}"
            numbers = (f"{plain:.2f}", f"{moving:.2f}", f"{moving / plain:.2f}", f"{took['plain']:.2f}")
            numbers += (f"{took['gated']:.2f}", f"{took['uncut']:.2f}", f"{took['gated'] / took['plain']:.2f}")
            numbers += (f"{1 - took['gated'] / took['uncut']:.0%}", f"{took['share']:.2f}")
            print(f"{title:34}" + "".join(f"{number:>15}" for number in numbers), flush=True)


if __name__ == "__main__":
    main()
