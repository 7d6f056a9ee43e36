"""The units of each group that stay at a level, how many and which: per layer or by one ranking, for units or MACs."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil

import torch
from torch import Tensor

from minarch.errors import UserError
from minarch.pruning import Scope
from minarch.pruning.groups import Group

Units = dict[str, int]  # group -> units
HALVINGS = 12  # of a level searched for
FINE_BELOW = 64  # units: smaller layers are pruned one by one, larger ones in multiples that hardware likes
COARSE = 8


def multiple_of(units: int, round_to: int | None) -> int:
    """The number of which kept units are a multiple: `round_to`, or what a layer of so many `units` is given."""
    return round_to or (1 if units < FINE_BELOW else COARSE)


def rounded(count: float, units: int, round_to: int | None) -> int:
    """The `count` of a layer's `units` rounded up to what may stay: the multiple (at least one), or all."""
    multiple = multiple_of(units, round_to)
    return min(units, multiple * max(1, ceil(count / multiple - 1e-9)))


def masks_of(scores: Mapping[str, Tensor], units: Units) -> dict[str, Tensor]:
    """Masks of the units that stay, those of the highest scores, of equal ones the later; bool [U] per group."""
    masks = {}
    for name, score in scores.items():
        masks[name] = torch.zeros(len(score), dtype=torch.bool)
        masks[name][score.argsort(stable=True)[len(score) - units[name] :]] = True
    return masks


def per_layer(groups: Sequence[Group], before: Units, level: float, round_to: int | None) -> Units:
    """Units that stay where every group loses the share `level` of its units before any pruning; at least one."""
    return {g.name: min(g.units, rounded(before[g.name] * (1 - level), before[g.name], round_to)) for g in groups}


def ranked(scores: Mapping[str, Tensor], before: Units, removed: int, *, floor: float, round_to: int | None) -> Units:
    """Units that stay by one ranking of all groups' units: the lowest `removed` go, as far as every group keeps the
    share `floor` of what it had before any pruning, and at least one unit.
    """
    units = {name: len(score) for name, score in scores.items()}
    owners = [name for name, score in scores.items() for _ in range(len(score))]
    for position in torch.cat(list(scores.values())).argsort(stable=True).tolist():
        owner = owners[position]
        if removed > 0 and units[owner] - 1 >= max(1, floor * before[owner] - 1e-9):
            units[owner] -= 1
            removed -= 1
    return {name: min(len(scores[name]), rounded(n, before[name], round_to)) for name, n in units.items()}


def select(
    groups: Sequence[Group],
    scores: Mapping[str, Tensor],
    *,
    level: float,
    scope: Scope,
    floor: float,
    round_to: int | None,
    before: Units,
    macs: Callable[[Units], int] | None = None,
    full: int = 0,
) -> Units:
    """Units that stay of each group.

    Args:
        before: units before any pruning, to which `level` refers.
        macs: what a choice costs; if given, the least is cut that leaves at most the share 1 - `level` of `full`.
        full: MACs before any pruning.

    Raises:
        UserError: the least that every group keeps costs more.
    """

    def removing(level: float) -> Units:
        if scope == "layer":
            units = per_layer(groups, before, level, round_to)
        else:
            gone = sum(before.values()) - sum(group.units for group in groups)
            more = round(level * sum(before.values())) - gone
            units = ranked(scores, before, more, floor=floor, round_to=round_to)
        return {group.name: max(group.least, units[group.name]) for group in groups}

    if macs is None:
        return removing(level)
    budget = (1 - level) * full + 1e-6  # floating point
    low, high = 0.0, 1.0 - 1e-9
    if (least := macs(removing(high))) > budget:
        raise UserError(
            f"prune.levels: {level} of the MACs cannot go, the least that every layer keeps is more; allowed: at most"
            f" {int((1 - least / full) * 1e4) / 1e4}"
        )
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if macs(removing(middle)) <= budget else (middle, high)
    return removing(high)
