"""R networks of one architecture trained with gates; what is off for good is cut away while they are trained.

Shapes: R networks, S gates that are left, U units of a group.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from operator import not_

import torch
from torch import Tensor

from minarch.complexity.branches import without
from minarch.complexity.gated import Gated
from minarch.complexity.gates import Gates
from minarch.data.tensors import Split
from minarch.models.build import build
from minarch.models.families import Spec
from minarch.models.network import Network
from minarch.pruning.cut import cut, smaller
from minarch.pruning.groups import Group, Part
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
        return self._macs(self.gates.widths, self.gates.alive)

    def gradients_of(self, parameters: Parameters) -> Gradients:
        gates, values = self.gates, dict[str, Tensor]()
        self.gated = []
        for name in parameters.shapes if gates.drawable or bool((gates.theta < 1).any()) else ():
            column, branch = self.structure.columns.get(name), self.structure.writes(name)
            if column is not None or branch is not None:
                values[name] = torch.empty_like(parameters[name].value)
                units = None if column is None else gates.slices[column[0]]
                gate = None if branch is None else gates.slots[branch]
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
        if not isinstance(self.gradients, Single):
            return super().measure(pixels)
        self.gradients.network.eval()
        measured = super().measure(pixels)
        self.gradients.network.train()
        return measured

    def rest(self) -> None:
        """After an epoch in which gates moved: fix those that have arrived, and cut away what is off for good."""
        self.gates.rest(self._strength())
        widths, alive = self.gates.left()
        if self._macs(widths, alive) <= WORTHWHILE * self.macs:
            self._cut_away(widths, alive)

    def settle(self, split: Split) -> None:
        """Fix all gates, cut away what is off in every network, and estimate its statistics on training images."""
        self.gates.settle(self._strength())
        self._cut_away(*self.gates.left())
        if isinstance(self.gradients, Single):
            reestimate(self.gradients.network, split)
            self.gradients.network.train()

    def state(self, position: int) -> dict[str, Tensor]:
        """The state of one of the networks, with what is off in it but not in all."""
        own = {name: buffer.cpu().clone() for name, buffer in self._buffers().items()}
        return self.parameters.state(self.parameters.flat, position) | own

    def network(self, position: int, state: dict[str, Tensor]) -> Network:
        """A `state` of one of the networks, since the last cut, as a plain network without all that is off in it.

        In evaluation mode.
        """
        network, structure, gates = build(self.spec), self.structure, self.gates
        network.load_state_dict(state)
        on = gates.theta[position] > 0
        off = [i not in gates.slots or not on[gates.slots[i]] for i in range(len(structure.branches))]
        masks = dict[str, Tensor]()
        for group, units, around in zip(structure.groups, gates.slices, structure.around, strict=True):
            masks[group.name] = on[units] | (around is not None and off[around])  # goes with its branch
        left = cut(network, self._groups(), masks)
        plain = build(without(left.spec(), compress(structure.branches, off)))
        names = plain.state_dict()
        plain.load_state_dict({name: tensor for name, tensor in left.state_dict().items() if name in names})
        return plain.eval()

    def _groups(self) -> list[Group]:
        """The groups as they are left, without their entries in branches that are gone: a stem's channels are read by
        a branch and by the projection around it.
        """
        pairs = zip(self.structure.groups, self.gates.widths, strict=True)
        return [replace(group, units=width, parts=self._parts(group)) for group, width in pairs if width]

    def _parts(self, group: Group) -> tuple[Part, ...]:
        branches = ((part, self.structure.branch(part.tensor)) for part in group.parts)
        return tuple(part for part, branch in branches if branch is None or self.gates.alive[branch])

    def _macs(self, widths: Sequence[int], alive: Sequence[bool]) -> int:
        return round(float(self.structure.cost.expected(torch.tensor([[*widths, *alive]]))[1]))

    def _buffers(self) -> dict[str, Tensor]:
        return dict(self.gradients.network.named_buffers()) if isinstance(self.gradients, Single) else {}

    def _show(self, gates: Tensor) -> Tensor:
        """Let the networks see weights multiplied by gates [R, S]."""
        gates = gates.to(self.parameters.flat.device)
        for tensor in self.gated:
            tensor.show(gates)
        return gates

    def _strength(self) -> list[Tensor]:
        """How much is read of each unit by what is left: the sum of the sizes of the weights, [R, U] of every group."""
        stays = (~self.gates.gone).float()
        strength = [torch.zeros(self.parameters.repeats, width) for width in self.gates.widths]
        for name, (group, size) in self.structure.columns.items():
            if name in self.parameters.shapes:
                sizes = self.parameters[name].value.detach().abs().cpu().unflatten(2, (-1, size)).flatten(3).sum(3)
                if name in self.structure.rows:
                    readers, entries = self.structure.rows[name]
                    sizes *= stays[:, self.gates.slices[readers]].repeat_interleave(entries, 1)[:, :, None]
                branch = self.structure.branch(name)
                read = sizes.sum(1)  # [R, U]
                strength[group] += read if branch is None else read * stays[:, self.gates.slots[branch], None]
        return strength

    def _cut_away(self, widths: list[int], alive: list[bool]) -> None:
        """Go on with these widths and branches, the optimizer's state included."""
        before, states, buffers = self.parameters, self.optimizer.state[self.parameters.flat], self._buffers()
        self.spec = self._spec(widths, alive)
        units = self.gates.drop(widths, alive)
        with torch.device("meta"):
            shapes = {name: parameter.shape for name, parameter in build(self.spec).named_parameters()}

        def left(name: str, values: Tensor) -> Tensor:
            """Of values [R, *shape] the rows and columns of the units that are left."""
            for dim, sides in enumerate((self.structure.rows, self.structure.columns)):
                if name in sides:
                    group, size = sides[name]
                    entries = (units[group][:, :, None] * size + torch.arange(size)).flatten(1).to(values.device)
                    values = torch.stack([v.index_select(dim, e) for v, e in zip(values, entries, strict=True)])
            return values

        def flat(values: Tensor) -> Tensor:
            views = before.views(values)
            return torch.cat([left(name, views[name]).flatten() for name in shapes])

        self.buffers = {name: left(name, buffer[None])[0] for name, buffer in buffers.items()}
        self._take(Parameters(shapes, flat(before.flat.detach())))
        self.optimizer.state[self.parameters.flat] = {
            name: flat(value) if value.shape == before.flat.shape else value for name, value in states.items()
        }

    def _spec(self, widths: Sequence[int], alive: Sequence[bool]) -> Spec:
        """The structure of a network with these widths and branches."""
        masks = {
            group.name: torch.arange(before) < max(1, width)  # what goes with its branch has to be a layer until then
            for group, before, width in zip(self.structure.groups, self.gates.widths, widths, strict=True)
        }
        spec, _ = smaller(build(self.spec), self._groups(), masks)
        return without(spec, compress(self.structure.branches, map(not_, alive)))
