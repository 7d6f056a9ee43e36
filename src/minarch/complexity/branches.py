"""Residual branches: the layers that can be left out of a network, because what goes around them stays."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass

from minarch.models.families import Spec

ATTENTION, FEED_FORWARD = ("norm1", "query", "key", "value", "output"), ("norm2", "fc1", "fc2")


@dataclass(frozen=True)
class Branch:
    """Modules that compute what is added to a shortcut. The last of them, `output`, writes it.

    `field` and `place` say where the spec has its size, of which 0 means that there is none.
    """

    name: str
    modules: tuple[str, ...]
    field: str
    place: tuple[int, ...]

    @property
    def output(self) -> str:
        return self.modules[-1]

    def holds(self, tensor: str) -> bool:
        """Whether a tensor of the network's state belongs to the branch."""
        return tensor.rpartition(".")[0] in self.modules

    def writes(self, tensor: str) -> bool:
        """Whether a tensor scales what the branch adds: without it the branch adds nothing."""
        return tensor in (f"{self.output}.weight", f"{self.output}.bias")


def branches_of(spec: Spec) -> list[Branch]:
    """The branches that a network of this structure has, in the order of its layers."""
    branches = []
    if spec["family"] == "vit":
        for i in range(len(spec["heads"])):
            for name, field, parts in (("attention", "heads", ATTENTION), ("ffn", "ffn", FEED_FORWARD)):
                modules = tuple(f"blocks.{i}.{part}" for part in parts)
                branches.append(Branch(f"blocks.{i}.{name}", modules, field, (i,)))
    elif spec["family"] == "resnet":
        for stage, blocks in enumerate(spec["inner"]):
            for i, inner in enumerate(blocks):
                block, depth = f"layer{stage + 1}.{i}", 2 if isinstance(inner, int) else len(inner) + 1
                modules = tuple(f"{block}.{part}{p}" for p in range(1, depth + 1) for part in ("conv", "bn"))
                branches.append(Branch(block, modules, "inner", (stage, i)))
    return [branch for branch in branches if _entry(spec, branch)]


def without(spec: Spec, branches: Iterable[Branch]) -> Spec:
    """The structure without some of its branches."""
    spec = deepcopy(spec)
    for branch in branches:
        sizes = spec[branch.field]
        for position in branch.place[:-1]:
            sizes = sizes[position]
        sizes[branch.place[-1]] = 0
    return spec


def _entry(spec: Spec, branch: Branch) -> object:
    sizes = spec[branch.field]
    for position in branch.place:
        sizes = sizes[position]
    return sizes
