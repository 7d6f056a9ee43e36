"""The importance of each unit: NNCF's filter importances, summed over the layers that lose the unit together."""

import torch
from torch import Tensor, nn

from minarch.pruning import Importance
from minarch.pruning.groups import Group

from nncf.torch.pruning.filter_pruning.functions import FILTER_IMPORTANCE_FUNCTIONS  # isort: skip


def score(
    network: nn.Module, group: Group, importance: Importance, generator: torch.Generator, *, normalised: bool = False
) -> Tensor:
    """Importance of each unit, float32 [U]; the higher stay.

    "random", a control, draws from `generator`; "learned" has yet to be learned: L2. `normalised` makes units of
    different groups comparable: divided by their mean, so that every group has the mean 1. (NNCF divides each tensor by
    its L2 norm. The L1 norm of a unit then grows with the root of its fan-in: one ranking took layers of small fan-in
    down to their last unit.)
    """
    if importance == "random":
        return torch.rand(group.units, generator=generator)
    measure = FILTER_IMPORTANCE_FUNCTIONS["L2" if importance == "learned" else importance]
    state, importances = network.state_dict(), torch.zeros(group.units)
    for name in group.weights:
        along = min((part.dim for part in group.parts if part.tensor == name), default=0)  # positions: the last
        units = state[name].movedim(along, 0).reshape(group.units, -1)
        importances += measure(units).reshape(group.units)  # one unit's median: no dimension
    if normalised:
        importances /= importances.mean().clamp_min(torch.finfo(importances.dtype).tiny)
    return importances
