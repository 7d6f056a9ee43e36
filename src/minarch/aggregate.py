"""Stage aggregate: everything a study found as tidy tables, figures, metrics and one self-contained report."""

from pathlib import Path
from typing import Any

from minarch.data.catalogue import slug
from minarch.files import write_json
from minarch.flow.job import run_stage
from minarch.reporting.drawing import draw_figures
from minarch.reporting.evidence import read_evidence
from minarch.reporting.findings import FINDINGS
from minarch.reporting.html import render
from minarch.reporting.metrics import make_details, make_metrics
from minarch.reporting.tables import in_listed_order
from minarch.reporting.tables.make import make_tables, write_tables


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write tables/*.csv, figures/*.svg, *.pdf and *.png, metrics.json, metrics-details.json and report.html.

    The same items give the same bytes.
    """
    tables = make_tables(config, inputs)
    for finding in FINDINGS:
        tables |= finding.make(config, inputs)
    listed = config["params"]["data"]["datasets"]
    tables = in_listed_order(tables, [slug(entry if isinstance(entry, str) else entry["name"]) for entry in listed])
    write_tables(tables, out / "tables")
    evidence = read_evidence(config, inputs, tables)
    draw_figures(evidence, out / "figures")
    write_json(out / "metrics.json", make_metrics(evidence))
    write_json(out / "metrics-details.json", make_details(evidence))
    (out / "report.html").write_text(render(evidence, out / "figures"), encoding="utf-8")


if __name__ == "__main__":
    run_stage("aggregate", work)
