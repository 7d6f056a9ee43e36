"""How the cost of a sweep grows with its items: `python benchmarks/growth.py [10 100 1000] [--rounds 3]`."""

import argparse
import contextlib
import shutil
import tempfile
import threading
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from joblib import cpu_count
from orchestration import checkout, study, timed

from minarch.flow.fastest import COMPILED
from minarch.flow.fastest import FOLDER as FASTEST

CORES = cpu_count()


def growth(counts: list[int], rounds: int) -> None:
    """Real `snakemake` sweeps of more and more equal items (10 repeats of one architecture, digits, 50 epochs).

    The first row, one item per core, is what every run pays once (start, imports); the others are beyond it. A first
    run is not counted: what is fastest is measured in it, and steps are compiled; the others go by that.
    """
    print(f"{'items':>6}{'seconds, least to most':>26}{'per further item':>20}{'peak memory of all processes':>31}")
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as name:
        decisions = Path(name)
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
    """Wall seconds and peak memory in bytes; what is fastest, and what was compiled, is taken from a folder, or left
    there for the next.
    """
    params: dict[str, Any] = study(5)
    params["sweep"] = {"repeats": 10 * count, "block": 10, "families": {"dnn": {"depth": 2, "width": 16}}}
    params["train"] = {"epochs": 50, "batch_size": 64}
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as name:
        root = Path(name)
        checkout(root, params)
        for kept in (FASTEST, COMPILED):
            if (decisions / kept).exists():
                shutil.copytree(decisions / kept, root / kept)
        timed(root, "snakemake", "--cores", str(CORES), "data")
        memory = _Memory()
        memory.start()
        wall = timed(root, "snakemake", "--cores", str(CORES), "sweep")
        memory.done.set()
        for kept in (FASTEST, COMPILED):
            if (root / kept).exists() and not (decisions / kept).exists():
                shutil.copytree(root / kept, decisions / kept)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("items", type=int, nargs="*", default=[10, 100, 1000], help="of a sweep (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of each sweep (default: %(default)s)")
    arguments = parser.parse_args()
    growth(arguments.items, arguments.rounds)


if __name__ == "__main__":
    main()
