"""R networks of one architecture trained with gates; what is off for good is cut away while they are trained.

Shapes: R networks, S gates that are left.
"""

from collections.abc import Sequence
from itertools import compress

import torch
from torch import Tensor

from minarch.complexity.branches import without
from minarch.complexity.gated import Gated
from minarch.complexity.gates import Gates
from minarch.complexity.remains import Remains
from minarch.data.tensors import Split
from minarch.models.build import build
from minarch.models.network import Network
from minarch.pruning.cut import cut
from minarch.pruning.recovery import reestimate
from minarch.training.loop import Recipe
from minarch.training.stacked.ensemble import Ensemble, Gradients
from minarch.training.stacked.parameters import Parameters
from minarch.training.stacked.pixels import Pixels
from minarch.training.stacked.products import Products
from minarch.training.stacked.single import Single

WORTHWHILE = 0.9  # of the MACs so far: if a cut leaves more, it costs more than it saves


class GatedEnsemble(Ensemble):
    """Networks of one architecture with gates: stacked, or (`stacked` False) a single one by autograd.

    `spec` is the structure that all of them have at the moment.
    """

    def __init__(
        self, gates: Gates, networks: Sequence[Network], recipe: Recipe, products: Products, *, stacked: bool
    ) -> None:
        assert stacked or len(networks) == 1, "autograd's graph and a norm's statistics are those of one network"
        self.gates, self.structure, self.stacked = gates, gates.structure, stacked
        self.buffers = dict(networks[0].named_buffers())
        self.gated: list[Gated] = []
        super().__init__(self.structure.spec, networks, recipe, products)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one network for one image, as it is trained."""
        return self.gates.remains.macs

    def gradients_of(self, parameters: Parameters) -> Gradients:
        gates, values = self.gates, dict[str, Tensor]()
        self.gated = []
        for name in parameters.shapes if gates.drawable or bool((gates.theta < 1).any()) else ():
            column, branch = self.structure.columns.get(name), self.structure.writes(name)
            if column is not None or branch is not None:
                values[name] = torch.empty_like(parameters[name].value)
                units = None if column is None else gates.remains.slices[column[0]]
                gate = None if branch is None else gates.remains.slots[branch]
                self.gated.append(Gated.of(parameters[name], values[name], units, gate))
        shown = parameters.shown(values)
        if self.stacked:
            return super().gradients_of(shown)
        network = build(self.spec)
        network.load_state_dict(self.buffers, strict=False)
        return Single(shown, network.to(self.products.device), self.spec["shape"])

    def differentiate(self, pixels: Pixels, index: Tensor) -> None:
        """Draw gates, leave the gradients of the weights with the parameters, and move the gates by their slopes."""
        if not self.gated:
            super().differentiate(pixels, index)
            return
        drawn = self.gates.draw()
        gates = self._show(drawn)
        super().differentiate(pixels, index)
        slopes = torch.zeros_like(gates) if self.gates.moving and self.gates.drawable else None
        for tensor in self.gated:
            tensor.pull_back(gates, slopes)
        if slopes is not None:
            self.gates.move(slopes.cpu(), drawn)

    @torch.no_grad()
    def measure(self, pixels: Pixels) -> tuple[Tensor, Tensor]:
        """As `Ensemble.measure`, with every gate on whose chance is at least one half."""
        self._show((self.gates.theta >= 0.5).float())
        return super().measure(pixels)

    def rest(self) -> None:
        """After an epoch in which gates moved: fix those that have arrived, and cut away what is off for good."""
        self.gates.rest(self._strength)
        needed = self.gates.needed()
        if needed.macs <= WORTHWHILE * self.macs:
            self._cut_away(needed)

    def settle(self, split: Split) -> None:
        """Fix all gates, cut away what is off in every network, and estimate its statistics on training images."""
        self.gates.settle(self._strength)
        self._cut_away(self.gates.needed())
        if isinstance(self.gradients, Single):
            reestimate(self.gradients.network, split)
            self.gradients.network.train()

    def state(self, position: int) -> dict[str, Tensor]:
        """The state of one of the networks, with what is off in it but not in all."""
        own = {name: buffer.cpu().clone() for name, buffer in self._buffers().items()}
        return self.parameters.state(self.parameters.flat, position) | own

    def network(self, position: int) -> Network:
        """One of the networks as a plain network without all that is off in it, in evaluation mode."""
        network, structure, remains = build(self.spec), self.structure, self.gates.remains
        network.load_state_dict(self.state(position))
        on = self.gates.theta[position] > 0
        off = [i not in remains.slots or not on[remains.slots[i]] for i in range(len(structure.branches))]
        masks = dict[str, Tensor]()
        for group, units, around in zip(structure.groups, remains.slices, structure.around, strict=True):
            masks[group.name] = on[units] | (around is not None and off[around])  # goes with its branch
        left = cut(network, remains.groups, masks)
        plain = build(without(left.spec(), compress(structure.branches, off)))
        names = plain.state_dict()
        plain.load_state_dict({name: tensor for name, tensor in left.state_dict().items() if name in names})
        return plain.eval()

    @property
    def _strength(self) -> list[Tensor]:
        return self.gates.remains.strength(self.parameters, self.gates.gone)

    def _buffers(self) -> dict[str, Tensor]:
        return dict(self.gradients.network.named_buffers()) if isinstance(self.gradients, Single) else {}

    def _show(self, gates: Tensor) -> Tensor:
        """Let the networks see weights multiplied by gates [R, S]."""
        gates = gates.to(self.parameters.flat.device)
        for tensor in self.gated:
            tensor.show(gates)
        return gates

    def _cut_away(self, remains: Remains) -> None:
        """Go on with what remains, the optimizer's state included."""
        before, states, buffers = self.parameters, self.optimizer.state[self.parameters.trained], self._buffers()
        self.spec = self.gates.remains.spec_of(remains, self.spec)
        units = self.gates.drop(remains)
        with torch.device("meta"):
            shapes = {name: parameter.shape for name, parameter in build(self.spec).named_parameters()}

        def flat(values: Tensor) -> Tensor:
            views = before.views(values)
            return torch.cat([remains.entries(name, views[name], units).flatten() for name in shapes])

        self.buffers = {name: remains.entries(name, buffer[None], units)[0] for name, buffer in buffers.items()}
        self._take(Parameters(shapes, flat(before.flat.detach())))
        self.optimizer.state[self.parameters.trained] = {
            name: flat(value) if value.shape == before.trained.shape else value for name, value in states.items()
        }
