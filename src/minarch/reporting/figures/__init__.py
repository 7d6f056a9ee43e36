"""The report's figures. Each module draws from the tidy tables alone; `draw_figures` writes them all as SVG and PNG."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from minarch.analysis.records import read_curves
from minarch.reporting.figures.curves import draw_curves
from minarch.reporting.figures.front import draw_front
from minarch.reporting.figures.magnitude import draw_magnitude
from minarch.reporting.figures.minimal import draw_minimal
from minarch.reporting.figures.quantization import draw_drops, draw_latency
from minarch.reporting.figures.regimes import draw_regimes
from minarch.reporting.figures.structured import draw_structured
from minarch.reporting.figures.style import save, styled
from minarch.reporting.tables import Tables

FIGURES: dict[str, Callable[[Tables], Figure]] = {
    "front": draw_front,
    "regimes": draw_regimes,
    "minimal": draw_minimal,
    "magnitude": draw_magnitude,
    "structured": draw_structured,
    "quantization": draw_drops,
    "latency": draw_latency,
}


def draw_figures(tables: Tables, sweep: list[Path], folder: Path) -> list[str]:
    """Write every figure as <name>.svg and <name>.png into the new `folder`; the same tables give the same bytes."""
    folder.mkdir()
    representatives = tables["representatives"]
    chosen = set(" ".join(representatives["items"]).split())
    curves = read_curves([item for item in sweep if item.name in chosen])
    with styled():
        for name, draw in FIGURES.items():
            save(draw(tables), folder / name)
        for metric in ("accuracy", "loss"):
            save(draw_curves(representatives, curves, metric), folder / f"learning-{metric}")
    return [*FIGURES, "learning-accuracy", "learning-loss"]
