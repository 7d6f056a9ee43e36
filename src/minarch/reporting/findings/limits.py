"""What the other findings do not say."""

from typing import Any

from minarch.reporting.evidence import Evidence
from minarch.reporting.findings.finding import Finding
from minarch.reporting.wording import span


def facts(evidence: Evidence) -> dict[str, Any]:
    models = evidence.tables["models"]
    return {
        "datasets": evidence.rows("data"),
        "models": len(models),
        "repeats": span(evidence.tables["sizes"]["repeats"]),
        "finetuned": len(evidence.tables["pruning"]) > 0,
        "graph_dominates": int((models["weight_bytes"] < models["bytes"] / 2).sum()),
        "refined": evidence.run.refined,
    }


FINDING = Finding(name="limits", title="Limits", heading="Limits", part="main", facts=facts)
