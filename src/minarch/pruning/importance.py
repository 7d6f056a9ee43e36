"""How much each unit matters: NNCF's filter importances, summed over the layers that lose the unit together."""

from typing import Literal

import torch
from torch import Tensor, nn

from minarch.pruning.groups import Group

from nncf.torch.pruning.filter_pruning.functions import FILTER_IMPORTANCE_FUNCTIONS, tensor_l2_normalizer  # isort: skip

Importance = Literal["L1", "L2", "geometric_median", "random", "learned"]


def score(
    network: nn.Module, group: Group, importance: Importance, generator: torch.Generator, *, normalised: bool = False
) -> Tensor:
    """Importance of each unit, float32 [U]; the higher stay.

    "random", a control, draws from `generator`; "learned" has yet to be learned: L2. `normalised` makes units of
    different groups comparable: each tensor is divided by its norm first, as NNCF does, and the sum by the number of
    layers (ours: or units that many layers share would never go). With L1 that is no fair ranking: the L1 norm of such
    a tensor grows with the root of its fan-in, so layers of small fan-in go first, down to their last unit.
    """
    if importance == "random":
        return torch.rand(group.units, generator=generator)
    measure = FILTER_IMPORTANCE_FUNCTIONS["L2" if importance == "learned" else importance]
    state, found = network.state_dict(), torch.zeros(group.units)
    for name in group.weights:
        weight = tensor_l2_normalizer(state[name]) if normalised else state[name]
        found += measure(weight.reshape(group.units, -1)).reshape(group.units)  # one unit's median has no dimension
    return found / len(group.weights) if normalised else found
