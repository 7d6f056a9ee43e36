"""The plots that `dvc plots show` draws of the report's tables, and the Vega-Lite templates that draw them.

A colour is a family, a shape a revision. Sizes range over powers of ten, so their axis is logarithmic.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

TEMPLATES = Path(".dvc/plots")  # where DVC looks for them


class Plot(NamedTuple):
    """A plot: the table, its columns, and the scale of the horizontal axis, after which its template is called."""

    title: str
    table: str
    x: str
    y: str
    scale: str


PLOTS = (
    Plot("Validation accuracy against trainable parameters", "sizes", "parameters", "validation_mean", "log"),
    Plot("Validation accuracy against bytes", "models", "bytes", "validation_mean", "log"),
    Plot(
        "Validation accuracy against the share of weights set to zero",
        "magnitude",
        "level",
        "validation_mean",
        "linear",
    ),
    Plot(
        "Accuracy lost to fewer bits against trainable parameters",
        "quantization",
        "parameters",
        "test_drop_points_mean",
        "log",
    ),
)


def declared() -> list[dict[str, Any]]:
    """The plots in the words of dvc.yaml."""
    files = {plot: f"reports/tables/{plot.table}.csv" for plot in PLOTS}
    return [
        {plot.title: {"template": name_of(plot.scale), "x": {file: plot.x}, "y": {file: plot.y}}}
        for plot, file in files.items()
    ]


def name_of(scale: str) -> str:
    """What the template is called whose horizontal axis has this scale."""
    return f"by_family_{scale}"


def templates() -> dict[Path, str]:
    """The file and the text of every template; what stands in <> is filled in by DVC."""
    return {TEMPLATES / f"{name_of(scale)}.json": _template(scale) for scale in sorted({p.scale for p in PLOTS})}


def _template(scale: str) -> str:
    axes = {axis: _axis(axis, kind) for axis, kind in (("x", scale), ("y", "linear"))}
    shown = [{"field": name} for name in ("architecture", "family", "rev")]
    shown += [{"field": f"<DVC_METRIC_{axis.upper()}>", "type": "quantitative"} for axis in axes]
    body = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": "<DVC_METRIC_DATA>"},
        "title": {"text": "<DVC_METRIC_TITLE>", "anchor": "middle"},
        "width": 600,
        "height": 360,
        "mark": {"type": "point", "filled": True, "opacity": 0.7},
        "params": [{"name": "grid", "select": "interval", "bind": "scales"}],
        "encoding": {
            **axes,
            "color": {"field": "family", "type": "nominal", "title": "family"},
            "shape": {"field": "rev", "type": "nominal", "title": "revision"},
            "tooltip": shown,
        },
    }
    return json.dumps(body, indent=2) + "\n"


def _axis(axis: str, scale: str) -> dict[str, Any]:
    name = f"<DVC_METRIC_{axis.upper()}"
    range_of_data = {"nice": False, "padding": 10} | ({} if scale == "log" else {"zero": False})
    kind = {"type": scale, **range_of_data}
    return {"field": f"{name}>", "type": "quantitative", "title": f"{name}_LABEL>", "scale": kind}
