"""What a sweep costs: `python benchmarks/sweep.py [--rounds 3] [--only TEXT] [--json FILE]`.

Four ways to train the same architectures, in turn in every round, measured after each epoch, results written:
  naive    what a beginner would write: torchvision's transforms, DataLoader, Adam, default threads, one model after the
           other in one process; in one round only;
  better   a good plain loop: normalised images in memory, fused Adam, one process of one thread per core;
  own      this package, every repeat with its own order of the images;
  shared   the same with one order for all repeats of an architecture (train.shared_batches: true).
The unit is the wall time of the whole divided by its trainings and epochs. A ratio is the median of the rounds' ratios,
with the least and the most. Images are drawn, in the shapes and numbers of MNIST, CIFAR-10 and scikit-learn's digits.
On some cores only: `taskset -c 3 python benchmarks/sweep.py`.
"""

import argparse
import importlib
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import torch
from joblib import cpu_count
from loops import COUNTS, RATE, better, draw, naive
from threadpoolctl import threadpool_limits

from minarch.data.__main__ import work as make_data
from minarch.models.families import architecture
from minarch.models.families.base import Spec
from minarch.sweep import work as make_item
from minarch.training.fused import available
from minarch.training.tuning import keep, processor

CORES = cpu_count()
GRAY, COLOUR, DIGITS = COUNTS
WAYS = ("naive", "better", "own", "shared")


@dataclass(frozen=True)
class Case:
    """One row: an architecture, how much of it each way trains per round, and the ratios to the better loop that it
    should reach with own and shared orders.
    """

    shape: tuple[int, int, int]
    family: str
    knobs: dict[str, int]
    repeats: int  # of ours on each core, beside `better_repeats` of the better loop
    epochs: int
    target_own: float = 0.0
    target_shared: float = 0.0
    better_repeats: int = 2
    batch_size: int = 128

    @property
    def name(self) -> str:
        shape = "x".join(str(edge) for edge in (*self.shape[1:], self.shape[0]))
        return f"{shape} {self.family} {architecture(self.family, self.knobs).label}"

    @cached_property
    def spec(self) -> Spec:
        return architecture(self.family, self.knobs).spec(self.shape, 10)


def cases() -> list[Case]:
    def dnn(width: int, own: float, shared: float, repeats: int = 15) -> Case:
        return Case(GRAY, "dnn", {"depth": 2, "width": width}, repeats, 2, own, shared)

    def cnn(shape: tuple[int, int, int], channels: int, target: float, depth: int = 1) -> Case:
        return Case(shape, "cnn", {"depth": depth, "channels": channels}, 4, 1, target, target, 1)

    def vit(width: int) -> Case:
        return Case(GRAY, "vit", {"depth": 2, "width": width, "heads": 2, "patch": 7}, 4, 1, 2.5, 2.5, 1)

    many = {"batch_size": 64, "better_repeats": 4}
    return [
        *(dnn(width, 5, 7) for width in (4, 16, 32)),
        dnn(64, 2.5, 2.5),
        dnn(256, 1.3, 1.3, 4),
        *(cnn(GRAY, c, target, depth) for depth in (1, 2, 3) for c, target in ((1, 7), (4, 7), (8, 4.5), (16, 3.5))),
        *(cnn(COLOUR, c, target) for c, target in ((1, 4), (4, 4), (8, 2.6), (16, 2.6))),
        *(vit(width) for width in (16, 32, 64)),
        Case(DIGITS, "dnn", {"depth": 2, "width": 16}, 30, 20, **many),
        Case(DIGITS, "cnn", {"channels": 4}, 30, 20, **many),
        Case(DIGITS, "vit", {"depth": 2, "width": 16, "heads": 2, "patch": 4}, 30, 5, **many),
    ]


def prepare_data(folder: Path, root: str | None, dataset: str = "mnist", limit: int | None = None) -> Path:
    """Makes `folder`: an item of stage data, of files in `root`; a fifth of the training images validates."""
    folder.mkdir()
    config = {"dataset": dataset, "name": dataset, "root": root, "limit": limit}
    make_data({**config, "validation": 0.2, "test": 0.2, "image_size": 32, "seed": 0}, {}, folder)
    return folder


def ours(case: Case, data: Path, out: Path, repeats: list[int], shared: bool) -> None:
    """One item of the sweep."""
    out.mkdir(parents=True)
    options = {"epochs": case.epochs, "batch_size": case.batch_size, "optimizer": "adam", "learning_rate": RATE}
    options |= {"weight_decay": 0.0, "seed": 0, "shared_batches": shared}
    options |= {"give_up_after": None, "device": "cpu", "strategy": "auto"}
    config = {"dataset": "drawn", "family": case.family, "knobs": case.knobs, "repeats": repeats}
    make_item({**config, "train": options}, {"data": data}, out)


def plain(case: Case, data: Path, out: Path, repeats: list[int]) -> None:
    """The better loop over repeats."""
    better(case.spec, data, out, repeats, case.epochs, case.batch_size)


