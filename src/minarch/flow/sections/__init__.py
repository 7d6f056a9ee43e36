"""The study's sections: frozen and typed; every field says its unit or meaning and what is allowed."""

from pydantic import model_validator

from minarch.data.catalogue import CATALOGUE
from minarch.flow.grid import expand
from minarch.flow.sections.base import Section
from minarch.flow.sections.findings import Aggregate, Convergence, Representatives, Similarity, Weights
from minarch.flow.sections.pruning import Method, Prune
from minarch.flow.sections.quantization import Quantization, Quantize
from minarch.flow.sections.training import Data, Sweep, Sweeping, Training
from minarch.models import families

__all__ = ["Convergence", "Method", "Quantization", "Study", "Training"]


class Study(Section):
    """A whole params file. Every section stands in it, if only as `{}`: DVC compares sections."""

    data: Data
    sweep: Sweep
    train: Sweeping
    weights: Weights
    similarity: Similarity
    convergence: Convergence
    representatives: Representatives
    prune: Prune
    quantize: Quantize
    aggregate: Aggregate

    def shape(self, dataset: str) -> tuple[tuple[int, int, int], int]:
        """Shape (C, H, W) and classes that architectures are planned for; a folder's classes count only once it is
        read: 2.
        """
        if entry := CATALOGUE.get(dataset):
            return entry.shape, entry.classes
        return (3, self.data.image_size, self.data.image_size), 2

    @model_validator(mode="after")
    def _names_exist(self) -> "Study":
        for name in self.quantize.pruned or ():
            if name not in self.prune.methods:
                raise ValueError(f"quantize.pruned: {name!r} is not in prune; allowed: {', '.join(self.prune.methods)}")
        for name, method in self.prune.methods.items():
            if method.rewind >= self.train.epochs:
                raise ValueError(
                    f"prune.methods.{name}.rewind: {method.rewind} is not allowed; allowed: less than train.epochs,"
                    f" {self.train.epochs}"
                )
        for name, grids in (self.representatives.further or {}).items():
            if name not in self.sweep.families:
                raise ValueError(
                    f"representatives.further: {name!r} is not in the sweep; allowed: {', '.join(self.sweep.families)}"
                )
            swept = [knobs for knobs, _ in expand(name, self.sweep.families[name])]
            for knobs, _ in expand(name, grids):
                if knobs not in swept:
                    raise ValueError(f"representatives.further: {name} {knobs} is not in the sweep; allowed: what is")
        return self

    @model_validator(mode="after")
    def _can_be_refined(self) -> "Study":
        for name in self.sweep.families if self.convergence.refine is not None else ():
            if not families.family(name).size:
                raise ValueError(f"convergence.refine: {name} has no knob for its size; allowed: null")
        return self

    @model_validator(mode="after")
    def _fits(self) -> "Study":
        """Every architecture fits every data set (a patch must tile the image)."""
        for name in self.data.datasets:
            for family, grids in self.sweep.families.items():
                for _, architecture in expand(family, grids):
                    architecture.spec(*self.shape(name))
        return self
