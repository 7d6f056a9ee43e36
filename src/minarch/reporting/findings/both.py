"""Whether pruning units and layers together beats pruning either alone."""

from collections.abc import Iterator
from typing import Any

from minarch.analysis.complexity import FEWEST_NU, LAYERS, UNITS, WHOLE, alone_at, beats_either
from minarch.analysis.multiplicity import VERDICT, adjusted_name
from minarch.complexity import GATED
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.tradeoff import draw_betas
from minarch.reporting.figures.ways import MOST
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import Table, rows_of

INSTEAD = {alone_at(UNITS): "units alone", alone_at(LAYERS): "layers alone"}


def mixtures(evidence: Evidence) -> list[dict[str, Any]]:
    """Each beta between 0 and 1 of a whole network and alpha: its comparisons at equal MACs, and what they say."""
    tradeoff = evidence.tables[Table.TRADEOFF]
    compared = tradeoff[tradeoff["against"].isin(INSTEAD)]
    mixed = []
    for key, rows in compared.groupby([*WHOLE, "alpha", "beta"], sort=False):
        verdicts = dict(zip(rows["against"], rows[adjusted_name()], strict=True))
        named = dict(zip([*WHOLE, "alpha", "beta"], key, strict=True))
        lacking = [words for beta, words in INSTEAD.items() if beta not in verdicts]
        mixed.append(named | {"rows": rows_of(rows), "beats": beats_either(verdicts), "lacking": lacking})
    return mixed


def facts(evidence: Evidence) -> dict[str, Any]:
    gated = evidence.tables[Table.COMPLEXITY].query(f"way == '{GATED}'")
    several = gated.groupby([*WHOLE, "alpha"])["beta"].nunique()
    return {
        "betas": sorted(gated["beta"].unique()),
        "mixtures": mixtures(evidence),
        "instead": INSTEAD,
        "fewest": FEWEST_NU,
        "shown": MOST // 2,
        "wholes": int((several > 1).sum()),
    }


def metrics(evidence: Evidence) -> Iterator[Metric]:
    """Of each comparison the difference and its verdict, and what follows of both."""
    for mixture in mixtures(evidence):
        knobs = f"alpha {mixture['alpha']:g}, beta {mixture['beta']:g}"
        path = (mixture["dataset"], mixture["family"], "units_and_layers", mixture["whole"], knobs)
        yield (*path, "beats either"), mixture["beats"]
        for row in mixture["rows"]:
            numbers = {name: row[name] for name in ("test_difference_points_mean", VERDICT, adjusted_name(), "n")}
            yield (*path, f"against {INSTEAD[row['against']]}"), numbers


FINDING = Finding(
    name="both",
    title="Units or layers",
    heading="Units, layers or both?",
    figures={
        "units_or_layers": lambda evidence: draw_betas(evidence.tables),
    },
    facts=facts,
    metrics=metrics,
)
