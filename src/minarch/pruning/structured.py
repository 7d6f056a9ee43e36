"""Structured pruning: whole units go, by NNCF's dependency analysis and importances; what is left is plain torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from minarch.data.tensors import Split
from minarch.errors import UserError
from minarch.models.cost import macs
from minarch.models.network import Network
from minarch.pruning import Importance, Scope, Target
from minarch.pruning.cut import cost_of, cut
from minarch.pruning.groups import HEADS, Group, find_groups
from minarch.pruning.importance import score
from minarch.pruning.learned import learn_ranking
from minarch.pruning.selection import Units, masks_of, select


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """How units are chosen; minarch.flow.sections says what each field means."""

    importance: Importance = "L1"
    scope: Scope = "layer"
    target: Target = "units"
    floor: float = 0.1
    heads: bool = False
    round_to: int | None = None


@dataclass(frozen=True)
class Cut:
    """A network that became smaller, the groups it was cut by, which of their units stayed, and how many there were
    before any pruning.
    """

    network: Network
    groups: list[Group]
    masks: dict[str, Tensor]
    before: Units

    @property
    def removed_share(self) -> float:
        """Of all units of these groups before any pruning."""
        return 1 - sum(int(mask.sum()) for mask in self.masks.values()) / sum(self.before.values())

    def record(self) -> dict[str, Any]:
        """What an item keeps of it."""
        groups = [
            {"name": g.name, "kind": g.kind, "before": self.before[g.name], "after": int(self.masks[g.name].sum())}
            for g in self.groups
        ]
        return {"removed_share": self.removed_share, "groups": groups}


def prune_structured(
    network: Network,
    *,
    level: float,
    criterion: Criterion,
    seed: int = 0,
    original: Network | None = None,
    train: Split | None = None,
) -> Cut:
    """Remove the share `level` (in [0, 1)) of the units or MACs, the least important units; `network` stays as it is.

    At least one unit of every group stays, and kept units are rounded up, so that tiny layers may lose fewer than asked
    or none: what was removed is in the result.

    Args:
        seed: of random and learned importances.
        original: the network before any pruning, where `network` is a pruned one (iterative pruning).
        train: training images, from which a learned ranking is learned.

    Raises:
        UserError: nothing can be cut, or the MACs cannot be reached without a group vanishing.
    """
    whole = [group for group in find_groups(original or network) if criterion.heads or group.kind != HEADS]
    if not whole:
        raise UserError("prune.methods: only attention heads can be cut here; allowed: heads: true")
    units = {group.name: group.units for group in whole}
    groups = whole if original is None else _left(whole, network)
    generator = torch.Generator().manual_seed(seed)
    comparable = criterion.scope == "global"
    scores = {g.name: score(network, g, criterion.importance, generator, normalised=comparable) for g in groups}
    rules = partial(select, groups, floor=criterion.floor, round_to=criterion.round_to, before=units)
    choose = partial(rules, level=level, scope=criterion.scope)
    if criterion.target == "macs":
        full = macs(original or network, network.spec()["shape"])
        choose = partial(choose, macs=cost_of(network, groups), full=full)
    if criterion.importance == "learned":
        assert train is not None, "a ranking is learned from training images"
        scores = learn_ranking(network, groups, scores, choose, train, seed)
    masks = masks_of(scores, choose(scores))
    return Cut(cut(network, groups, masks), groups, masks, units)


def _left(groups: Sequence[Group], network: Network) -> list[Group]:
    """What is left of the groups in a network that was pruned already. Of some that have one unit left, NNCF cannot
    tell any more that they were heads, or tied to a depthwise convolution.
    """
    found = {group.name: group for group in find_groups(network)}
    return [found.get(group.name, replace(group, units=1, parts=())) for group in groups]
