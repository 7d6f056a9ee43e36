"""`python -m minarch plan`: what a study's sweep will take, before anything is computed.

No data set is read and no artifact is written.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table

from minarch.commands.effort import ATTENTION, Effort, Rate, efforts, elapsed
from minarch.errors import UserError
from minarch.flow.plan import Plan

UNITS = {"years": 31_557_600, "days": 86_400, "h": 3_600, "min": 60}  # of time, in seconds
PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z")


def forecast(study: str, cores: int | None) -> None:
    """Print what the sweep of a study will take, by data set and family and in total.

    Args:
        cores: that the run may use, each for a job; None: all of this machine, on cuda one.

    Raises:
        UserError: no such number of cores, or a device that this machine does not have.
    """
    plan = Plan(study)
    if cores is None:
        cores = 1 if plan.study.train.device == "cuda" else os.cpu_count() or 1
    if cores < 1:
        raise UserError(f"--cores: {cores} is not allowed, it must be an integer of at least 1")
    planned = list(efforts(plan.study))
    print("timing a few architectures on this machine, about half a minute ...", file=sys.stderr, flush=True)
    from minarch.commands.calibration import calibrate

    rates = calibrate(planned, plan.study)
    low, middle, high = (_duration(elapsed(planned, rates, cores, errors)) for errors in (-1, 0, 1))
    console = Console(width=None if os.isatty(1) else 120)
    console.print(_counts(planned, rates, f"sweep of study {plan.name} ({plan.study_file})"))
    console.print(_timings(planned, rates))
    console.print(
        f"estimated time on this machine, {cores} at a time: {middle}; as far as the lines are off, {low} to {high}"
    )
    console.print(f"memory of the largest item: {_scaled(max(effort.memory for effort in planned), 'B')}")
    console.print("not counted: what follows the sweep, such as pruning, quantization and the report")
    if plan.study.convergence.refine is not None:
        console.print("not counted: the sizes that convergence.refine will add")


def _counts(planned: Sequence[Effort], rates: Mapping[str, Rate], title: str) -> Table:
    """One row per data set and family, and their sum."""
    table = Table(title=title, title_justify="left")
    table.add_column("data set")
    table.add_column("family")
    counts = ("archi-\ntectures", "trainings", "epochs", "param-\neters", "smallest\nto largest")
    for name in (*counts, "FLOPs", "disk", "one job\nat a time"):
        table.add_column(name, justify="right")
    for (dataset, family), group in groupby(planned, lambda effort: (effort.dataset, effort.family)):
        table.add_row(dataset, family, *_cells(list(group), rates))
    table.add_section()
    table.add_row("total", "", *_cells(planned, rates))
    return table


def _cells(planned: Sequence[Effort], rates: Mapping[str, Rate]) -> list[str]:
    sizes = [effort.parameters for effort in planned]
    return [
        f"{len(planned):,}",
        f"{sum(effort.trainings for effort in planned):,}",
        _scaled(sum(effort.trainings * effort.epochs for effort in planned)),
        _scaled(sum(sizes)),
        f"{_scaled(min(sizes))} to {_scaled(max(sizes))}",
        _scaled(sum(effort.flops for effort in planned)),
        _scaled(sum(effort.disk for effort in planned), "B"),
        _duration(sum(rates[effort.network].seconds(effort) for effort in planned)),
    ]


def _timings(planned: Sequence[Effort], rates: Mapping[str, Rate]) -> Table:
    """What the times rest on."""
    title = "times: lines through timings of the engine's own steps on random images, one job at work"
    note = f"MACs: multiply-accumulates; for time, an entry of an attention map counts as {ATTENTION}"
    table = Table(title=title, title_justify="left", caption=note, caption_justify="left")
    table.add_column("network")
    for name in ("timings", "MACs timed", "MACs planned", "us per image", "more per MMAC", "line off by"):
        table.add_column(name, justify="right")
    for network, rate in rates.items():
        timed, loads = (
            [load for load, _ in rate.timings],
            [effort.load for effort in planned if effort.network == network],
        )
        table.add_row(
            network,
            str(len(timed)),
            f"{_scaled(min(timed))} to {_scaled(max(timed))}",
            f"{_scaled(min(loads))} to {_scaled(max(loads))}",
            f"{rate.base * 1e6:,.2f}",
            f"{rate.slope * 1e12:,.2f}",
            f"{rate.error - 1:.0%}" if len(timed) > 2 else "?",
        )
    return table


def _scaled(value: float, unit: str = "") -> str:
    """Three digits and an SI prefix: 12_345 is "12.3 k"."""
    power = 0
    while value >= 999.5 and power < len(PREFIXES) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.3g} {PREFIXES[power]}{unit}".rstrip()


def _duration(seconds: float) -> str:
    for unit, length in UNITS.items():
        if seconds >= length:
            return f"{seconds / length:,.{0 if seconds >= 10 * length else 1}f} {unit}"
    return f"{seconds:.0f} s"
