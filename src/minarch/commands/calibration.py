"""How long the training engine takes on this machine: a few architectures timed, a line through the timings.

The engine chooses its strategy as it will in the sweep, but measures for itself: planning leaves no answers behind. The
steps that it compiles are those that the sweep will take, and are kept.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest
from math import ceil

import numpy as np
import torch
from scipy.optimize import nnls
from threadpoolctl import threadpool_limits

from minarch.commands.effort import Effort, Rate
from minarch.data.tensors import Split
from minarch.flow.cost import seconds_per_image
from minarch.flow.study import Study
from minarch.training.augment import Moves
from minarch.training.loop import Recipe
from minarch.training.memory import keep_freed_memory
from minarch.training.repeats import Task
from minarch.training.stacked.ensemble import stackable
from minarch.training.strategy import choose, device_of, timer

BUDGET_S = 30.0  # after that, only networks that have no timing yet are timed
LONGEST_S = 0.05, 0.5  # of a step of one network, by cost.py's guess, that is timed; and where no stack is to be chosen
STACK_S = 0.01  # of a step of a stack: to choose among larger ones would take too long
TIMED_S, MOST_STEPS = 0.2, 50  # seconds of steps that are timed, and the most
IMAGES = 2048


def calibrate(planned: Sequence[Effort], study: Study) -> dict[str, Rate]:
    """Network -> its rate, from the smallest, the largest that is not too long to time, and a middle architecture."""
    threadpool_limits(1)  # as each job will
    torch.set_num_threads(1)
    keep_freed_memory()
    started, timings = time.perf_counter(), dict[str, list[tuple[int, float]]]()
    networks = dict.fromkeys(effort.network for effort in planned)
    candidates = [_spread([effort for effort in planned if effort.network == network], study) for network in networks]
    for rank in zip_longest(*candidates):  # the smallest of every network first
        for effort in filter(None, rank):
            if effort.network not in timings or time.perf_counter() - started < BUDGET_S:
                timings.setdefault(effort.network, []).append((effort.load, _seconds(effort, study)))
    return {network: fit(pairs) for network, pairs in timings.items()}


def fit(timings: Sequence[tuple[int, float]]) -> Rate:
    """The line, nowhere negative, whose relative errors have the least squares; of one timing, a proportion."""
    load, seconds = np.array(timings).T
    (base, slope), _ = nnls(np.stack([1 / seconds, load / seconds], axis=1), np.ones(len(timings)))
    return Rate(float(base), float(slope), tuple(timings))


def _spread(efforts: Sequence[Effort], study: Study) -> list[Effort]:
    """The smallest, the largest that is not too long, and the middle one by ratio, of different loads."""
    ordered = sorted(efforts, key=lambda effort: effort.load)
    longest = LONGEST_S[study.train.strategy == "sequential" or not stackable(ordered[0].spec)]
    short = [effort for effort in ordered if _guess(effort, study) <= longest] or ordered[:1]
    middle = (short[0].load * short[-1].load) ** 0.5
    chosen = [short[0], short[-1], min(short, key=lambda effort: abs(np.log(effort.load / middle)))]
    return list({effort.load: effort for effort in chosen}.values())


def _guess(effort: Effort, study: Study) -> float:
    """Seconds of a step of one network."""
    return study.train.batch_size * seconds_per_image(effort.network, effort.spec["shape"], effort.load)


def _seconds(effort: Effort, study: Study) -> float:
    """Measured seconds per image and repeat."""
    device, batch = device_of(study.train.device, study.train.precision), study.train.batch_size
    images = _images(effort, max(IMAGES, batch))
    together = effort.together
    if device.type == "cpu":
        together = max(1, min(together, int(STACK_S / _guess(effort, study))))
    epochs = ceil(effort.epochs * effort.images * effort.together / (len(images) * together))  # that last as an item's
    task = Task(effort.spec, {}, images, images, replace(Recipe.of(study.train.model_dump()), epochs=epochs))
    strategy = choose(task, together, study.train.strategy, device)
    run, at_once = timer(task, strategy).step, strategy.at_once or 1
    _timed(run, 1, device)
    count = round(TIMED_S / _timed(run, 1, device))
    seconds = _timed(run, min(max(count, 1), MOST_STEPS), device) / (batch * at_once)
    if task.recipe.augment is None:
        return seconds
    moved = Moves(task.recipe.augment, images.to(device)).moved(0, 1)
    pixels = torch.empty_like(moved.images)
    return seconds + _timed(lambda: moved.fill(pixels), 2, device) / len(images)


def _timed(run: Callable[[], None], count: int, device: torch.device) -> float:
    """Seconds of one of so many steps; the processor's own on a CPU, which others may be using meanwhile."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    started = clock()
    for _ in range(count):
        run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (clock() - started) / count


def _images(effort: Effort, count: int) -> Split:
    """Noise of the data set's shape."""
    channels = effort.spec["shape"][0]
    images = torch.randint(0, 256, (count, *effort.spec["shape"]), dtype=torch.uint8)
    labels = torch.randint(effort.spec["classes"], (count,))
    return Split(images, labels, torch.full((channels,), 127.5), torch.full((channels,), 73.9))
