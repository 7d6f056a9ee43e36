"""The gates of a network: which there are, and which entries of its tensors each of them multiplies.

A unit's gate multiplies the columns that read it, after its norm and activation; a branch's gate what its last layer
adds. So gates act on weights alone, and neither a network nor its hand-written gradients know of them.
"""

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import nn

from minarch.complexity.branches import branches_of
from minarch.complexity.cost import Cost, Term
from minarch.models.network import Network
from minarch.pruning.groups import HEADS, Group, find_groups


class Structure:
    """The gates of a whole network: those of its groups of units, group by group, then those of its branches.

    Channels that a residual sum ties over layers have no gates: no layer's reading of them alone could be cut. Those
    that a depthwise convolution filters have gates after it, where they are mixed.
    `rows` and `columns` tell of a tensor which group writes or reads it: (position of the group, entries per unit).
    """

    def __init__(self, network: Network, *, heads: bool) -> None:
        self.spec = network.spec()
        state = network.state_dict()
        groups = [group for group in find_groups(network, heads=heads) if group.units > 1]
        self.groups = [group for group in groups if group.kind == HEADS or _is_made_once(network, group)]
        self.branches = branches_of(self.spec)
        self.rows, self.columns = dict[str, tuple[int, int]](), dict[str, tuple[int, int]]()
        for position, group in enumerate(self.groups):
            for part in group.parts:
                entries = self.columns if part.dim else self.rows
                whole = part.offset == 0 and group.units * part.size == state[part.tensor].shape[part.dim]
                assert whole and part.tensor not in entries, f"{part.tensor}: its units are not all of one group"
                entries[part.tensor] = position, part.size
        self.around = [self._branch_of(group) for group in self.groups]
        self.cost = Cost(self._terms(network), len(self.groups) + len(self.branches))
        full = torch.tensor([[*(group.units for group in self.groups), *(1 for _ in self.branches)]])
        self.full_parameters, self.full_macs = (round(float(value)) for value in self.cost.expected(full))

    @property
    def units(self) -> list[int]:
        """The units of every group."""
        return [group.units for group in self.groups]

    def branch(self, tensor: str) -> int | None:
        """The position of the branch that a tensor belongs to."""
        return next((i for i, branch in enumerate(self.branches) if branch.holds(tensor)), None)

    def writes(self, tensor: str) -> int | None:
        """The position of the branch whose output a tensor scales."""
        return next((i for i, branch in enumerate(self.branches) if branch.writes(tensor)), None)

    def _branch_of(self, group: Group) -> int | None:
        """The position of the branch that a group's units are in."""
        return self.branch(group.weights[0])

    def _terms(self, network: Network) -> Iterator[Term]:
        """The cost of every tensor, and of the products of attention that no tensor is a factor of."""
        places = _places(network)
        for name, parameter in network.named_parameters():
            entries = [side[name] for side in (self.rows, self.columns) if name in side]
            combinations = parameter.numel()
            for position, _ in entries:
                combinations //= self.groups[position].units
            factors = [position for position, _ in entries]
            branch = self.branch(name)
            factors += [] if branch is None else [len(self.groups) + branch]
            yield Term(combinations, combinations * places.get(name, 0), tuple(factors))
        for branch, part in enumerate(self.branches):
            if part.field == "heads":  # softmax(q k^T) v, of every head
                work = 2 * places[f"{part.modules[1]}.weight"] ** 2 * self.spec["head_size"]
                gated = [i for i, around in enumerate(self.around) if around == branch]
                heads = 1 if gated else self.spec["heads"][part.place[0]]
                yield Term(0, work * heads, (*gated, len(self.groups) + branch))


def _is_made_once(network: nn.Module, group: Group) -> bool:
    """Whether all but one of the layers that lose a group's units filter each of them by itself."""
    layers = [network.get_submodule(name.rpartition(".")[0]) for name in group.weights]
    return sum(not (isinstance(layer, nn.Conv2d) and layer.groups > 1) for layer in layers) == 1


def _places(network: nn.Module) -> dict[str, int]:
    """Weight -> how many times each of its entries multiplies something, for one image."""
    places, network = dict[str, int](), deepcopy(network).eval()

    def note(name: str, module: nn.Module, output: torch.Tensor) -> None:
        places[f"{name}.weight"] = output.numel() // len(module.get_parameter("weight"))

    for name, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.register_forward_hook(lambda module, _, output, name=name: note(name, module, output))
    with torch.no_grad():
        network(torch.zeros(1, *network.spec()["shape"]))  # type: ignore[operator]
    return places
