"""The report: one HTML file that needs nothing beside it, a section for each finding."""

import re
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from minarch.reporting import wording
from minarch.reporting.evidence import Evidence
from minarch.reporting.findings import FINDINGS
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables.models import stored_as

UNQUOTED = " !$()*+,-./:;=?@_~"  # what a data URI in a quoted attribute may hold as it is


def figure_uri(path: Path) -> str:
    """An SVG as a data URI: unlike inline SVG its element ids cannot collide with those of the other figures.

    Without comments and indentation, and percent-encoded, it is a third smaller than in base64.
    """
    text = re.sub(r"<!--.*?-->", "", path.read_text(), flags=re.DOTALL)
    return "data:image/svg+xml," + quote(re.sub(r"\s+", " ", text).replace("> <", "><"), safe=UNQUOTED)


def render_section(environment: Environment, finding: Finding, evidence: Evidence) -> Markup:
    """What the finding's template says, below its heading."""
    tables = {name: evidence.rows(name) for name in finding.tables}
    template = environment.get_template(f"findings/{finding.name}.html.j2")
    return Markup(template.render(finding.facts(evidence), tables=tables))  # noqa: S704  (the template escapes)


def environment_of(evidence: Evidence, figures: Path) -> Environment:
    """What every template reads, with the SVGs of the folder `figures`."""
    environment = Environment(
        loader=PackageLoader("minarch.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= wording.FORMATS
    environment.globals |= {"estimate": wording.estimate, "between": wording.between, "stored_as": stored_as}
    environment.globals |= {
        "findings": FINDINGS,
        "figures": {path.stem: figure_uri(path) for path in figures.glob("*.svg")},
        "params": evidence.params,
        "max_drop_points": evidence.max_drop_points,
        "searched": evidence.searched,
        "confidence": f"{100 * evidence.params['convergence']['confidence']:g} %",
    }
    return environment


def render(evidence: Evidence, figures: Path) -> str:
    """The report's text, with the SVGs of the folder `figures`."""
    environment = environment_of(evidence, figures)
    sections = {finding.name: render_section(environment, finding, evidence) for finding in FINDINGS}
    return environment.get_template("page.html.j2").render(evidence=evidence, sections=sections)
