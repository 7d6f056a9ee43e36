"""The regimes: which sizes are unstable, learn or overfit, and why."""

from minarch.reporting.figures.regimes import draw_regimes
from minarch.reporting.findings.finding import Finding

FINDING = Finding(
    name="regimes",
    title="Regimes",
    heading="Regimes: unstable, learning, overfitting",
    tables={"sizes": "one architecture: means, regime and the reason for it"},
    figures={
        "regimes": lambda evidence: draw_regimes(evidence.tables),
    },
    facts=lambda evidence: {"sizes": evidence.by_family("sizes")},
)
