"""What a sweep costs: `python benchmarks/sweep.py [--root FOLDER] [--rounds 3] [--only TEXT] [--json FILE]`,
and how the cost grows: `python benchmarks/sweep.py --growth 10 100 1000`.

Four ways to train the same architectures, side by side in one run, evaluated after each epoch, results written:
  naive    what a user would write: a torchvision data set with transforms, DataLoader, Adam, default threads, one
           model after the other in one process;
  plain    a good loop: tensors in memory, fused Adam, one process of one thread per core (our reference loop);
  own      this package, every repeat with its own order of the images;
  shared   the same with one order for all repeats of an architecture (train.shared_batches: true).
The unit is the wall time of the whole divided by its trainings and epochs; the ratios are of medians.
"""

import argparse
import contextlib
import importlib
import json
import multiprocessing
import os
import platform
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import torch
from orchestration import checkout, study, timed
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from minarch.data.__main__ import work as make_data
from minarch.data.tensors import load_split
from minarch.data.vision import datasets  # torchvision, also beside a CPU build of torch
from minarch.flow.fastest import FOLDER as FASTEST
from minarch.models.build import build
from minarch.models.families import architecture
from minarch.sweep import work as make_item
from minarch.training.evaluate import evaluate
from minarch.training.loop import Recipe, train
from minarch.training.repeats import TRAIN_MEASURED
from minarch.training.tuning import keep

RECIPE: dict[str, Any] = {"optimizer": "adam", "learning_rate": 1e-3, "weight_decay": 0.0}
CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class Case:
    """One row: an architecture, how much of it each way trains per round, and the ratios it must reach."""

    dataset: str
    family: str
    knobs: dict[str, int]
    repeats: int  # of ours on each core, beside `plain_repeats` of the plain loop
    epochs: int
    target_naive: float
    target_plain: float
    plain_repeats: int = 2
    batch_size: int = 128

    @property
    def name(self) -> str:
        return f"{self.dataset} {self.family} {architecture(self.family, self.knobs).label}"


def cases() -> list[Case]:
    vit = {"depth": 2, "width": 32, "heads": 2, "patch": 7}
    digits_vit = {"depth": 2, "width": 16, "heads": 2, "patch": 4}
    return [
        *(Case("mnist", "dnn", {"depth": 2, "width": w}, 15, 2, 60, 4) for w in (4, 16, 32)),
        Case("mnist", "dnn", {"depth": 2, "width": 64}, 15, 2, 25, 2),
        Case("mnist", "dnn", {"depth": 2, "width": 256}, 4, 2, 8, 1.3),
        *(Case("mnist", "cnn", {"channels": c}, 4, 1, 4, 2) for c in (1, 4, 8, 16)),
        Case("mnist", "vit", vit, 4, 1, 3, 1.5),
        Case("digits", "dnn", {"depth": 2, "width": 16}, 30, 20, 60, 4, batch_size=64),
        Case("digits", "cnn", {"channels": 4}, 30, 20, 4, 2, batch_size=64),
        Case("digits", "vit", digits_vit, 30, 5, 3, 1.5, batch_size=64),
    ]


def prepare_data(folder: Path, root: str | None, dataset: str = "mnist", limit: int | None = None) -> Path:
    """Makes `folder`: an item of stage data, of files in `root`; a fifth of the training images validates."""
    folder.mkdir()
    config = {"dataset": dataset, "name": dataset, "root": root, "limit": limit}
    make_data({**config, "validation": 0.2, "test": 0.2, "image_size": 32, "seed": 0}, {}, folder)
    return folder


