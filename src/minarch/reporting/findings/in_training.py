"""What pruning while training does, in short: what is kept, and whether the controls are as good."""

from typing import Any

from minarch.analysis.complexity import BETTER, CONTROLS, CURVE, WORSE
from minarch.analysis.multiplicity import VERDICT, adjusted_name
from minarch.complexity import GATED
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.tradeoff import NAMES, draw_tradeoff
from minarch.reporting.figures.ways import MOST
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables import Table


def facts(evidence: Evidence) -> dict[str, Any]:
    gated = evidence.tables[Table.COMPLEXITY].query(f"way == '{GATED}'")
    tradeoff = evidence.tables[Table.TRADEOFF]
    against = tradeoff[tradeoff["against"].isin(CONTROLS)].groupby("against")
    verdicts, alone = (against[name].value_counts() for name in (adjusted_name(), VERDICT))
    decided = [BETTER, WORSE]
    return {
        "networks": len(gated),
        "curves": gated.groupby(CURVE).ngroups,
        "panels": MOST,
        "kept": {"lowest": gated["macs_share_mean"].min(), "highest": gated["macs_share_mean"].max()},
        "cheaper": int((gated["cheaper"] == "holds").sum()),
        "compared": {
            NAMES[control]: {verdict: int(verdicts.get((control, verdict), 0)) for verdict in decided}
            for control in CONTROLS
            if control in verdicts.index.get_level_values(0)
        },
        "told": bool(verdicts.index.get_level_values(1).isin(decided).any()),
        "told_alone": int(alone[alone.index.get_level_values(1).isin(decided)].sum()),
    }


FINDING = Finding(
    name="in_training",
    title="Pruned in training",
    heading="What does pruning while training do?",
    part="main",
    more=("gated", "both"),
    figures={"pruned_in_training": lambda evidence: draw_tradeoff(evidence.tables, "macs")},
    facts=facts,
)
