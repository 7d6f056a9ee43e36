"""The report: one HTML file that needs nothing beside it, rendered from the tables and the figures."""

import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from minarch.analysis.choice import FURTHER
from minarch.analysis.phases import COLLAPSE_SHARE, PLATEAU_POINTS
from minarch.analysis.precision import ORIGINAL, integers
from minarch.analysis.records import MODEL
from minarch.analysis.sensitivity import NEAR_ONE
from minarch.reporting import pruning_verdicts, quantization_verdicts, verdicts, wording
from minarch.reporting.tables import Tables, rows_of
from minarch.reporting.tables.models import batches_of, headline_method, stored_as
from minarch.reporting.tables.networks import WHOLE
from minarch.reporting.tables.pruning import SHARE

UNQUOTED = " !$()*+,-./:;=?@_~"  # what a data URI in a quoted attribute may hold as it is
PACKAGES = ["torch", "torchvision", "nncf", "openvino", "scikit-learn", "numpy", "scipy", "pandas", "matplotlib"]


def figure_uri(path: Path) -> str:
    """An SVG as a data URI: unlike inline SVG its element ids cannot collide with those of the other figures.

    Without comments and indentation, and percent-encoded, it is a third smaller than in base64.
    """
    text = re.sub(r"<!--.*?-->", "", path.read_text(), flags=re.DOTALL)
    return "data:image/svg+xml," + quote(re.sub(r"\s+", " ", text).replace("> <", "><"), safe=UNQUOTED)


def at_a_glance(tables: Tables) -> list[dict[str, Any]]:
    """One row per data set and family: the findings of every stage, of the models that are not FURTHER."""
    rows = rows_of(tables["minimal"][tables["minimal"]["depth"] == "all"])
    quantized = tables["quantization"]
    name, _ = headline_method(quantized)
    originals = quantized[(quantized["method"] == ORIGINAL) & (quantized["quantization"] == name)]
    redundancy = pruning_verdicts.headline(tables["redundancy"])
    redundancy, originals = (table[table["role"] != FURTHER] for table in (redundancy, originals))
    shape = tables["shape"][(tables["shape"]["scope"] == "all sizes") & (tables["shape"]["source"] == "shape")]
    for row in rows:
        for name, table in {"redundancy": redundancy, "drops": originals, "shape": shape}.items():
            row[name] = rows_of(table[(table["dataset"] == row["dataset"]) & (table["family"] == row["family"])])
    return rows


def answers(tables: Tables) -> list[dict[str, Any]]:
    """Per data set the recommended and the best model, None where no model is reliable."""
    found = []
    for dataset in tables["data"]["dataset"]:
        front = tables["front"][tables["front"]["dataset"] == dataset]
        picks = {name: rows_of(front[front[name].astype(bool)]) for name in ("recommended", "best")}
        found.append({"dataset": dataset} | {name: rows[0] if rows else None for name, rows in picks.items()})
    return found


def by_family(table: pd.DataFrame) -> dict[Any, list[dict[str, Any]]]:
    """The rows of each data set and family."""
    return {key: rows_of(rows) for key, rows in table.groupby(["dataset", "family"])}


def in_one_row(correlations: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per data set and family: the row of each statistic by its name; n is the largest."""
    found = []
    for (dataset, family), rows in by_family(correlations).items():
        about = {"dataset": dataset, "family": family, "n": max(row["n"] for row in rows)}
        found.append(about | {row["statistic"]: row for row in rows})
    return found


def render(
    tables: Tables,
    figures: Path,
    config: dict[str, Any],
    *,
    seconds: float,
    devices: list[str],
    latency: dict[str, Any],
    refined: int,
) -> str:
    """The report's text.

    Args:
        seconds: the sweep trained.
        latency: device, threads, rounds and INT8 kernel of its measurement.
        refined: architectures that were added to the sweep around P_min.
    """
    environment = Environment(
        loader=PackageLoader("minarch.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= wording.FORMATS
    environment.globals |= {"estimate": wording.estimate, "between": wording.between, "stored_as": stored_as}
    exports = tables["models"]
    similar = config["params"]["similarity"]["confidence"]
    fragile = tables["fragile"]
    name, precision = headline_method(tables["quantization"])
    representatives, pruning = tables["representatives"][[*MODEL, "role"]], tables["pruning"]
    return environment.get_template("report.html.j2").render(
        study=config["study"],
        params=config["params"],
        max_drop_points=config["max_drop_points"],
        study_file=yaml.safe_dump(config["params"], sort_keys=False, default_flow_style=None),
        tables={name: rows_of(table) for name, table in tables.items()},
        by_family={name: by_family(tables[name]) for name in ("sizes", "weights", "pruning")},
        glance=at_a_glance(tables),
        answers=answers(tables),
        near_one=NEAR_ONE,
        swings=verdicts.swings(tables["sensitivity"]),
        certain_epochs=verdicts.certain_epochs(tables["early"]),
        explained=verdicts.explained(tables["shape"]),
        statistics=WHOLE,
        correlations=in_one_row(tables["correlations"]),
        representative_weights=rows_of(representatives.merge(tables["weights"], on=MODEL)),
        everything=verdicts.EVERYTHING,
        resemblance=verdicts.resemblance(tables["similarity"], similar),
        blocks=verdicts.in_blocks(tables["similarity"]),
        block_names=verdicts.BLOCKS,
        similarity_level=1 - similar,
        similarity_confidence=f"{100 * similar:g} %",
        reaching=pruning_verdicts.reaching(tables["redundancy"]),
        sixty=SHARE,
        methods=pruning_verdicts.methods_of(pruning, config["max_drop_points"]),
        reestimated=bool((pruning["test_reestimated_mean"] - pruning["test_pruned_mean"]).abs().gt(0).any()),
        against_controls=pruning_verdicts.against_controls(tables["controls"]),
        controls_in_all=pruning_verdicts.against_controls(tables["controls"].assign(method="all")),
        control_names=wording.CONTROLS,
        chance_cases=f"{50 * (1 - config['params']['convergence']['confidence']):g}",
        bearing=pruning_verdicts.bearing(tables["layerwise"]),
        scopes=wording.SCOPES,
        further=FURTHER,
        original=ORIGINAL,
        headline_method=stored_as(precision, name),
        quantizations=quantization_verdicts.methods_of(tables["quantization"], config["max_drop_points"]),
        fewest_counts=quantization_verdicts.fewest_counts(tables["fewest"]),
        hurt_at=quantization_verdicts.hurt_at(tables["hurt"]),
        fragility=quantization_verdicts.fragility(fragile, ["bits", "precision", "scheme", "method", "level"]),
        fragility_by_bits=quantization_verdicts.fragility(integers(fragile), ["bits"]),
        refined=refined,
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
