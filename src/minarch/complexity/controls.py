"""What networks that gates pruned are compared with at equal cost (docs/methods.md 4.3, our choice)."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import log
from pathlib import Path

import torch

from minarch.complexity.outcome import Outcome
from minarch.contract import read_networks
from minarch.models.families import Spec
from minarch.models.network import Network
from minarch.models.weights import load_networks
from minarch.pruning.cut import cost_of, cut
from minarch.pruning.groups import Group, find_groups
from minarch.pruning.importance import score
from minarch.pruning.recovery import reestimate
from minarch.pruning.selection import Units, masks_of
from minarch.training.repeats import Task, derive_seed
from minarch.training.strategy import Strategy
from minarch.training.structures import train_structures

UNREACHABLE = "unreachable"


def prune_by_l1(task: Task, short: Path, gated: Path, epochs: int, strategy: Strategy, *, heads: bool) -> list[Outcome]:
    """Cut the networks of `short` by L1 per layer to the MACs of the same repeat of `gated`, then train on.

    Args:
        task: of the whole architecture, for all epochs; the last `epochs` follow the cut.
    """
    networks, entries = load_networks(short), read_networks(gated)["repeats"]
    starts = dict[int, Network]()
    for entry in entries:
        assert entry["macs"] is not None, "every training with gates leaves a network"
        smaller = cut_by_l1(networks[entry["repeat"]], entry["macs"], heads=heads)
        if smaller is not None:
            reestimate(smaller, task.train)
            starts[entry["repeat"]] = smaller
    tuning = replace(task, starts=starts, recipe=replace(task.recipe, epochs=epochs))
    trained = train_structures(tuning, {repeat: network.spec() for repeat, network in starts.items()}, strategy)
    before = task.recipe.epochs - epochs
    return [
        Outcome.of(*trained[repeat], before=before)
        if repeat in trained
        else Outcome(repeat=repeat, seed=derive_seed(task.identity, repeat), status=UNREACHABLE)
        for repeat in (entry["repeat"] for entry in entries)
    ]


def train_afresh(task: Task, gated: Path, strategy: Strategy) -> list[Outcome]:
    """Train the structures that the repeats of `gated` ended with from new weights, for all epochs."""
    specs = dict[int, Spec]()
    for entry in read_networks(gated)["repeats"]:
        assert entry["spec"] is not None, "every training with gates leaves a network"
        specs[entry["repeat"]] = entry["spec"]
    return [Outcome.of(*trained) for trained in train_structures(task, specs, strategy).values()]


def cut_by_l1(network: Network, macs: int, *, heads: bool) -> Network | None:
    """A network without the units of each layer whose weights are smallest, with about so many MACs; None if the last
    unit of every layer costs more.
    """
    groups = find_groups(network, heads=heads)
    units = evenly(groups, cost_of(network, groups), macs)
    if units is None:
        return None
    generator = torch.Generator()  # only random importances draw from it
    scores = {group.name: score(network, group, "L1", generator) for group in groups}
    return cut(network, groups, masks_of(scores, units))


def evenly(groups: Sequence[Group], cost: Callable[[Units], int], macs: int) -> Units | None:
    """Units that stay where all groups lose the same share, as nearly as whole units allow, so that what is left costs
    as nearly `macs` (in log; of equally near ones less) as it can; None if one unit of each costs more.

    Units go one at a time: the k-th of U when the share is k/U, at equal shares those of earlier groups first.
    """
    shares = sorted((k / group.units, position) for position, group in enumerate(groups) for k in range(1, group.units))

    def left(gone: int) -> Units:
        lost = Counter(position for _, position in shares[:gone])
        return {group.name: group.units - lost[position] for position, group in enumerate(groups)}

    if cost(left(len(shares))) > macs:
        return None
    first = bisect_left(range(len(shares)), -macs, key=lambda gone: -cost(left(gone)))  # that costs no more
    return min(map(left, (first, max(0, first - 1))), key=lambda units: abs(log(cost(units) / macs)))
