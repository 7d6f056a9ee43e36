"""How many of the smallest weights can be set to zero before accuracy suffers."""

from typing import Any

import pandas as pd

from minarch.analysis.multiplicity import adjusted_name
from minarch.analysis.phases import COLLAPSE_SHARE, PLATEAU_POINTS
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.magnitude import draw_magnitude
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables.magnitude import FALLS_SHORT, OPEN, REACHES, SHARE, SIXTY_TEST, SURELY
from minarch.reporting.wording import SCOPES


def headline(redundancy: pd.DataFrame) -> pd.DataFrame:
    """The one row of each model that stands for it: without fine-tuning, global if there is that scope."""
    rows = redundancy[~redundancy["finetuned"].astype(bool)]
    scope = "global" if (rows["scope"] == "global").any() else "layer"
    return rows[rows["scope"] == scope]


def reaching(redundancy: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per scope and fine-tuning: how many models' plateau reaches 60 % of the weights, does not, or may; and of
    how many 60 % can surely go on test images, as adjusted verdicts and if each is judged alone.
    """
    curves = []
    for (finetuned, scope), rows in redundancy.groupby(["finetuned", "scope"]):
        counts = {answer: int((rows["sixty"] == answer).sum()) for answer in (REACHES, FALLS_SHORT, OPEN)}
        ends = {"lowest": rows["redundancy"].min(), "highest": rows["redundancy"].max()}
        runs = {"fewest": int(rows["n"].min()), "most": int(rows["n"].max())}
        surely = {"surely": int((rows[adjusted_name(SIXTY_TEST)] == REACHES).sum())}
        surely |= {"surely_alone": int((rows[SIXTY_TEST] == REACHES).sum())}
        tested = {"tested_lowest": rows[SURELY].min(), "tested_highest": rows[SURELY].max()}
        curve = {"finetuned": bool(finetuned), "scope": scope, "models": len(rows)}
        curves.append(curve | counts | ends | runs | surely | tested)
    return curves


def facts(evidence: Evidence) -> dict[str, Any]:
    return {
        "reaching": reaching(evidence.tables["redundancy"]),
        "sixty": SHARE,
        "plateau_points": PLATEAU_POINTS,
        "collapse_share": COLLAPSE_SHARE,
        "scopes": SCOPES,
    }


FINDING = Finding(
    name="redundancy",
    title="Redundancy",
    heading="Redundancy: magnitude pruning",
    tables={
        "magnitude": "one model and share of zeroed weights",
        "redundancy": "one model: the end of its plateau",
    },
    figures={
        "magnitude": lambda evidence: draw_magnitude(evidence.tables),
    },
    facts=facts,
)
