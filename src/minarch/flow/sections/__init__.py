"""The study's sections: frozen and typed; every field says its unit or meaning and what is allowed."""

from pydantic import model_validator

from minarch.data.catalogue import CATALOGUE
from minarch.errors import UserError, short
from minarch.flow.grid import MOST, expand
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
                allowed = ", ".join(self.prune.methods)
                raise ValueError(f"quantize.pruned: {short(name)} is not in prune; allowed: {allowed}")
        for name, method in self.prune.methods.items():
            if method.rewind >= self.train.epochs:
                raise ValueError(
                    f"prune.methods.{name}.rewind: {method.rewind} is not allowed; allowed: less than train.epochs,"
                    f" {self.train.epochs}"
                )
        for name, grids in (self.representatives.further or {}).items():
            if name not in self.sweep.families:
                allowed = ", ".join(self.sweep.families)
                raise ValueError(f"representatives.further: {short(name)} is not in the sweep; allowed: {allowed}")
            swept = {architecture.label for _, architecture in expand(name, self.sweep.families[name])}
            try:
                further = expand(name, grids)
            except UserError as error:
                raise UserError(f"representatives.further: {error}") from None
            for knobs, architecture in further:
                if architecture.label not in swept:
                    raise ValueError(
                        f"representatives.further: {name} {short(knobs)} is not in the sweep; allowed: what is"
                    )
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
                    families.spec_of(architecture, *self.shape(name))
        return self

    @model_validator(mode="after")
    def _can_be_planned(self) -> "Study":
        """No stage has more items than the plan, Snakemake and a folder can hold."""
        data_sets, blocks = len(self.data.datasets), -(-self.sweep.repeats // (self.sweep.block or self.sweep.repeats))
        sizes = [len(expand(name, grids)) for name, grids in self.sweep.families.items()]
        further = sum(len(expand(name, grids)) for name, grids in (self.representatives.further or {}).items())
        prune, quantize = self.prune, self.quantize
        models = data_sets * blocks * (len(sizes) * len(self.representatives.roles) + further)
        cut = models * len(prune.methods) * len(prune.levels)
        curves = models * (len(prune.magnitude_scopes) * (1 + len(prune.magnitude_finetuned)) + 1)
        counts = {
            f"sweep: {data_sets:,} data sets x {sum(sizes):,} architectures x {blocks:,} blocks of repeats": (
                data_sets * sum(sizes) * blocks
            ),
            f"prune: up to {models:,} models with every method, level and scope": cut + curves,
            f"quantize: up to {models + cut:,} models with every method": (models + cut) * (len(quantize.methods) + 1),
        }
        for what, count in counts.items():
            if count > MOST:
                raise ValueError(f"{what} are {count:,} items; allowed: at most {MOST:,}")
        return self
