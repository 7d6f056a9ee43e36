"""A study's plan from beginning to end, before the stages that decide what comes later have run."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from minarch.flow.decision import Decided
from minarch.flow.grid import expand
from minarch.flow.item import Item
from minarch.flow.plan import Plan
from minarch.models.families import family_slug

FURTHER = 2  # finalists of a data set and family that nothing else exports: in the default study nine, of four families
BLOCK = re.compile(r"-r\d+-\d+$")  # the end of an item's name that says which repeats it trains


class Assumed(Plan):
    """A plan in which a decision that is not there yet is assumed: `assumptions` says in words what, by its stage.

    Its items are only for estimates: those after an assumption have other names than the study's will.
    """

    def __init__(self, study: str) -> None:
        super().__init__(study)
        self.assumptions: dict[str, str] = {}

    def decided(self, stage: str) -> Decided:
        if all(file.is_file() for file in self.decision_files(stage)):
            return super().decided(stage)
        self.assumptions[stage], decide = ASSUMPTIONS.get(stage, NOTHING)
        return Decided(None, decide(self))


Assumption = tuple[str, Callable[[Assumed], list[Any]]]  # in words; and what is decided


def _representatives(plan: Assumed) -> list[dict[str, Any]]:
    """Per data set and family as many architectures as roles, evenly spread over the sizes of the sweep up to the
    largest, and those that the study names.
    """
    roles, further = len(plan.study.representatives.roles), plan.study.representatives.further or {}
    chosen = []
    for (dataset, family), models in _models(plan.items("sweep").values()).items():
        kinds = [kind for _, kind in expand(family, further[family])] if family in further else []
        named = [f"{dataset}-{family_slug(family)}-{kind.label}" for kind in kinds]
        names = [name for name in dict.fromkeys([*_spread(models, roles), *named]) if name in models]
        chosen += [{"items": [item.name for item in models[name]]} for name in names]
    return chosen


def _finalists(plan: Assumed) -> list[dict[str, Any]]:
    """Per data set and family FURTHER of the networks that can be the answer and are not exported anyway, evenly
    spread over their sizes up to the largest.
    """
    (decider,) = plan.items("finalists").values()
    candidates = [plan.items(stage)[name] for stage, name in (path.split("/") for path in decider.inputs["networks"])]
    representatives = {name for model in plan.decided("representatives").value for name in model["items"]}
    further = [item for item in candidates if not item.goes_on and item.name not in representatives]
    return [
        {"items": [item.name for item in models[name]]}
        for models in _models(further).values()
        for name in dict.fromkeys(_spread(models, FURTHER))
    ]


def _models(items: Iterable[Item]) -> dict[tuple[str, str], dict[str, list[Item]]]:
    """Data set and family -> model -> the items that train its repeats."""
    models = dict[tuple[str, str], dict[str, list[Item]]]()
    for item in items:
        of_family = models.setdefault((item.config["dataset"], item.config["family"]), {})
        of_family.setdefault(BLOCK.sub("", item.slug), []).append(item)
    return models


def _spread(models: Mapping[str, list[Item]], count: int) -> list[str]:
    """So many of the models, evenly spread by the time that they train, up to the longest; of few models the same."""
    ordered = sorted(models, key=lambda name: models[name][0].resources.seconds)
    return [ordered[len(ordered) * place // count - 1] for place in range(1, count + 1)]


NOTHING: Assumption = ("nothing is chosen", lambda plan: [])
ASSUMPTIONS: dict[str, Assumption] = {
    "refine": ("no size is added", lambda plan: []),
    "representatives": ("one size per role and family, evenly spread up to the largest", _representatives),
    "finalists": (f"{FURTHER} more networks per data set and family than go on anyway", _finalists),
}
