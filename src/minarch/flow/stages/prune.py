"""Stage prune: every method at every level of all that goes on, and the curves of each representative."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from minarch.contract import ORIGINAL
from minarch.flow.item import Inputs, Item
from minarch.flow.stages.representatives import chosen
from minarch.flow.stages.section import MOST_EPOCHS, Distinct, Level, Name, Real, Section
from minarch.flow.stages.stage import NETWORKS, Before, Stage
from minarch.flow.stages.train import Recipe, Sweeping
from minarch.pruning import MAGNITUDE, SENSITIVITY, STRUCTURED, Importance, Scope, Target

RESERVED = (ORIGINAL, STRUCTURED, MAGNITUDE, f"{MAGNITUDE}-layer", SENSITIVITY)  # what other items are called
OVERHEAD_S = 1  # of an item, above its training


class Method(Section):
    """One way to cut units out and to train what is left."""

    importance: Importance = Field(
        "L1", description="which units go: NNCF's filter importances; random: a control; learned: LeGR"
    )
    scope: Scope = Field("layer", description="layer: the same share of every layer; global: one ranking of all units")
    floor: Real = Field(0.1, ge=0, le=1, description="share of its units that a layer keeps where scope is global")
    target: Target = Field("units", description="what a level is a share of")
    heads: bool = Field(False, description="cut attention heads, too")
    residual: bool = Field(False, description="cut the residual width of transformers, too: what their tokens carry")
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
    finetune: Recipe = Field(description="training after each cut")
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


def items(before: Before, *, prune: Prune, train: Sweeping) -> Iterator[Item]:
    """An iterative level reads the item of the level before."""
    for parent in chosen(before):
        yield from _structured(parent, prune.methods, prune, train)
        yield from _curves(parent, prune)
    # What an earlier stage grew out of other networks has no single training from the start that could be rewound.
    methods = {name: method for name, method in prune.methods.items() if method.weights != "rewound"}
    for parent in before.going_on:
        yield from _structured(parent, methods, prune, train)


def _structured(parent: Item, methods: Mapping[str, Method], prune: Prune, train: Sweeping) -> Iterator[Item]:
    for name, method in methods.items():
        inputs = _inputs(parent)
        for level in sorted(prune.levels):
            config = {"kind": STRUCTURED, "method": name, "level": level, **method.identity()}
            config |= {"round_to": prune.round_to, "training": _training(method, prune, train)}
            item = _item(parent, f"{name}-{_percent(level)}", config, inputs, goes_on=True)
            yield item
            if method.schedule == "iterative":
                inputs = _inputs(parent) | {"parent": item.path, "origin": parent.path}


def _curves(parent: Item, prune: Prune) -> Iterator[Item]:
    inputs = _inputs(parent)
    for scope in prune.magnitude_scopes:
        title = MAGNITUDE if scope == "global" else f"{MAGNITUDE}-{scope}"
        curve = {"kind": MAGNITUDE, "scope": scope}
        yield _item(parent, title, curve | {"levels": prune.magnitude_levels}, inputs)
        for level in prune.magnitude_finetuned:
            config = curve | {"levels": [level], "training": prune.finetune.identity()}
            yield _item(parent, f"{title}-{_percent(level)}", config, inputs)
    if prune.sensitivity_levels:
        config = {"kind": SENSITIVITY, "importance": "L1", "levels": prune.sensitivity_levels}
        yield _item(parent, SENSITIVITY, config, inputs)


def _training(method: Method, prune: Prune, train: Sweeping) -> dict[str, Any]:
    """What follows the cut: fine-tuning, or the sweep's own training as far as it is not done yet."""
    if method.weights == "trained":
        return prune.finetune.identity()
    return train.identity() | {"epochs": train.epochs - method.rewind}


def _inputs(parent: Item) -> Inputs:
    return {"data": parent.inputs["data"], "parent": parent.path}


def _item(parent: Item, title: str, config: dict[str, Any], inputs: Inputs, *, goes_on: bool = False) -> Item:
    """An item that takes about as long as the parent's training did for as many epochs; a level counts as one."""
    epochs = config.get("training", {}).get("epochs", 0) + len(config.get("levels", ()))
    seconds = OVERHEAD_S + parent.resources.seconds / parent.config["train"]["epochs"] * epochs
    resources = replace(parent.resources, seconds=seconds, gpus=0)
    slug = f"{parent.slug}-{title}"
    return STAGE.item(slug, config, inputs, extra_code=parent.extra_code, goes_on=goes_on, resources=resources)


def _percent(level: float) -> str:
    return f"{round(100 * level, 2):g}"


STAGE = Stage(
    name="prune",
    words="structured pruning (NNCF) with fine-tuning; curves of magnitude pruning",
    sections=("prune", "train"),
    reads=("data", "representatives", NETWORKS),
    items=items,
    makes_networks=True,
)
