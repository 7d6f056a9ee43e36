"""The report: one HTML file that needs nothing beside it, rendered from the tables and the figures."""

import base64
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from minarch.analysis.phases import COLLAPSE_SHARE, PLATEAU_POINTS
from minarch.reporting import wording
from minarch.reporting.models import batches_of
from minarch.reporting.tables import Tables, rows_of

PACKAGES = ["torch", "torchvision", "nncf", "openvino", "scikit-learn", "numpy", "scipy", "pandas", "matplotlib"]


def figure_uri(path: Path) -> str:
    """An SVG as a data URI: unlike inline SVG its element ids cannot collide with those of the other figures."""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()


def at_a_glance(tables: Tables) -> list[dict[str, Any]]:
    """One row per data set and family: the findings of every stage."""
    rows = rows_of(tables["minimal"][tables["minimal"]["depth"] == "all"])
    originals = tables["quantization"][tables["quantization"]["method"] == "original"]
    for row in rows:
        redundancy, drops = (
            table[(table["dataset"] == row["dataset"]) & (table["family"] == row["family"])]
            for table in (tables["redundancy"], originals)
        )
        row["redundancy"] = rows_of(redundancy)
        row["drops"] = rows_of(drops)
    return rows


def answers(tables: Tables) -> list[dict[str, Any]]:
    """Per data set the recommended and the best model, None where no model is reliable."""
    found = []
    for dataset in tables["data"]["dataset"]:
        front = tables["front"][tables["front"]["dataset"] == dataset]
        picks = {name: rows_of(front[front[name].astype(bool)]) for name in ("recommended", "best")}
        found.append({"dataset": dataset} | {name: rows[0] if rows else None for name, rows in picks.items()})
    return found


def render(
    tables: Tables,
    figures: Path,
    config: dict[str, Any],
    *,
    seconds: float,
    devices: list[str],
    latency: dict[str, Any],
) -> str:
    """The report's text. `seconds` the sweep trained; `latency`: device, threads and rounds of its measurement."""
    environment = Environment(
        loader=PackageLoader("minarch.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= wording.FORMATS
    environment.globals |= {"estimate": wording.estimate}
    exports = tables["models"]
    return environment.get_template("report.html.j2").render(
        study=config["study"],
        params=config["params"],
        max_drop_points=config["max_drop_points"],
        study_file=yaml.safe_dump(config["params"], sort_keys=False, default_flow_style=None),
        tables={name: rows_of(table) for name, table in tables.items()},
        sizes_by_family={key: rows_of(rows) for key, rows in tables["sizes"].groupby(["dataset", "family"])},
        glance=at_a_glance(tables),
        answers=answers(tables),
        families=sorted(tables["sizes"]["family"].unique()),
        figures={path.stem: figure_uri(path) for path in figures.glob("*.svg")},
        batches=batches_of(exports),
        failed=int((tables["sweep"]["status"] != "ok").sum()),
        graph_dominates=int((exports["weight_bytes"] < exports["bytes"] / 2).sum()),
        plateau_points=PLATEAU_POINTS,
        collapse_share=COLLAPSE_SHARE,
        confidence=f"{100 * config['params']['convergence']['confidence']:g} %",
        seconds=seconds,
        devices=devices,
        latency=latency,
        versions={"Python": platform.python_version()} | {name: version(name) for name in PACKAGES},
    )
