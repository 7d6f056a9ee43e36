"""Structured pruning: whole units go, by NNCF's dependency analysis and importances; what is left is plain torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypedDict

import torch
from torch import Tensor

from minarch.data.tensors import Split
from minarch.errors import UserError
from minarch.models.cost import macs
from minarch.models.network import Network
from minarch.pruning import Importance, Scope, Target
from minarch.pruning.cut import cost_of, cut
from minarch.pruning.groups import Group, find_groups
from minarch.pruning.importance import score
from minarch.pruning.learned import learn_ranking
from minarch.pruning.selection import Units, masks_of, select
from minarch.pruning.stream import find_stream


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """How units are chosen; minarch.flow.stages says what each field means."""

    importance: Importance = "L1"
    scope: Scope = "layer"
    target: Target = "units"
    floor: float = 0.1
    heads: bool = False
    residual: bool = False
    round_to: int | None = None


class GroupSize(TypedDict):
    """The units of a group before any pruning, and now."""

    name: str
    kind: str
    before: int
    after: int


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
        """Share of all units of these groups before any pruning that are gone."""
        return 1 - sum(int(mask.sum()) for mask in self.masks.values()) / sum(self.before.values())

    def group_sizes(self) -> list[GroupSize]:
        """The sizes of the groups, in their order."""
        return [
            {"name": g.name, "kind": g.kind, "before": self.before[g.name], "after": int(self.masks[g.name].sum())}
            for g in self.groups
        ]


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

    At least one unit of every group stays (of a residual width two), and kept units are rounded up, so that tiny layers
    may lose fewer than asked or none: what was removed is in the result.

    Args:
        seed: of random and learned importances.
        original: the network before any pruning, where `network` is a pruned one (iterative pruning).
        train: training images, from which a learned ranking is learned.

    Raises:
        UserError: nothing can be cut, a transformer's residual width is not found, or the MACs cannot be reached
            without a group vanishing.
    """
    whole = _groups(original or network, criterion)
    if not whole:
        raise UserError("prune.methods: only attention heads can be cut here; allowed: heads: true")
    units = {group.name: group.units for group in whole}
    groups = whole if original is None else _left(whole, _groups(network, criterion))
    generator = torch.Generator().manual_seed(seed)
    comparable = criterion.scope == "global"
    scores = {g.name: score(network, g, criterion.importance, generator, normalised=comparable) for g in groups}
    rules = partial(select, groups, floor=criterion.floor, round_to=criterion.round_to, before=units)
    kept_units = partial(rules, level=level, scope=criterion.scope)
    if criterion.target == "macs":
        full = macs(original or network, network.spec()["shape"])
        kept_units = partial(kept_units, macs=cost_of(network, groups), full=full)
    if criterion.importance == "learned":
        assert train is not None, "a ranking is learned from training images"
        scores = learn_ranking(network, groups, scores, kept_units, train, seed)
    masks = masks_of(scores, kept_units(scores))
    return Cut(cut(network, groups, masks), groups, masks, units)


def _groups(network: Network, criterion: Criterion) -> list[Group]:
    """What is cut: the residual stream first, where the criterion says so, then NNCF's groups."""
    stream = find_stream(network) if criterion.residual else None
    groups = find_groups(network, heads=criterion.heads)
    return groups if stream is None else [stream, *groups]


def _left(whole: Sequence[Group], pruned: Sequence[Group]) -> list[Group]:
    """What is left of the whole groups in a network that was pruned already. Of some that have one unit left, NNCF
    cannot tell any more that they were heads, or tied to a depthwise convolution.
    """
    left = {group.name: group for group in pruned}
    return [left.get(group.name, replace(group, units=1, parts=())) for group in whole]
