"""A tower: one network for every depth, over the same layers. Shapes: B images, [C, H, W] one image, K classes."""

from collections.abc import Mapping
from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from minarch.data.tensors import Split
from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.families import Spec
from minarch.models.network import LayeredNetwork


class Tower(nn.Module):
    """Networks of one architecture by their depth; all share the layers of the deepest, each has a head of its own.

    So each is a member of its family, and a copy of it is the cut network (docs/methods.md 3.1).

    Raises:
        UserError: a user's network is not made of layers.
    """

    def __init__(self, specs: Mapping[int, Spec]) -> None:
        super().__init__()
        self.depths = sorted(specs)
        deepest = _layered(specs[self.depths[-1]])
        shallower = [_shared(_layered(specs[depth]), deepest) for depth in self.depths[:-1]]
        self.networks = nn.ModuleList([*shallower, deepest])

    def __getitem__(self, depth: int) -> LayeredNetwork:
        return cast(LayeredNetwork, self.networks[self.depths.index(depth)])

    def copy(self, depth: int) -> LayeredNetwork:
        """The network of a depth by itself."""
        return deepcopy(self[depth])

    def forward(self, images: Tensor) -> list[Tensor]:
        """Normalised images [B, C, H, W] -> logits [B, K] of every depth, the shallowest first, by one pass."""
        values = enumerate(self[self.depths[-1]].layers(images))
        return [self[depth].read(after) for depth, after in values if depth in self.depths]

    @torch.no_grad()
    def accuracies(self, split: Split, batch_size: int = 256) -> dict[int, float]:
        """The share of right predictions of every depth, by one pass; leaves the tower in evaluation mode."""
        self.eval()
        right = torch.zeros(len(self.depths), dtype=torch.float64, device=split.labels.device)
        for start in range(0, len(split), batch_size):
            part = slice(start, start + batch_size)
            labels = split.labels[part]
            right += torch.stack([(logits.argmax(1) == labels).sum() for logits in self(split.batch(part))])
        return dict(zip(self.depths, (right / len(split)).tolist(), strict=True))


def joint_loss(tower: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The sum of the mean cross-entropies of all depths, in nats. Its gradient is the sum of theirs, which the paper's
    code takes in turn (docs/methods.md 3.2).
    """
    return torch.stack([functional.cross_entropy(logits, labels) for logits in tower(images)]).sum()


def _layered(spec: Spec) -> LayeredNetwork:
    network = build(spec)
    if not isinstance(network, LayeredNetwork):
        raise UserError(
            f"{spec['family']}: its network is no LayeredNetwork; allowed: one, for it to be cut at a depth"
        )
    return network


def _shared(shallow: LayeredNetwork, deep: LayeredNetwork) -> LayeredNetwork:
    """The shallow network with the layers of the deep one in the place of its own; its head stays."""
    for name, part in [*shallow.named_children(), *shallow.named_parameters(recurse=False)]:
        if isinstance(part, nn.ModuleList | nn.Sequential):
            for position in range(len(part)):
                part[position] = deep.get_submodule(name).get_submodule(str(position))
        elif name not in shallow.HEAD:
            setattr(shallow, name, getattr(deep, name))
    return shallow
