"""The report: one HTML file that needs nothing beside it, a section for each finding."""

from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from minarch.reporting import wording
from minarch.reporting.evidence import Evidence
from minarch.reporting.findings import FINDINGS
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables.models import stored_as
from minarch.templates import environment_with_templates

MOST_ROWS = 250  # of a table in the report: the file has all
ESCAPED = str.maketrans({"%": "%25", "#": "%23", "&": "%26", "'": "%27"})  # in a data URI between single quotes


def figure_uri(path: Path) -> Markup:
    """An SVG as a data URI: unlike inline SVG its element ids cannot collide with those of the other figures.

    For single quotes around it, and with nothing escaped that need not be: that is half as long as base64.
    """
    text = path.read_text(encoding="utf-8").strip().translate(ESCAPED)
    return Markup("data:image/svg+xml," + text)  # noqa: S704  (what would end the attribute is escaped)


def render_section(environment: Environment, finding: Finding, evidence: Evidence) -> Markup:
    """What the finding's template says, below its heading."""
    tables = {name: evidence.rows(name) for name in finding.tables}
    template = environment.get_template(f"findings/{finding.name}.html.j2")
    return Markup(template.render(finding.facts(evidence), tables=tables))  # noqa: S704  (the template escapes)


def environment_of(evidence: Evidence, figures: Path) -> Environment:
    """The environment with what every template reads, and with the SVGs of the folder `figures`."""
    environment = environment_with_templates("minarch.reporting")
    environment.filters |= wording.FORMATS
    environment.globals |= {"estimate": wording.estimate, "between": wording.between, "stored_as": stored_as}
    environment.globals |= {
        "findings": FINDINGS,
        "titles": {finding.name: finding.title for finding in FINDINGS},
        "figures": {path.stem: figure_uri(path) for path in figures.glob("*.svg")},
        "most_rows": MOST_ROWS,
        "params": evidence.params,
        "max_drop_points": evidence.max_drop_points,
        "reliability": evidence.reliability,
        "searched": evidence.searched,
        "confidence": f"{100 * evidence.params['convergence']['confidence']:g} %",
    }
    return environment


def render(evidence: Evidence, figures: Path) -> str:
    """The report's text, with the SVGs of the folder `figures`.

    A section of the main part that has nothing to say in this study is left out; the appendix says why.
    """
    environment = environment_of(evidence, figures)
    sections = {finding.name: render_section(environment, finding, evidence) for finding in FINDINGS}
    main = [finding for finding in FINDINGS if finding.part == "main" and sections[finding.name].strip()]
    appendix = [finding for finding in FINDINGS if finding.part == "appendix"]
    page = environment.get_template("page.html.j2")
    return page.render(evidence=evidence, sections=sections, main=main, appendix=appendix)
