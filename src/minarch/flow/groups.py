"""Groups: the items that one job of a cluster works through, one after the other.

Most items take less than what a cluster takes to start a job. Snakemake submits jobs of one group together, and as many
as it is told: here all that have one name. An item of a group takes the group's one turn, so Snakemake asks for the
memory of the largest item, not of all, and starts them one by one.
"""

import heapq
import sys
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any

from minarch.flow.item import Item
from minarch.flow.plan import Plan
from minarch.flow.seal import RECORD

GROUP_S = 300.0  # of an average group: long beside its start (15 s), short beside what a lost node costs
STARTING_S = 0.3  # what an item takes besides its own work
MOST = 500  # items of a group: Snakemake needs time by their square to add up what they take
LEAST_MINUTES, MARGIN = 30, 3  # of a group's limit: a slow node must not lose what it computed
TURN = "turn"


def pack(seconds: Mapping[str, float]) -> list[list[str]]:
    """Names in groups of about equal sums, as few as hold `GROUP_S` each on average and at most `MOST` names.

    The longest comes first, and goes where least is: at most a third longer than the best there is (Graham, "Bounds on
    multiprocessing timing anomalies", 1969).

    Args:
        seconds: what each takes.
    """
    if not seconds:
        return []
    count = max(ceil(sum(seconds.values()) / GROUP_S), ceil(len(seconds) / MOST))
    least = [(0.0, number) for number in range(min(count, len(seconds)))]
    groups: list[list[str]] = [[] for _ in least]
    for name in sorted(seconds, key=lambda name: (-seconds[name], name)):
        total, number = heapq.heappop(least)
        groups[number].append(name)
        if len(groups[number]) < MOST:
            heapq.heappush(least, (total + seconds[name], number))
    return groups


def together(items: Iterable[Item]) -> list[list[Item]]:
    """Items of a stage in groups, with what they read of the stage itself, so that no two wait for each other."""
    chains = {item.path: [item] for item in items}
    for item in [chain[0] for chain in chains.values()]:
        for path in item.parents:
            if path in chains and chains[path] is not chains[item.path]:
                chains[item.path] += chains[path]
                chains |= dict.fromkeys([member.path for member in chains[path]], chains[item.path])
    heads = {chain[0].path: chain for chain in chains.values()}
    packed = pack({path: sum(map(_seconds, chain)) for path, chain in heads.items()})
    return [[item for path in paths for item in heads[path]] for paths in packed]


def minutes(items: Iterable[Item], attempt: int) -> int:
    """The limit of a group's time, longer after each that did not do."""
    return attempt * (LEAST_MINUTES + ceil(MARGIN * sum(_seconds(item) for item in items) / 60))


def _seconds(item: Item) -> float:
    return STARTING_S + item.resources.seconds


class Groups:
    """The groups of a run's stages; a run on one machine has none."""

    def __init__(self, workflow: Any, plan: Plan) -> None:
        """Tell Snakemake's workflow that a group has one turn."""
        self._workflow, self._plan = workflow, plan
        self._groups: dict[str, dict[str, tuple[str, list[Item]]]] = {}  # stage -> item -> name and items of its group
        self._first: dict[str, str] = {}  # group -> the item that Snakemake asked for first: that of a target alone
        workflow.register_resource(TURN, 1)
        workflow.resource_scopes.update({TURN: "local"})

    @property
    def used(self) -> bool:
        """Whether items are submitted, or this process works through those of a group."""
        return not (self._workflow.is_main_process and self._workflow.local_exec)

    def name(self, stage: str, item: str) -> str | None:
        """The name of an item's group, which Snakemake is told to submit whole; None where jobs run here."""
        if self._workflow.local_exec:
            return None
        name, _ = self._of(stage).get(item, (f"{stage}-{item}", []))
        self._first.setdefault(name, item)
        settings = self._workflow.group_settings
        if name not in settings.group_components:
            settings.group_components = {**settings.group_components, name: sys.maxsize}
        return name

    def minutes(self, stage: str, item: str, attempt: int) -> int:
        """The limit of the group's time if the item is the first that Snakemake asked for, else 0: it adds them up."""
        if self._workflow.local_exec:  # there are no groups, and nobody keeps the limit
            return minutes([self._plan.items(stage)[item]], attempt)
        name, items = self._of(stage).get(item, ("", [self._plan.items(stage)[item]]))
        return minutes(items, attempt) if self._first.get(name, item) == item else 0

    def _of(self, stage: str) -> dict[str, tuple[str, list[Item]]]:
        """The groups of what is missing of a stage when it is first asked for; in a node the one group it works at."""
        if stage not in self._groups:
            items = list(self._plan.items(stage).values())
            if self._workflow.is_main_process:
                packed = together([item for item in items if not (self._plan.folder(item.path) / RECORD).exists()])
            else:
                packed = [items]
            named = [(f"{stage}-{number}", members) for number, members in enumerate(packed)]
            self._groups[stage] = {item.name: group for group in named for item in group[1]}
        return self._groups[stage]
