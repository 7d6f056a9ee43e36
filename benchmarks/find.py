"""Searching against the full grid: `python benchmarks/find.py digits --target 0.95 [--rounds 3]`.

Both train sizes of the same ladders by the same recipe: `minarch find` where they tell most, the grid each of them ten
times. The search is timed to its verdicts, without what follows (pruning, exports, report), the grid to its last
training; in turn in every round, on all cores. A first search is not counted: what is fastest is measured in it.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from orchestration import checkout, study, timed

from minarch.adaptive.document import StudyFile
from minarch.adaptive.ladder import ladders

REPEATS = 10


def grid_of(images: str) -> tuple[dict[str, Any], int]:
    """The study that trains every size of the ladders REPEATS times, and its number of trainings."""
    file = StudyFile(images)
    sizes = ladders(file.shape, file.classes, file.images)
    families = {family: [size.knobs for size in ladder] for family, ladder in sizes.items()}
    return file.values | {"sweep": {"repeats": REPEATS, "families": families}}, REPEATS * sum(map(len, sizes.values()))


def search(root: Path, *words: str) -> tuple[float, int, str]:
    """Seconds, trainings and last line of a search, which is stopped at its verdicts."""
    command, began = [sys.executable, "-m", "minarch", "find", *words], time.perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=root, stdout=quiet, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr is not None
    line = next((line for line in process.stderr if "the search ends" in line), "")
    seconds = time.perf_counter() - began
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    trainings = re.match(r"(\d+) trainings", line)
    assert trainings is not None, "the search did not end"
    return seconds, int(trainings[1]), line.strip()


def compare(images: str, words: list[str], rounds: int) -> None:
    """Print the trainings and seconds of both in every round, and the median ratio."""
    params, of_grid = grid_of(images)
    ratios = []
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as name:
        root = Path(name)
        checkout(root, study(5))
        for number in range(rounds + 1):
            for made in ("artifacts/studies", "params"):  # what is fastest stays, and what was compiled
                shutil.rmtree(root / made, ignore_errors=True)
            seconds, trainings, line = search(root, images, *words)
            if not number:
                continue
            (root / "params/grid.yaml").write_text(yaml.safe_dump(params))
            wall = timed(root, "snakemake", "sweep", "--config", "study=grid")
            ratios.append(wall / seconds)
            print(f"search {trainings} trainings, {seconds:.0f} s; grid {of_grid} trainings, {wall:.0f} s", flush=True)
            print(f"  {line}", flush=True)
    print(f"the grid takes {median(ratios):.2g} times as long ({min(ratios):.2g} to {max(ratios):.2g})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", help="a data set by name, or a folder (an absolute path)")
    parser.add_argument("--target", default="0.95", help="validation accuracy (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of each (default: %(default)s)")
    arguments = parser.parse_args()
    compare(arguments.images, ["--target", arguments.target], arguments.rounds)


if __name__ == "__main__":
    main()
