"""The report's figures: each module draws from tidy tables, or from the few networks whose weights are shown."""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from minarch.analysis.choice import FURTHER
from minarch.analysis.records import read_curves
from minarch.reporting.figures.controls import draw_controls
from minarch.reporting.figures.curves import draw_curves
from minarch.reporting.figures.depth import draw_depth
from minarch.reporting.figures.distributions import draw_strengths, draw_weights
from minarch.reporting.figures.front import draw_front
from minarch.reporting.figures.images import draw_attention, draw_first_layer
from minarch.reporting.figures.layerwise import draw_layerwise
from minarch.reporting.figures.magnitude import draw_magnitude
from minarch.reporting.figures.minimal import draw_minimal
from minarch.reporting.figures.precision import draw_fewest, draw_precision
from minarch.reporting.figures.quantization import draw_drops, draw_latency
from minarch.reporting.figures.regimes import draw_regimes
from minarch.reporting.figures.sensitivity import draw_sensitivity
from minarch.reporting.figures.shape import draw_shape
from minarch.reporting.figures.similarity import draw_similarity
from minarch.reporting.figures.structured import draw_structured
from minarch.reporting.figures.style import save, styled
from minarch.reporting.figures.trend import draw_early, draw_trend
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.shown import Shown

FIGURES: dict[str, Callable[[Tables], Figure | None]] = {
    "front": draw_front,
    "regimes": draw_regimes,
    "trend": draw_trend,
    "minimal": draw_minimal,
    "sensitivity": draw_sensitivity,
    "early": draw_early,
    "shape": draw_shape,
    "similarity": draw_similarity,
    "magnitude": draw_magnitude,
    "structured": draw_structured,
    "controls": draw_controls,
    "layerwise": draw_layerwise,
    "depth": draw_depth,
    "quantization": draw_drops,
    "latency": draw_latency,
    "precision": draw_precision,
    "fewest-bits": draw_fewest,
}
OF_NETWORKS: dict[str, Callable[[Sequence[Shown]], Figure | None]] = {
    "weight-histograms": draw_weights,
    "strengths": draw_strengths,
    "first-layer": draw_first_layer,
    "attention": draw_attention,
}


def draw_figures(tables: Tables, sweep: list[Path], shown: Sequence[Shown], folder: Path) -> None:
    """Write every figure as <name>.svg and <name>.png into the new `folder`; the same tables give the same bytes.

    One that would show nothing is left out: shares and distances of too few networks, controls that nobody asked for.
    """
    folder.mkdir()
    representatives = tables[Table.REPRESENTATIVES]
    representatives = representatives[representatives["role"] != FURTHER]
    chosen = set(" ".join(representatives["items"]).split())
    curves = read_curves([item for item in sweep if item.name in chosen])
    with styled():
        figures = {name: draw(tables) for name, draw in FIGURES.items()}
        figures |= {name: draw(shown) for name, draw in OF_NETWORKS.items()}
        for metric in ("accuracy", "loss"):
            figures[f"learning-{metric}"] = draw_curves(representatives, curves, metric)
        for name, figure in figures.items():
            if figure:
                save(figure, folder / name)
