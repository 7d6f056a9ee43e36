"""Stage aggregate: everything a study found as tidy tables, figures, metrics and one self-contained report."""

from pathlib import Path
from typing import Any

from minarch.files import write_json
from minarch.flow.job import run_stage
from minarch.reporting.evidence import Evidence, read_run
from minarch.reporting.figures import draw_figures
from minarch.reporting.html import render
from minarch.reporting.metrics import make_metrics
from minarch.reporting.tables.make import make_tables, write_tables
from minarch.reporting.tables.shown import shown_networks


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write tables/*.csv, figures/*.svg and *.png, metrics.json and report.html; the same items give the same bytes."""
    tables = make_tables(config, inputs)
    write_tables(tables, out / "tables")
    draw_figures(tables, inputs["sweep"], shown_networks(tables, inputs), out / "figures")
    evidence = Evidence(
        study=config["study"],
        params=config["params"],
        max_drop_points=config["max_drop_points"],
        tables=tables,
        run=read_run(inputs, tables["sweep"]),
    )
    write_json(out / "metrics.json", make_metrics(evidence))
    (out / "report.html").write_text(render(evidence, out / "figures"), encoding="utf-8")


if __name__ == "__main__":
    run_stage("aggregate", work)
