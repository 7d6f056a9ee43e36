"""What orchestration costs: `python benchmarks/orchestration.py [--items 1000] [--json FILE]`,
and of commands alone, with many items: `python benchmarks/orchestration.py --made-up 100 1000 10000`.

A copy of the project in a temporary folder runs a study of many tiny real trainings (digits, one epoch) to its end, or
is filled with made-up items. Then the commands that a user waits for are timed with nothing to do, and the cost of an
item above its own training is compared with plain processes, one per item, as a user's own loop would start them. Where
others use the machine, too, look at the seconds of processors: they hardly depend on who else waits for the disk.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import yaml

from minarch.flow.study import Study

REPOSITORY = Path(__file__).parents[1]
TARGETS_S = {"snakemake -n": 3.0, "dvc status": 3.0, "dvc repro": 6.0, "per item, fork server": 0.15}
MANY, TARGETS_OF_MANY_S = 10_000, {"snakemake -n": 25.0, "dvc status": 25.0}
COMMANDS = ("snakemake -n", "snakemake", "dvc status", "dvc repro", "minarch status")  # with nothing to do


class Cost(NamedTuple):
    """What a command and the processes that it waited for took."""

    wall_s: float
    processor_s: float
    peak_bytes: int  # of its largest process


def study(items: int) -> dict[str, Any]:
    """Up to five hidden layers of 1, 2, ... units: real trainings of some 20 ms that still end in a report."""
    widths = list(range(1, items // 5 + 1))
    return {
        "data": {"datasets": ["digits"]},
        "sweep": {"repeats": 1, "families": {"dnn": {"depth": [1, 2, 3, 4, 5], "width": widths}}},
        "train": {"epochs": 1, "batch_size": 64, "learning_rate": 0.03},
        "similarity": {"permutations": 100},
        "convergence": {"bootstrap": 100},
        "representatives": {"roles": ["minimal"]},
        "prune": {"levels": [0.5], "finetune": {"epochs": 1}, "magnitude_levels": [0, 0.5]},
        "quantize": {"calibration": 32},
        "latency": {"rounds": 3},
    }


def checkout(root: Path, params: dict[str, Any]) -> None:
    """The working tree without what was computed in it, with a history of its own."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout.decode().split("\0")
    for name in listed:
        if name and (REPOSITORY / name).is_file() and not name.startswith(("reports/", "dvc.lock")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, root / name)
    whole = {section: params.get(section, {}) for section in Study.model_fields}
    (root / "params.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
    user = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.org")
    for arguments in (("init", "-q"), ("add", "-A"), (*user, "commit", "-qm", "state")):
        subprocess.run(["git", *arguments], cwd=root, check=True)


def timed(root: Path, *command: str) -> float:
    """Wall seconds of a command line that must succeed."""
    return cost(root, *command).wall_s


def cost(root: Path, *command: str) -> Cost:
    """What a command line takes that must succeed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MINARCH_"))}
    path = f"{Path(sys.executable).parent}:{kept['PATH']}"
    environment = kept | {
        "PATH": path,
        "PYTHONPATH": str(root / "src"),
        "DVC_NO_ANALYTICS": "1",
        "OMP_NUM_THREADS": "1",
    }
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(command)} exited with {process.returncode}:\n{said.read()}")
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def commands(root: Path, rounds: int) -> list[dict[str, Any]]:
    """A row per command, in turn in every round, when nothing is left to do."""
    costs: dict[str, list[Cost]] = {command: [] for command in COMMANDS}
    for _ in range(rounds):
        for command in COMMANDS:
            costs[command].append(cost(root, *command.split()))
    return [
        {
            "what": command,
            "median_s": median(c.wall_s for c in several),
            "processor_s": median(c.processor_s for c in several),
            "peak_bytes": max(c.peak_bytes for c in several),
            "runs": rounds,
            "range_s": [min(several).wall_s, max(several).wall_s],
        }
        for command, several in costs.items()
    ]


def made_up(items: int, rounds: int) -> dict[str, Any]:
    """What commands take with so many made-up items in the sweep."""
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as folder:
        root = Path(folder)
        checkout(root, study(items))
        timed(root, sys.executable, "benchmarks/made_up.py")
        timed(root, "snakemake")  # tells DVC, and remembers what was checked
        return {"items": items, "rows": commands(root, rounds)}


def own_seconds(root: Path, names: list[str]) -> float:
    """Seconds of training per item in one warm process; the first item, which imports, is left out."""
    folders = [root / "artifacts/sweep" / name for name in names]
    for folder in folders:
        shutil.rmtree(folder)
    timed(root, sys.executable, "-m", "minarch.sweep")  # makes what is missing, in one process
    made = sorted(folders, key=lambda folder: (folder / "item.json").stat().st_mtime_ns)[1:]
    timings = [json.loads((folder / "timing.json").read_text())["seconds"] for folder in made]
    return sum(map(sum, timings)) / len(made)


def measure(items: int, cores: int, rounds: int, plain: int) -> dict[str, Any]:
    """All numbers, in seconds."""
    busy = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as folder:
        first, root = Path(folder, "first"), Path(folder, "root")
        for place in (first, root):
            checkout(place, study(items))
        timed(first, "snakemake", "--cores", str(cores), "sweep")  # measures what is fastest
        shutil.copytree(first / ".minarch/fastest", root / ".minarch/fastest")
        timed(root, "snakemake", "--cores", str(cores), "data")

        wall = timed(root, "snakemake", "--cores", str(cores), "sweep")
        names = sorted(p.parent.name for p in (root / "artifacts/sweep").glob("*/item.json"))
        assert len(names) == items
        timed(root, "snakemake", "--cores", str(cores))
        waited_for = commands(root, rounds)
        subset = names[:: max(1, items // plain)][:plain]
        own = own_seconds(root, names[:: max(1, items // 50)])
        began = time.perf_counter()
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(lambda name: timed(root, sys.executable, "-m", "minarch.sweep", "--item", name), subset))
        plainly = time.perf_counter() - began
    return {
        "machine": {
            "cores": cores,
            "load_before": busy,
            "processor": platform.processor() or platform.machine(),
            "python": sys.version.split()[0],
        },
        "items": items,
        "sweep_wall_s": wall,
        "rows": [
            *waited_for,
            {"what": "per item, fork server", "median_s": wall * cores / items - own, "runs": items, "own_s": own},
            {
                "what": "per item, plain process",
                "median_s": plainly * cores / len(subset) - own,
                "runs": len(subset),
                "own_s": own,
            },
        ],
    }


def show(result: dict[str, Any]) -> None:
    """The table."""
    if machine := result.get("machine"):
        print(f"{result['items']} items, {machine['cores']} cores; the sweep took {result['sweep_wall_s']:.1f} s")
        if machine["load_before"] > 0.5:
            print(f"the machine was busy before (load {machine['load_before']:.1f}): all of this is an upper bound")
    else:
        print(f"{result['items']} made-up items")
    print(f"{'':25} {'seconds':>8} {'target':>7} {'runs':>5}   note")
    for row in result["rows"]:
        target = (TARGETS_OF_MANY_S if result["items"] >= MANY else TARGETS_S).get(row["what"])
        limit = "" if target is None else f"{target:g}"
        if "range_s" in row:
            note = (
                f"median, {row['range_s'][0]:.2f} to {row['range_s'][1]:.2f}; {row['processor_s']:.2f} s of processors"
            )
            note += f", {row['peak_bytes'] / 2**20:.0f} MiB"
        else:
            note = f"cores x wall / items, less {row['own_s']:.3f} s of training"
        verdict = "" if target is None else "met" if row["median_s"] <= target else "MISSED"
        print(
            f"{row['what']:25} {row['median_s']:8.3f} {limit:>7} {row['runs']:5}   {note}{verdict and ', ' + verdict}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--items", type=int, default=1000, help="tiny trainings, a multiple of 5 (default: %(default)s)"
    )
    parser.add_argument(
        "--made-up", type=int, nargs="+", metavar="N", help="instead: commands with so many items, nothing trained"
    )
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="jobs at once (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each timed command (default: %(default)s)")
    parser.add_argument("--plain", type=int, default=10, help="items run as plain processes (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    arguments = parser.parse_args()
    if arguments.made_up:
        results = [made_up(items, arguments.rounds) for items in arguments.made_up]
    else:
        results = [measure(arguments.items, arguments.cores, arguments.rounds, arguments.plain)]
    for result in results:
        show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(results if arguments.made_up else results[0], indent=1) + "\n")


if __name__ == "__main__":
    main()
