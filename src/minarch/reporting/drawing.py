"""The figure files of the report, composed from the findings."""

from pathlib import Path

from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.style import save, styled
from minarch.reporting.findings import FINDINGS


def draw_figures(evidence: Evidence, folder: Path) -> None:
    """Write every figure as <name>.svg, <name>.pdf and <name>.png into the new `folder`.

    The same evidence gives the same bytes. A figure that would show nothing is left out: shares and distances of too
    few networks, controls that nobody asked for.
    """
    folder.mkdir()
    with styled():
        for finding in FINDINGS:
            for name, draw in finding.figures.items():
                if figure := draw(evidence):
                    save(figure, folder / name)