def together(job: Callable[..., None], calls: list[tuple[Any, ...]]) -> float:
    """Wall seconds of forked processes, one per argument list, of one thread each."""
    began = time.perf_counter()
    processes = [multiprocessing.get_context("fork").Process(target=_alone, args=(job, a)) for a in calls]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - began
    if any(process.exitcode for process in processes):
        sys.exit(f"{job.__name__} failed")
    return seconds


def _alone(job: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    threadpool_limits(1)
    job(*arguments)


def in_a_process(case: Case, data: Path) -> float:
    """The naive loop in a process of its own: torch's default threads must not meet a fork."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(naive, case.spec, data, 1, case.batch_size).result()


def peak_gflops() -> float:
    """Billions of float32 operations per second of one thread, the best of torch's and numpy's products at 1024^3."""
    left, right = torch.randn(1024, 1024), torch.randn(1024, 1024)
    best = float("inf")
    for product in (lambda: left @ right, lambda: left.numpy() @ right.numpy()):
        for _ in range(10):
            began = time.perf_counter()
            product()
            best = min(best, time.perf_counter() - began)
    return 2 * 1024**3 / best / 1e9


def _write_peak(out: Path) -> None:
    out.write_text(str(peak_gflops()))


def measure(case: Case, data: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """Seconds per epoch of one training for each way, in every round."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    blocks = [list(range(core * case.repeats, (core + 1) * case.repeats)) for core in range(CORES)]
    for number in range(rounds + 1):  # the first round warms up: what is fastest is measured then
        places = [folder / f"{case.name} {number} {core}" for core in range(CORES)]
        if number == 1:  # half a minute each, and no baseline: once is enough
            seconds["naive"].append(in_a_process(case, data))
        if number:
            few = [(case, data, place / "better", list(range(case.better_repeats))) for place in places]
            seconds["better"].append(together(plain, few) / (CORES * case.better_repeats * case.epochs))
        for way, shared in (("own", False), ("shared", True)):
            items = [(case, data, place / way, block, shared) for place, block in zip(places, blocks, strict=True)]
            wall = together(ours, items) / (CORES * case.repeats * case.epochs)
            if number:
                seconds[way].append(wall)
    timings = {way: json.loads((places[0] / way / "timing.json").read_text()) for way in ("own", "shared")}
    how = {way: " ".join(str(t[k]) for k in ("strategy", "at_once", "layout") if k in t) for way, t in timings.items()}
    macs = architecture(case.family, case.knobs).macs(case.shape, 10) or 0
    flops = 2 * 3 * macs * COUNTS[case.shape]["train"] / CORES
    return {
        "case": asdict(case),
        "name": case.name,
        "seconds": seconds,
        "how": how,
        "gflops": flops / median(seconds["own"]) / 1e9,
    }


def show(rows: list[dict[str, Any]], peak: float) -> None:
    """The table."""
    print(f"{CORES} cores, {processor()}, torch {torch.__version__}, numba {available.installed()}")
    print(f"peak of a float32 product: {peak:.0f} GFLOP/s per core; the share counts 6 operations per weight and image")
    print(f"largest process: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20:.2f} GiB\n")
    print(f"{'':34}{'milliseconds per epoch of a training':>40}   times as fast as the better loop (least to most)")
    print(f"{'':34}" + "".join(f"{way:>10}" for way in WAYS) + f"{'own':>21}{'shared':>23}   share of peak, ways")
    for row in rows:
        cells = f"{row['name']:34}" + "".join(f"{1000 * median(row['seconds'][way]):10.1f}" for way in WAYS)
        for way in ("own", "shared"):
            ratios = [b / o for b, o in zip(row["seconds"]["better"], row["seconds"][way], strict=True)]
            short = median(ratios) < row["case"][f"target_{way}"]
            cells += f"{median(ratios):8.2f}{'!' if short else ' '} ({min(ratios):5.2f} - {max(ratios):5.2f})"
        print(f"{cells} {row['gflops'] / peak:5.0%}   {', '.join(dict.fromkeys(row['how'].values()))}")
    print("\n! below its target")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="of each way (default: %(default)s)")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    importlib.import_module("torch._dynamo")  # the first optimizer imports it; the fork server has it, too
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as name:
        folder = Path(name)
        keep(folder)  # what is fastest, for all processes
        available.keep(folder / "compiled")
        for family in ("cnn", "dnn", "vit"):
            if available.fusable({"family": family}):  # as the fork server does before it forks
                importlib.import_module("minarch.training.fused.alone").prepare(family)
        together(_write_peak, [(folder / "peak",)])
        peak, rows, data = float((folder / "peak").read_text()), [], dict[tuple[int, ...], Path]()
        for case in cases():
            if arguments.only in case.name:
                if case.shape not in data:
                    data[case.shape] = draw(folder / f"data {case.shape}", case.shape)
                rows.append(measure(case, data[case.shape], folder, arguments.rounds))
                print(f"{rows[-1]['name']}: {rows[-1]['seconds']} {rows[-1]['how']}", file=sys.stderr)
    show(rows, peak)
    if arguments.json:
        arguments.json.write_text(json.dumps({"peak_gflops": peak, "cores": CORES, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
