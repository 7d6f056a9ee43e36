"""Training all repeats of an architecture by a strategy, and measuring them."""

import copy
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import TypeVar

import torch
from torch import nn

from minarch.data.tensors import Split
from minarch.errors import UserError
from minarch.models.build import build
from minarch.training.augment import Moves
from minarch.training.evaluate import evaluate
from minarch.training.loop import train
from minarch.training.memory import out_of_memory
from minarch.training.repeats import Repeat, Task, derive_seed
from minarch.training.stacked.ensemble import Ensemble
from minarch.training.stacked.pixels import Pixels
from minarch.training.strategy import LAYOUTS, Strategy

Member = TypeVar("Member")
Result = TypeVar("Result")


def train_repeats(task: Task, repeats: Sequence[int], strategy: Strategy) -> list[Repeat]:
    """Train repeats by a strategy, each as if alone.

    A training that diverges, or ends no better than chance, is a result with status "unstable", never an error. What
    does not fit into memory is trained in halves.

    Raises:
        UserError: one network alone does not fit into memory.
    """

    def train_block(block: Sequence[int]) -> list[Repeat]:
        results = [Repeat(repeat, derive_seed(task.identity, repeat)) for repeat in block]
        started = time.perf_counter()
        if strategy.fused:
            from minarch.training.fused.alone import train_fused  # numba is there only where it was chosen

            train_fused(task, results[0])
        elif strategy.at_once:
            _train_stacked(task, results, strategy)
        else:
            _train_alone(task, results[0], strategy)
        for result in results:
            task.judge(result)
            result.seconds = (time.perf_counter() - started) / len(results)
        return results

    return in_blocks(task, repeats, strategy, train_block)


def in_blocks(
    task: Task, members: Sequence[Member], strategy: Strategy, run_block: Callable[[Sequence[Member]], list[Result]]
) -> list[Result]:
    """Run as few blocks as the strategy allows, as equal as can be; halves once memory was too small.

    Raises:
        UserError: one member alone does not fit into memory.
    """
    waiting, results = _cut(members, strategy.at_once or 1), list[Result]()
    while waiting:
        try:
            results += run_block(waiting[0])
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if len(waiting[0]) == 1:
                raise UserError(
                    f"train.batch_size: {task.recipe.batch_size} of {task.identity} does not fit into the memory of"
                    f" {strategy.device.type}; allowed: less, or fewer parameters"
                ) from error
            waiting = _cut([member for block in waiting for member in block], math.ceil(len(waiting[0]) / 2))
        else:
            waiting.pop(0)
    return results


def _cut(members: Sequence[Member], at_once: int) -> list[Sequence[Member]]:
    parts = math.ceil(len(members) / at_once)
    return [members[len(members) * i // parts : len(members) * (i + 1) // parts] for i in range(parts)]


def fits_into_memory(task: Task, repeats: int) -> None:
    """Raise UserError if what an item keeps (two networks per repeat, and their copy when written) does not fit."""
    of_one = 4 * 4 * task.parameters
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if repeats * of_one > memory:
        raise UserError(
            f"sweep.repeats: {repeats} repeats of {task.spec} need {repeats * of_one / 2**30:,.1f} GiB in one item,"
            f" this machine has {memory / 2**30:,.1f} GiB; allowed: sweep.block of at most {int(memory // of_one)}"
        )


def measure(task: Task, networks: Sequence[nn.Module], split: Split, strategy: Strategy) -> list[tuple[float, float]]:
    """Loss and accuracy of trained networks on a split."""
    if strategy.fused:
        from minarch.training.fused.alone import measure_fused

        return measure_fused(task, networks, split)
    if not strategy.at_once:
        split = split.to(strategy.device)
        evaluations = [evaluate(copy.deepcopy(network).to(strategy.device), split) for network in networks]
        return [(evaluation.loss, evaluation.accuracy) for evaluation in evaluations]
    pixels = Pixels(split, task.spec["classes"], strategy.device)

    def measure_block(block: Sequence[nn.Module]) -> list[tuple[float, float]]:
        ensemble = Ensemble(task.spec, block, task.recipe, strategy.products)
        return list(zip(*(column.tolist() for column in ensemble.measure(pixels)), strict=True))

    return in_blocks(task, networks, strategy, measure_block)


def _train_alone(task: Task, result: Repeat, strategy: Strategy) -> None:
    model = task.network(result).to(strategy.device)
    if strategy.device.type == "cuda":
        torch.cuda.manual_seed_all(result.seed)  # dropout's
    model = model.to(memory_format=LAYOUTS[strategy.layout])  # type: ignore[call-overload]
    split, *measured = (split.to(strategy.device) for split in (task.train, *task.measured))

    def after_epoch(_: int) -> bool:
        evaluations = [evaluate(model, split) for split in measured]
        if result.record(value for evaluation in evaluations for value in astuple(evaluation)):
            result.networks["best"] = copy.deepcopy(model).cpu()
        return task.ended(result)

    train(model, split, task.recipe, task.order(result), after_epoch, factor=lambda: task.factor(result))
    result.networks["final"] = copy.deepcopy(model).cpu()  # without hooks by which a task held its weights


def _train_stacked(task: Task, results: list[Repeat], strategy: Strategy) -> None:
    device, classes = strategy.device, task.spec["classes"]
    pixels = Pixels(task.train, classes, device)
    measured = [Pixels(split, classes, device) for split in task.measured]
    ensemble = task.stack(results, strategy.products)
    best = ensemble.parameters.flat.detach().clone()
    orders = [task.order(result) for result in results][: 1 if task.recipe.shared_batches else None]
    going, moves = results, None if task.recipe.augment is None else Moves(task.recipe.augment, task.train)
    for epoch in range(1, task.recipe.epochs + 1):
        shuffled = [torch.randperm(len(pixels), generator=generator) for generator in orders]
        seen = pixels
        if moves is not None:
            motions = [moves.motions(generator.initial_seed(), epoch) for generator in orders]
            seen = pixels.moved(torch.stack(motions), moves.background)
        ensemble.epoch(seen, torch.stack(shuffled), epoch)
        columns = [column.tolist() for split in measured for column in ensemble.measure(split)]
        rows = zip(*columns, strict=True)
        better = [result.record(row) for result, row in zip(going, rows, strict=True)]
        ensemble.parameters.keep(torch.tensor(better, device=device), best)
        if stopped := [i for i, result in enumerate(going) if task.ended(result)]:
            _store(task, ensemble, best, going, stopped)
            kept = [i for i in range(len(going)) if i not in stopped]
            going = [going[i] for i in kept]
            if not going:
                return
            best = ensemble.parameters.select(best, kept)
            ensemble.select(kept)
            orders = orders if task.recipe.shared_batches else [orders[i] for i in kept]
        ensemble.scale_steps([task.factor(result) for result in going])
    _store(task, ensemble, best, going, range(len(going)))


def _store(task: Task, ensemble: Ensemble, best: torch.Tensor, going: list[Repeat], which: Sequence[int]) -> None:
    """Take the networks of some repeats out of the stack."""
    for i in which:
        for name, flat in (("final", ensemble.parameters.flat), ("best", best)):
            network = build(task.spec)
            network.load_state_dict(ensemble.parameters.state(flat, i))
            going[i].networks[name] = network
