"""The section of stage prune."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from minarch.flow.sections.base import MOST_EPOCHS, Distinct, Level, Name, Real, Section
from minarch.flow.sections.training import Training
from minarch.pruning import MAGNITUDE, SENSITIVITY, STRUCTURED, Importance, Scope, Target

RESERVED = ("original", STRUCTURED, MAGNITUDE, f"{MAGNITUDE}-layer", SENSITIVITY)  # what other items are called


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
    rewind: int = Field(0, ge=0, le=MOST_EPOCHS, description="epoch to rewind to; 0: the initialisation")

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

    levels: Distinct[Level] = Field(min_length=1, description="share removed, of units or MACs")
    methods: dict[Name, Method] = Field(
        default_factory=lambda: {"l1": Method.model_validate({})},
        min_length=1,
        max_length=100,
        description="name -> how; every method is applied at every level",
    )
    round_to: int | None = Field(
        None, ge=1, le=64, description="keep a multiple of this many units; null: 1 below 64 units, 8 from there on"
    )
    finetune: Training = Field(description="training after each cut")
    magnitude_levels: Distinct[Level] = Field(min_length=2, description="share of weights set to zero")
    magnitude_scopes: Distinct[Scope] = Field(
        default=["global"], min_length=1, description="smallest weights of the network, or of every tensor"
    )
    magnitude_finetuned: Distinct[Level] = Field(
        default=[], description="levels of magnitude pruning that are also fine-tuned, what is zero staying zero"
    )
    sensitivity_levels: Distinct[Level] = Field(
        default=[], description="share of the units of one layer alone, the others whole, no fine-tuning; []: none"
    )

    @field_validator("methods")
    @classmethod
    def _not_taken(cls, methods: dict[str, Method]) -> dict[str, Method]:
        for name in methods:
            if name in RESERVED:
                raise ValueError(
                    f"{name!r} is what other models are called; allowed: any name but {', '.join(RESERVED)}"
                )
        return methods
