"""Stage aggregate: everything a study found as tidy tables, figures, metrics and one self-contained report."""

from pathlib import Path
from typing import Any

from minarch.analysis.records import MODEL
from minarch.files import write_json
from minarch.flow.job import run_stage
from minarch.reporting.figures import draw_figures
from minarch.reporting.html import render
from minarch.reporting.metrics import make_metrics
from minarch.reporting.tables.make import make_tables, write_tables
from minarch.reporting.tables.quantization import read_measurement
from minarch.reporting.tables.read import read_timing
from minarch.reporting.tables.shown import shown_networks


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write tables/*.csv, figures/*.svg and *.png, metrics.json and report.html; the same items give the same bytes."""
    tables = make_tables(config, inputs)
    write_tables(tables, out / "tables")
    draw_figures(tables, inputs["sweep"], shown_networks(tables, inputs), out / "figures")
    metrics = make_metrics(tables, config["params"]["similarity"]["confidence"])
    write_json(out / "metrics.json", metrics)
    seconds, devices = read_timing(inputs["sweep"])
    added = {item.name for item in inputs["sweep"] if item.parent.name == "refined"}
    report = render(
        tables,
        out / "figures",
        config,
        seconds=seconds,
        devices=devices,
        latency=read_measurement(inputs["quantize"]),
        refined=len(tables["sweep"][tables["sweep"]["item"].isin(added)].drop_duplicates(MODEL)),
    )
    (out / "report.html").write_text(report, encoding="utf-8")


if __name__ == "__main__":
    run_stage("aggregate", work)
