"""Choice of the models to prune and to quantize (docs/methods.md 1.2; the rule is our inference).

Per data set and family, on validation records only:
- minimal: the smallest model that is not unstable with at least P_min parameters;
- near-best: the smallest such model within near_best_points of the family's best, whatever its regime;
- overfitting: the largest model in the overfitting regime;
- best: the model with the highest mean accuracy of those that are not unstable;
- further: what the study names besides.
Two roles never share a model. If the first choice of near-best is taken it moves to the next larger model near the
best that is still in the learning regime; overfitting only takes models larger than the earlier roles'. A role that is
left without a model of its own is dropped, as best is where an earlier role has the best model. A size with too few
trainings to be called reliable takes no role but overfitting and further.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from minarch.analysis.records import FINAL_VALIDATION
from minarch.analysis.regimes import LEARNING, OVERFITTING, UNSTABLE
from minarch.errors import UserError

MISSING = {
    "minimal": "no size learns reliably up to the largest one; widen sweep.families upwards or raise the epochs",
    "near-best": "no reliable size comes near the best; widen sweep.families upwards",
    "overfitting": "no size overfits; train for more epochs, widen sweep.families upwards, or leave this role out",
    "best": "no size is reliable; widen sweep.families upwards or raise the epochs",
}
FURTHER = "further"  # of what the study names, a search found or can be the answer; the other roles a family has once
ROLES = [*MISSING, FURTHER]


@dataclass(frozen=True, kw_only=True)
class Representative:
    """A model that goes on, and the rule by which it was chosen, in words."""

    role: str
    architecture: str
    parameters: int
    regime: str
    rule: str


def candidates(role: str, sizes: pd.DataFrame, p_min: float, trainings: int = 1) -> tuple[pd.DataFrame, str]:
    """The models that may play `role`, first choice first, and the rule in words."""
    reliable = sizes[(sizes["regime"] != UNSTABLE) & (sizes["repeats"] >= trainings)]
    stable = reliable[reliable["parameters"] >= p_min]
    near = stable[stable["near_best"]]
    if role == "minimal":
        return stable, f"smallest model that is not unstable with at least P_min = {p_min:,.0f} parameters"
    if role == "near-best":
        later = near[1:][near[1:]["regime"] == LEARNING]
        rule = (
            "smallest reliable model near the family's best; if that has a role, the next larger one that is learning"
        )
        return pd.concat([near[:1], later]), rule
    if role == "best":
        best = reliable.sort_values(FINAL_VALIDATION, ascending=False, kind="stable")
        return best[:1], "reliable model with the highest mean validation accuracy"
    return sizes[sizes["regime"] == OVERFITTING][::-1], "largest model in the overfitting regime"


def choose_representatives(
    sizes: pd.DataFrame, p_min: float, roles: list[str], further: Sequence[str] = (), trainings: int = 1
) -> list[Representative]:
    """Representatives of one (data set, family); `p_min` is NaN where the grid has none.

    Args:
        sizes: its rows of sizes.csv, with FINAL_VALIDATION: the mean over the networks that go on.
        further: architectures; one that has a role already keeps it.
        trainings: a size with fewer repeats is not called reliable.

    Raises UserError if a role has no candidate at all.
    """
    sizes = sizes.sort_values(["parameters", "architecture"])
    chosen: list[Representative] = []
    for role in [role for role in MISSING if role in roles]:
        rows, rule = candidates(role, sizes, p_min, trainings)
        if rows.empty:
            where = f"{sizes['dataset'].iloc[0]}/{sizes['family'].iloc[0]}"
            raise UserError(f"representatives.roles: {role!r} finds no model for {where}: {MISSING[role]}")
        rows = rows[~rows["architecture"].isin([other.architecture for other in chosen])]
        if role == "overfitting" and chosen:
            rows = rows[rows["parameters"] >= max(other.parameters for other in chosen)]
        if not rows.empty:
            chosen.append(_representative(role, rows.iloc[0], rule))
    taken = {other.architecture for other in chosen}
    named = sizes[sizes["architecture"].isin(set(further) - taken)]
    return chosen + [_representative(FURTHER, row, "named in the study") for _, row in named.iterrows()]


def _representative(role: str, row: pd.Series, rule: str) -> Representative:
    return Representative(
        role=role,
        architecture=row["architecture"],
        parameters=int(row["parameters"]),
        regime=row["regime"],
        rule=rule,
    )
