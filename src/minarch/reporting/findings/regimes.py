"""The regimes: which sizes are unstable, learn or overfit, and why."""

from minarch.reporting.figures.sweep_map import draw_sweep_map
from minarch.reporting.findings.finding import Finding

FINDING = Finding(
    name="regimes",
    title="Regimes",
    heading="Regimes: unstable, learning, overfitting",
    tables={
        "sizes": "one architecture: means, regime and the reason for it",
        "order": "one family: whether regimes follow each other with size, and hold on the other half of the repeats",
    },
    figures={
        "sweep-map": lambda evidence: draw_sweep_map(evidence.tables),
    },
    facts=lambda evidence: {"sizes": evidence.by_family("sizes")},
)
