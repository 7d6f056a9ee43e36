"""The figure files of the report, composed from the findings."""

from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path

from joblib import cpu_count  # as many as this process may use, in a container, too
from matplotlib.figure import Figure

from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.files import save
from minarch.reporting.figures.style import styled
from minarch.reporting.findings import FINDINGS

Draw = Callable[[Evidence], Figure | None]


def draw_figures(evidence: Evidence, folder: Path) -> None:
    """Write every figure as <name>.svg, <name>.pdf and <name>.png into the new `folder`.

    The same evidence gives the same bytes. A figure that would show nothing is left out: shares and distances of too
    few networks, controls that nobody asked for. They are drawn by a process per core: fonts alone take a tenth of a
    second each.

    Raises:
        RuntimeError: a process ended early; what it said is on standard error.
    """
    folder.mkdir()
    figures = [figure for finding in FINDINGS for figure in finding.figures.items()]
    count, fork = min(cpu_count(), len(figures)), get_context("fork")
    workers = [fork.Process(target=_draw, args=(figures[i::count], evidence, folder)) for i in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("figures were not drawn, see above")


def _draw(figures: Sequence[tuple[str, Draw]], evidence: Evidence, folder: Path) -> None:
    with styled():
        for name, draw in figures:
            if figure := draw(evidence):
                save(figure, folder / name)
