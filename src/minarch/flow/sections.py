"""The study's sections: frozen and typed; every field says its unit or meaning and what is allowed."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator, model_validator

from minarch.data.catalogue import CATALOGUE, FOLDER, slug
from minarch.flow.grid import expand
from minarch.models import families
from minarch.pruning import Importance, Scope, Target

# A field so marked lists items or says where files lie: it is not part of any item's identity, each item carries its
# own point.
NOT_IDENTITY: dict[str, Any] = {"identity": False}
Real = Annotated[float, Strict(False)]  # YAML reads 1e-3 as a text
Share = Annotated[Real, Field(gt=0, lt=1)]
Level = Annotated[Real, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A section of the params file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def identity(self) -> dict[str, Any]:
        """What an item of this section is keyed by. None (an option that is off) is left out, so a new option keeps
        old keys.
        """
        hidden = {name for name, f in type(self).model_fields.items() if f.json_schema_extra == NOT_IDENTITY}
        return self.model_dump(mode="json", exclude=hidden, exclude_none=True)


class Data(Section):
    """Data sets and how they are split."""

    datasets: list[str] = Field(min_length=1, json_schema_extra=NOT_IDENTITY, description="a dimension of the grid")
    root: str | None = Field(None, json_schema_extra=NOT_IDENTITY, description="folder that holds the files already")
    validation: Share = Field(0.2, description="share of the training images cut off for validation, stratified")
    test: Share = Field(0.2, description="share cut off for test where a data set has no test split of its own")
    limit: int | None = Field(None, ge=10, description="at most this many training images (stratified); null: all")
    image_size: int = Field(32, ge=4, le=512, description="edge in pixels to which a folder's images are resized")
    seed: int = Field(0, ge=0, description="seed of every split")

    @field_validator("datasets")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in CATALOGUE and not (name.startswith(FOLDER) and len(name) > len(FOLDER)):
                raise ValueError(f"{name!r} is no data set; allowed: {', '.join(CATALOGUE)}, {FOLDER}PATH")
        slugs = [slug(name) for name in names]
        if twice := next((s for i, s in enumerate(slugs) if s in slugs[:i]), None):
            raise ValueError(
                f"{twice!r} is the name of two data sets; allowed: each name once (a folder's is its last part)"
            )
        return names


class Sweep(Section):
    """The grid of architectures: it lists items, so it is in no item's key."""

    repeats: int = Field(5, ge=1, le=10_000, description="trainings of each architecture, each with its own seed")
    block: int | None = Field(None, ge=1, description="repeats per item (file-level job); null: all in one")
    families: dict[str, Any] = Field(
        min_length=1, description="family -> knob -> value or list; several grids of one family as a list"
    )

    @field_validator("families")
    @classmethod
    def _buildable(cls, families: dict[str, Any]) -> dict[str, Any]:
        for name, grids in families.items():
            if not all(isinstance(grid, dict) for grid in (grids if isinstance(grids, list) else [grids])):
                raise ValueError(
                    f"{name}: {grids!r} is not allowed; allowed: knob -> value or list, or a list of such grids"
                )
            if not expand(name, grids):
                raise ValueError(f"{name}: {grids!r} lists no architecture; allowed: at least one value for every knob")
        return families


class Training(Section):
    """One training: a fixed budget of epochs."""

    epochs: int = Field(ge=1, le=100_000, description="passes over the training images")
    batch_size: int = Field(64, ge=1, description="images per step")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="sgd has momentum 0.9")
    learning_rate: Real = Field(1e-3, gt=0, le=10)
    weight_decay: Real = Field(0.0, ge=0, le=1)
    seed: int = Field(
        0, ge=0, description="base of every seed; each repeat derives its own from this and its configuration"
    )


class Sweeping(Training):
    """The sweep's trainings: all repeats of an architecture, by the fastest strategy on the machine."""

    shared_batches: bool = Field(
        False, description="all repeats of an architecture see the images in one order (faster); false: each its own"
    )
    give_up_after: int | None = Field(
        None, ge=1, description="epochs after which a repeat that was never above chance is stopped; null: never"
    )
    device: Literal["cpu", "cuda"] = Field("cpu", json_schema_extra=NOT_IDENTITY, description="where to train")
    strategy: Literal["auto", "stacked", "sequential"] = Field(
        "auto", json_schema_extra=NOT_IDENTITY, description="stacked repeats or one after the other; auto: the faster"
    )
    precision: Literal["tf32"] | None = Field(
        None, description="of matrix products on cuda; tf32 is faster and rounds to 10 bits; null: float32"
    )

    @model_validator(mode="after")
    def _has_an_effect(self) -> "Sweeping":
        if self.precision is not None and self.device == "cpu":
            raise ValueError(f"precision: {self.precision!r} has no effect with device: cpu; allowed: null")
        if self.give_up_after is not None and self.give_up_after >= self.epochs:
            raise ValueError(
                f"give_up_after: {self.give_up_after} has no effect with epochs: {self.epochs}; allowed: fewer, or null"
            )
        return self


class Convergence(Section):
    """Thresholds of the regimes (defaults: our inference, see the report)."""

    failure_share: Real = Field(0.05, ge=0, le=1, description="unstable above this share of failed repeats")
    spread_factor: Real = Field(3.0, gt=0, description="unstable above this many times the spread of the larger sizes")
    spread_points: Real = Field(2.0, gt=0, le=100, description="... but never below this spread (percentage points)")
    below_best_points: Real = Field(10.0, gt=0, le=100, description="unstable this far below the best size (points)")
    near_best_points: Real = Field(1.0, gt=0, le=100, description="as good as the best within this (points)")
    saturated_train: Real = Field(0.995, gt=0, le=1, description="training accuracy that counts as fitted completely")
    gap_factor: Real = Field(2.0, gt=0, description="overfitting above this many times the first good size's gap")
    loss_rise: Real = Field(
        1.1, ge=1, description="overfitting when validation loss ends this many times above its minimum"
    )
    bootstrap: int = Field(1000, ge=100, le=100_000, description="resamples of the repeats for each interval")
    confidence: Share = Field(0.95, description="level of each interval")
    seed: int = Field(0, ge=0, description="seed of the resampling")
    refine: int | None = Field(
        None,
        ge=1,
        le=100,
        json_schema_extra=NOT_IDENTITY,
        description="sizes added around P_min per data set and family, where they narrow its interval most; null: none",
    )


