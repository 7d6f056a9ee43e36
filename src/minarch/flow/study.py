"""A whole study: its sections, and what must hold between them."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from pydantic import Field, model_validator

from minarch.data.catalogue import slug
from minarch.depth import ALONE
from minarch.errors import UserError, short
from minarch.flow.grid import MOST, Points, expand
from minarch.flow.stages.aggregate import Aggregate
from minarch.flow.stages.complexity import Complexity
from minarch.flow.stages.convergence import Convergence
from minarch.flow.stages.data import Data
from minarch.flow.stages.depth import Depth
from minarch.flow.stages.finalists import Finalists
from minarch.flow.stages.latency import Latency
from minarch.flow.stages.prune import Prune
from minarch.flow.stages.quantize import CURVE_TITLE, Quantize
from minarch.flow.stages.representatives import Representatives
from minarch.flow.stages.section import Section
from minarch.flow.stages.similarity import Similarity
from minarch.flow.stages.sweep import Sweep
from minarch.flow.stages.train import Sweeping
from minarch.flow.stages.weights import Weights
from minarch.models import families
from minarch.models.families import Family, family_slug
from minarch.models.families.base import MOST_LAYERS

LONGEST_TITLE = "magnitude-layer"  # of the items of stage prune that no method names
MOST_BYTES = 255 - len(".tmp-4194304-") - 12  # of a folder's name, without what marks it while it is made and its key


def _defaults(section: type[Section]) -> Any:
    """A section that may be left out of a params file."""
    return Field(default_factory=lambda: section.model_validate({}))


def _labels(architectures: Mapping[str, Points]) -> dict[str, Family]:
    """Architectures by what they are called in the names of items."""
    return {
        f"{family_slug(family)}-{kind.label}": kind for family, points in architectures.items() for _, kind in points
    }


class Study(Section):
    """A whole params file. In the default study every section stands, if only as `{}`: DVC compares sections."""

    data: Data
    sweep: Sweep
    train: Sweeping
    weights: Weights = _defaults(Weights)
    similarity: Similarity = _defaults(Similarity)
    convergence: Convergence = _defaults(Convergence)
    representatives: Representatives = _defaults(Representatives)
    depth: Depth = _defaults(Depth)
    complexity: Complexity = _defaults(Complexity)
    prune: Prune
    finalists: Finalists = _defaults(Finalists)
    quantize: Quantize = _defaults(Quantize)
    latency: Latency = _defaults(Latency)
    aggregate: Aggregate = _defaults(Aggregate)

    def shape(self, dataset: str) -> tuple[tuple[int, int, int], int]:
        """Shape (C, H, W) and classes that architectures are planned for."""
        entry = self.data.entry(dataset)
        return entry.shape, entry.classes

    @model_validator(mode="after")
    def _names_exist(self) -> "Study":
        for name in self.quantize.pruned or ():
            if name not in self.prune.methods:
                allowed = ", ".join(self.prune.methods)
                raise ValueError(f"quantize.pruned: {short(name)} is not in prune; allowed: {allowed}")
        for name in {name: None for names in self.complexity.datasets.values() for name in names}:
            if name not in self.data.names:
                allowed = ", ".join(self.data.names)
                raise ValueError(f"complexity.datasets: {short(name)} is not in data.datasets; allowed: {allowed}")
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
            swept = {architecture.label for _, architecture in self.sweep.architectures[name]}
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
    def _are_told_apart(self) -> "Study":
        """What later stages end with is called after the architecture that they began with."""
        swept, gated = _labels(self.sweep.architectures), _labels(self.complexity.wholes)
        pruned = {f"{whole}-{title}" for whole, kind in gated.items() for title in self.complexity.titles(kind)}
        if taken := sorted(pruned & swept.keys()):
            raise ValueError(f"complexity: {taken[0]} is in the sweep; allowed: another architecture")
        for tower, method in product(sorted(_labels(self.depth.towers)), self.depth.methods):
            for names, where in ((swept, "the sweep"), (pruned, "complexity")):
                if (name := f"{tower}-{method}") in names:
                    raise ValueError(f"depth.methods: {method}: {name} is in {where}; allowed: another name")
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
        for name in self.data.names:
            for points in self.sweep.architectures.values():
                for _, architecture in points:
                    families.spec_of(architecture, *self.shape(name))
            for section, architectures in (
                ("depth", self.depth.towers),
                ("complexity", self.complexity.trained_on(name)),
            ):
                for points in architectures.values():
                    for _, architecture in points:
                        try:
                            families.spec_of(architecture, *self.shape(name))
                        except UserError as error:
                            raise UserError(f"{section}.architectures: {error}") from None
        return self

    @model_validator(mode="after")
    def _can_be_moved(self) -> "Study":
        """Every data set allows the augmentation of its training images."""
        sections = {"train": self.train.augment, "prune.finetune": self.prune.finetune.augment}
        for section, augment in ((section, augment) for section, augment in sections.items() if augment is not None):
            for name in self.data.names:
                entry = self.data.entry(name)
                edge = min(entry.shape[1:])
                if augment.flip and not entry.mirrors:
                    reason = "whose mirror images are other characters, or none"
                    raise ValueError(
                        f"{section}.augment.flip: true is not allowed with {name}, {reason}; allowed: false"
                    )
                if augment.shift >= edge:
                    raise ValueError(
                        f"{section}.augment.shift: {augment.shift} is not allowed with {slug(name)}, of {edge}"
                        f" pixels; allowed: less than {edge}"
                    )
        return self

    @model_validator(mode="after")
    def _can_be_planned(self) -> "Study":
        """No stage has more items than the plan, Snakemake and a folder can hold."""
        data_sets, sweep = len(self.data.datasets), self.sweep
        blocks = len(sweep.blocks(sweep.most_repeats))
        sizes = [len(points) for points in self.sweep.architectures.values()]
        further = sum(len(expand(name, grids)) for name, grids in (self.representatives.further or {}).items())
        depth, prune, quantize = self.depth, self.prune, self.quantize
        towers = [kind for points in depth.towers.values() for _, kind in points]
        deepened = data_sets * sum(kind.full_depth + len(depth.methods) for kind in towers)
        models = data_sets * blocks * (len(sizes) * len(self.representatives.roles) + further)
        models += data_sets * len(towers) * len(depth.compress)
        trained_on = [self.complexity.trained_on(name) for name in self.data.names]
        wholes = [kind for gated in trained_on for points in gated.values() for _, kind in points]
        gated = sum(len(self.complexity.titles(kind)) for kind in wholes)
        models += sum(len(self.complexity.prices(kind)) for kind in wholes) * self.complexity.compress
        cut = models * len(prune.methods) * len(prune.levels)
        curves = models * (len(prune.magnitude_scopes) * (1 + len(prune.magnitude_finetuned)) + 1)
        swept = data_sets * sum(len(sweep.blocks(count)) for counts in sweep.repeats_of.values() for count in counts)
        exported = models + cut + swept + deepened + gated  # at most: of what is only trained the finalists alone
        counts = {
            f"sweep: {data_sets:,} data set(s) x {sum(sizes):,} architectures x at most {blocks:,} block(s)": swept,
            f"depth: {data_sets:,} data set(s) x {len(towers):,} architectures with every depth and method": deepened,
            f"complexity: {len(wholes):,} architectures and data sets by every way and price": gated,
            f"prune: up to {models:,} models with every method, level and scope": cut + curves,
            f"quantize: up to {exported:,} models with every method": (
                exported * len(quantize.methods) + (models + cut) * bool(quantize.precisions)
            ),
        }
        for what, count in counts.items():
            if count > MOST:
                raise ValueError(f"{what} are {count:,} items; allowed: at most {MOST:,}")
        return self

    @model_validator(mode="after")
    def _has_short_names(self) -> "Study":
        """Every item's folder has a name that a file system can hold."""
        gated, most = _labels(self.complexity.wholes), self.sweep.most_repeats
        titles = [title for kind in gated.values() for title in self.complexity.titles(kind)]
        parts = (
            [slug(name) for name in self.data.names],
            _labels(self.sweep.architectures) | _labels(self.depth.towers) | gated,
            [f"r{most}-{most}", f"{ALONE}-{MOST_LAYERS}", *self.depth.methods, *titles],
            [f"{name}-99.99" for name in (*self.prune.methods, LONGEST_TITLE)],
            [*self.quantize.methods, CURVE_TITLE],
        )
        longest = [max(names, key=lambda name: len(name.encode())) for names in parts]
        if (length := sum(len(part.encode()) + 1 for part in longest)) > MOST_BYTES:
            raise ValueError(
                f"the names of items, such as {short('-'.join(longest))}, would have {length} bytes; allowed: at most"
                f" {MOST_BYTES}, by shorter names or fewer knobs"
            )
        return self
