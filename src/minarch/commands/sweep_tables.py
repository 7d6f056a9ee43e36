"""What a study's sweep will take, as tables: counts by data set and family, and the timings that times rest on."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.table import Table

from minarch.commands.effort import ATTENTION, Effort, Rate
from minarch.commands.units import duration, scaled


def counts(planned: Sequence[Effort], rates: Mapping[str, Rate], title: str) -> Table:
    """One row per data set and family, and their sum."""
    table = Table(title=title, title_justify="left")
    table.add_column("data set")
    table.add_column("family")
    sizes = ("archi-\ntectures", "trainings", "epochs", "param-\neters", "smallest\nto largest")
    for name in (*sizes, "FLOPs", "disk", "one job\nat a time"):
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
        scaled(sum(effort.trainings * effort.epochs for effort in planned)),
        scaled(sum(sizes)),
        f"{scaled(min(sizes))} to {scaled(max(sizes))}",
        scaled(sum(effort.flops for effort in planned)),
        scaled(sum(effort.disk for effort in planned), "B"),
        duration(sum(rates[effort.network].seconds(effort) for effort in planned)),
    ]


def timings(planned: Sequence[Effort], rates: Mapping[str, Rate]) -> Table:
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
            f"{scaled(min(timed))} to {scaled(max(timed))}",
            f"{scaled(min(loads))} to {scaled(max(loads))}",
            f"{rate.base * 1e6:,.2f}",
            f"{rate.slope * 1e12:,.2f}",
            f"{rate.error - 1:.0%}" if len(timed) > 2 else "?",
        )
    return table