class Weights(Section):
    """Statistics of every trained network's weights."""

    near_zero: Real = Field(1e-3, gt=0, le=1, description="a weight below this counts as near zero")
    attention_images: int = Field(64, ge=1, description="validation images over which attention maps are averaged")


class Similarity(Section):
    """Distances between the weights of good and of poor networks (definitions: our inference)."""

    good_points: Real = Field(1.0, gt=0, le=100, description="good: within this of the family's best repeat (points)")
    poor_share: Share = Field(0.25, description="poor: this share of a family's repeats, the worst ones")
    networks: int = Field(20, ge=2, le=1000, description="at most this many good and poor ones per data set and family")
    permutations: int = Field(1000, ge=100, le=100_000, description="of the labels good and poor")
    confidence: Share = Field(0.95, description="level of each interval")
    seed: int = Field(0, ge=0, description="seed of the draws")


class Representatives(Section):
    """Which models go on to pruning and quantization."""

    roles: list[Literal["minimal", "learning", "overfitting"]] = Field(
        default=["minimal", "learning", "overfitting"],
        min_length=1,
        description="one model each, per data set and family",
    )
    further: dict[str, Any] | None = Field(
        None, description="more architectures of the sweep, written as there: family -> knob -> value or list"
    )


class Method(Section):
    """One way to cut units out and to train what is left."""

    importance: Importance = Field(
        "L1", description="which units go: NNCF's filter importances; random: a control; learned: LeGR"
    )
    scope: Scope = Field("layer", description="layer: the same share of every layer; global: one ranking of all units")
    floor: Real = Field(0.1, ge=0, le=1, description="share of its units that a layer keeps where scope is global")
    target: Target = Field("units", description="what a level is a share of")
    heads: bool = Field(False, description="cut attention heads, too")
    schedule: Literal["one-shot", "iterative"] = Field(
        "one-shot", description="iterative: each level goes on from the fine-tuned result of the level before"
    )
    weights: Literal["trained", "rewound", "fresh"] = Field(
        "trained",
        description="what is trained after the cut. trained: fine-tuning; rewound: those of an earlier epoch, for what"
        " is left of train.epochs; fresh: initialised again, for all of train.epochs (a control)",
    )
    rewind: int = Field(0, ge=0, description="epoch to rewind to; 0: the initialisation")

    @model_validator(mode="after")
    def _makes_sense(self) -> "Method":
        if self.importance == "learned" and self.scope != "global":
            raise ValueError("scope: 'layer' is not allowed with importance: learned; allowed: global")
        if self.rewind and self.weights != "rewound":
            raise ValueError(f"rewind: {self.rewind} has no effect with weights: {self.weights}; allowed: 0")
        if self.schedule == "iterative" and self.weights != "trained":
            raise ValueError(f"weights: {self.weights!r} is not allowed with schedule: iterative; allowed: trained")
        return self


class Prune(Section):
    """Structured pruning (NNCF) and training; curves of unstructured magnitude pruning and of single layers."""

    levels: list[Level] = Field(min_length=1, description="share removed, of units or MACs")
    methods: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")], Method] = Field(
        default_factory=lambda: {"l1": Method.model_validate({})},
        min_length=1,
        description="name -> how; every method is applied at every level",
    )
    round_to: int | None = Field(
        None, ge=1, le=64, description="keep a multiple of this many units; null: 1 below 64 units, 8 from there on"
    )
    finetune: Training = Field(description="training after each cut")
    magnitude_levels: list[Level] = Field(min_length=2, description="share of weights set to zero")
    magnitude_scopes: list[Scope] = Field(
        default=["global"], min_length=1, description="smallest weights of the network, or of every tensor"
    )
    magnitude_finetuned: list[Level] = Field(
        default=[], description="levels of magnitude pruning that are also fine-tuned, what is zero staying zero"
    )
    sensitivity_levels: list[Level] = Field(
        default=[], description="share of the units of one layer alone, the others whole, no fine-tuning; []: none"
    )

    @field_validator("methods")
    @classmethod
    def _not_taken(cls, methods: dict[str, Method]) -> dict[str, Method]:
        if "original" in methods:
            raise ValueError("'original' is what the unpruned models are called; allowed: any other name")
        return methods


class Quantize(Section):
    """INT8 post-training quantization (NNCF on OpenVINO)."""

    pruned: list[str] | None = Field(
        None,
        json_schema_extra=NOT_IDENTITY,
        description="those of prune.methods whose networks are exported; null: all",
    )
    calibration: int = Field(128, ge=1, description="training images used for calibration")
    preset: Literal["performance", "mixed"] = Field("mixed", description="mixed: asymmetric activations")
    seed: int = Field(0, ge=0, description="seed of the choice of calibration images")
    latency_rounds: int = Field(
        7, ge=3, le=1000, description="timed rounds, FP32 and INT8 in turn; the median is reported"
    )


class Aggregate(Section):
    """The report's recommendation."""

    max_drop_points: Real = Field(
        1.0, gt=0, le=100, description="a recommended model loses at most this against the best (points)"
    )


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