def naive(case: Case, root: str | None) -> float:
    """Seconds per epoch as a user would write it, in this process with torch's default threads."""
    transforms = importlib.import_module("torchvision.transforms")

    if case.dataset == "mnist":
        convert = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
        whole: Any = datasets.MNIST(root or "data/downloads", train=True, transform=convert)
        parts = torch.utils.data.random_split(whole, [48_000, 12_000])
    else:
        bunch = load_digits()
        convert = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.3,), (0.38,))])
        whole = _Transformed([(image * 15).astype("uint8") for image in bunch.images], bunch.target, convert)
        parts = torch.utils.data.random_split(whole, [1150, 287, len(whole) - 1437])
    loaders = [torch.utils.data.DataLoader(p, case.batch_size, shuffle=i == 0) for i, p in enumerate(parts[:2])]
    shape, classes = next(iter(loaders[0]))[0].shape[1:], 10
    model = build(architecture(case.family, case.knobs).spec(shape, classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=RECIPE["learning_rate"])
    epochs = 1 if case.dataset == "mnist" else 5
    began = time.perf_counter()
    for _ in range(epochs):
        model.train()
        train_loss = train_right = validation_loss = right = 0.0
        for batch, labels in loaders[0]:
            optimizer.zero_grad()
            logits = model(batch)
            loss = torch.nn.functional.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(labels)
            train_right += (logits.argmax(1) == labels).sum().item()
        model.eval()
        with torch.no_grad():
            for batch, labels in loaders[1]:
                logits = model(batch)
                validation_loss += torch.nn.functional.cross_entropy(logits, labels, reduction="sum").item()
                right += (logits.argmax(1) == labels).sum().item()
    return (time.perf_counter() - began) / epochs


class _Transformed(torch.utils.data.Dataset[Any]):
    """Images and labels with transforms applied when one is asked for, as torchvision's data sets do."""

    def __init__(self, images: Any, labels: Any, convert: Callable[[Any], Any]) -> None:
        self.images, self.labels, self.convert = images, labels, convert

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Any:
        return self.convert(self.images[index]), int(self.labels[index])


def plain(case: Case, data: Path, out: Path, repeats: list[int]) -> None:
    """The reference loop over repeats, in one process of one thread."""
    splits = {name: load_split(data, name) for name in ("train", "validation", "test")}
    measured = splits["train"].thinned(TRAIN_MEASURED), splits["validation"]
    spec = architecture(case.family, case.knobs).spec(splits["train"].images.shape[1:], 10)
    recipe = Recipe(epochs=case.epochs, batch_size=case.batch_size, **RECIPE)
    for repeat in repeats:
        torch.manual_seed(repeat)
        model = build(spec)
        rows: list[list[float]] = []

        def record(_: int) -> bool:
            evaluations = [evaluate(model, split) for split in measured]  # noqa: B023
            rows.append([value for e in evaluations for value in (e.loss, e.accuracy)])  # noqa: B023
            return False

        train(model, splits["train"], recipe, torch.Generator().manual_seed(repeat), record)
        evaluate(model, splits["test"])
        out.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), out / f"{repeat}.pt")
        (out / f"{repeat}.json").write_text(json.dumps(rows))


def ours(case: Case, data: Path, out: Path, repeats: list[int], shared: bool) -> None:
    """One item of the sweep."""
    out.mkdir(parents=True)
    options = {"epochs": case.epochs, "batch_size": case.batch_size, **RECIPE, "seed": 0, "shared_batches": shared}
    options |= {"give_up_after": None, "device": "cpu", "strategy": "auto"}
    config = {"dataset": case.dataset, "family": case.family, "knobs": case.knobs, "repeats": repeats}
    make_item({**config, "train": options}, {"data": data}, out)


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


def in_a_process(case: Case, root: str | None) -> float:
    """The naive loop in a process of its own: torch's default threads must not meet a fork."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        return pool.submit(naive, case, root).result()


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


def measure(case: Case, root: str | None, folder: Path, rounds: int) -> dict[str, Any]:
    """Seconds per epoch of one training for each way, in every round."""
    data = folder / f"data-{case.dataset}"
    seconds: dict[str, list[float]] = {"naive": [], "plain": [], "own": [], "shared": []}
    for number in range(rounds + 1):  # the first round warms up: what is fastest is measured then
        ours_units, plain_units = CORES * case.repeats * case.epochs, CORES * case.plain_repeats * case.epochs
        places = [folder / f"{case.name} {number} {core}" for core in range(CORES)]
        blocks = [list(range(core * case.repeats, (core + 1) * case.repeats)) for core in range(CORES)]
        for way, shared in (("own", False), ("shared", True)):
            tasks = [(case, data, p / way, b, shared) for p, b in zip(places, blocks, strict=True)]
            seconds[way].append(together(ours, tasks) / ours_units)
        if number:
            few = [(case, data, p / "plain", list(range(case.plain_repeats))) for p in places]
            seconds["plain"].append(together(plain, few) / plain_units)
            seconds["naive"].append(in_a_process(case, root))
    medians = {way: median(values[-rounds:]) for way, values in seconds.items()}
    shape = [1, 28, 28] if case.dataset == "mnist" else [1, 8, 8]
    images = 48_000 if case.dataset == "mnist" else 1_150
    flops = 2 * (architecture(case.family, case.knobs).macs(shape, 10) or 0) * 3 * images
    timings = [json.loads((p / "own/timing.json").read_text()) for p in places]
    return {
        "case": asdict(case),
        "name": case.name,
        "seconds": seconds,
        "medians": medians,
        "how": {k: v for k, v in timings[0].items() if k in ("strategy", "at_once", "layout")},
        "gflops": {way: flops / medians[way] / CORES / 1e9 for way in ("plain", "own", "shared")},
    }


def growth(counts: list[int], rounds: int) -> None:
    """Real `snakemake` sweeps of more and more equal items (10 repeats of one architecture, digits, 50 epochs).

    The first row, one item per core, is what every run pays once (start, imports); the others are beyond it. A first
    run is not counted: what is fastest is measured in it, and the others go by that.
    """
    print(f"{'items':>6}{'seconds, least to most':>26}{'per further item':>20}{'peak memory of all processes':>31}")
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as name:
        decisions = Path(name, "fastest")
        _sweep_of(CORES, decisions)
        first = 0.0
        for count in [CORES, *counts]:
            sweeps = [_sweep_of(count, decisions) for _ in range(rounds)]
            walls, peak = sorted(wall for wall, _ in sweeps), max(memory for _, memory in sweeps)
            wall = median(walls)
            first = first or wall
            spread = f"({walls[0]:.1f} to {walls[-1]:.1f})"
            further = f"{(wall - first) / (count - CORES):18.3f} s" if count > CORES else " " * 20
            print(f"{count:6}{wall:9.1f} {spread:>16}{further}{peak / 2**20:27,.0f} MiB", flush=True)


def _sweep_of(count: int, decisions: Path) -> tuple[float, int]:
    """Wall seconds and peak memory in bytes; what is fastest is taken from a folder, or left there for the next."""
    params: dict[str, Any] = study(5)
    params["sweep"] = {"repeats": 10 * count, "block": 10, "families": {"dnn": {"depth": 2, "width": 16}}}
    params["train"] = {"epochs": 50, "batch_size": 64}
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as name:
        root = Path(name)
        checkout(root, params)
        if decisions.exists():
            shutil.copytree(decisions, root / FASTEST)
        timed(root, "snakemake", "--cores", str(CORES), "data")
        memory = _Memory()
        memory.start()
        wall = timed(root, "snakemake", "--cores", str(CORES), "sweep")
        memory.done.set()
        if not decisions.exists():
            shutil.copytree(root / FASTEST, decisions)
    return wall, memory.peak


class _Memory(threading.Thread):
    """The largest proportional memory of this process's descendants."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.done, self.peak = threading.Event(), 0

    def run(self) -> None:
        while not self.done.wait(0.2):
            total = 0
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    total += process.memory_full_info().pss
            self.peak = max(self.peak, total)


