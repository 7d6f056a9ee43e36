"""A study's plan from beginning to end, before the stages that decide what comes later have run."""

from collections.abc import Callable
from typing import Any

from minarch.flow.decision import Decided
from minarch.flow.grid import expand
from minarch.flow.item import Item
from minarch.flow.plan import Plan
from minarch.models.families import family_slug


class Assumed(Plan):
    """A plan in which a decision that is not there yet is assumed: `assumptions` says in words what, by its stage.

    Its items are only for estimates: those after an assumption have other names than the study's will.
    """

    def __init__(self, study: str) -> None:
        super().__init__(study)
        self.assumptions: dict[str, str] = {}

    def _decided(self, stage: str) -> Decided:
        if all(file.is_file() for file in self.decision_files(stage)):
            return super()._decided(stage)
        self.assumptions[stage], decide = ASSUMPTIONS.get(stage, NOTHING)
        return Decided(None, decide(self))


Assumption = tuple[str, Callable[[Assumed], list[Any]]]  # in words; and what is decided


def _representatives(plan: Assumed) -> list[dict[str, Any]]:
    """Per data set and family as many architectures as roles, evenly spread over the sizes of the sweep up to the
    largest, and those that the study names.
    """
    sizes = dict[tuple[str, str], dict[str, list[Item]]]()
    for item in plan.items("sweep").values():
        of_family = sizes.setdefault((item.config["dataset"], item.config["family"]), {})
        of_family.setdefault(item.slug.rsplit("-r", 1)[0], []).append(item)
    roles, further = len(plan.study.representatives.roles), plan.study.representatives.further or {}
    chosen = []
    for (dataset, family), architectures in sizes.items():
        ordered = sorted(architectures, key=lambda name: architectures[name][0].resources.seconds)
        spread = [ordered[len(ordered) * place // roles - 1] for place in range(1, roles + 1)]
        kinds = [kind for _, kind in expand(family, further[family])] if family in further else []
        named = [f"{dataset}-{family_slug(family)}-{kind.label}" for kind in kinds]
        names = [name for name in dict.fromkeys([*spread, *named]) if name in architectures]
        chosen += [{"items": [item.name for item in architectures[name]]} for name in names]
    return chosen


NOTHING: Assumption = ("nothing is chosen", lambda plan: [])
ASSUMPTIONS: dict[str, Assumption] = {
    "refine": ("no size is added", lambda plan: []),
    "finalists": ("no network besides the representatives and what goes on", lambda plan: []),
    "representatives": ("one size per role and family, evenly spread up to the largest", _representatives),
}