def show(rows: list[dict[str, Any]], peak: float) -> None:
    """The table."""
    print(f"{CORES} cores, {platform.processor() or platform.machine()}, torch {torch.__version__}")
    print(f"peak of a float32 product: {peak:.0f} GFLOP/s per core; the share counts 6 operations per weight and image")
    print(f"largest process: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20:.2f} GiB\n")
    print(f"{'':32}{'milliseconds per epoch of a training':>37} {'own, times':^19}{'shared, times':^19}share of")
    print(f"{'':32}{'naive':>10}{'plain':>9}{'own':>9}{'shared':>9}" + 2 * f"{'naive':>9}{'plain':>10}" + "  peak")
    for row in rows:
        case, ms = row["case"], {way: 1000 * s for way, s in row["medians"].items()}
        cells = f"{row['name']:32}{ms['naive']:10.1f}{ms['plain']:9.1f}{ms['own']:9.1f}{ms['shared']:9.1f}"
        for way in ("own", "shared"):
            for other, width in (("naive", 8), ("plain", 9)):
                ratio = ms[other] / ms[way]
                cells += f"{ratio:{width}.2f}" + (" " if ratio >= case[f"target_{other}"] else "!")
        print(f"{cells} {row['gflops']['own'] / peak:5.0%}   {row['how']}")
    print("\n! below its target")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", metavar="FOLDER", help="holds torchvision's MNIST files (default: data/downloads)")
    parser.add_argument("--rounds", type=int, default=3, help="of each way (default: %(default)s)")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--growth", type=int, nargs="+", metavar="N", help="instead: sweeps of so many items each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    arguments = parser.parse_args()
    if arguments.growth:
        growth(arguments.growth, arguments.rounds)
        return
    torch.set_num_threads(1)
    importlib.import_module("torch._dynamo")  # the first optimizer imports it; the fork server has it, too
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as name:
        folder = Path(name)
        keep(folder)  # what is fastest, for all processes
        for dataset in ("mnist", "digits"):
            together(prepare_data, [(folder / f"data-{dataset}", arguments.root, dataset)])
        together(_write_peak, [(folder / "peak",)])
        rows = []
        for case in cases():
            if arguments.only in case.name:
                rows.append(measure(case, arguments.root, folder, arguments.rounds))
                print(f"{rows[-1]['name']}: {rows[-1]['medians']} {rows[-1]['how']}", file=sys.stderr)
        peak = float((folder / "peak").read_text())
    show(rows, peak)
    if arguments.json:
        arguments.json.write_text(json.dumps({"peak_gflops": peak, "cores": CORES, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
