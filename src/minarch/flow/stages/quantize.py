"""Stage quantize: representatives and finalists are exported by every method; simulated precisions of what goes on."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from minarch.flow.item import Inputs, Item
from minarch.flow.stages.finalists import finalists_of
from minarch.flow.stages.representatives import chosen
from minarch.flow.stages.section import NOT_IDENTITY, Distinct, Drop, Images, Name, Section, Seed
from minarch.flow.stages.stage import NETWORKS, Before, Stage
from minarch.flow.stages.train import Training
from minarch.quantization import CURVE, EXPORT, Precision, Scheme, Target

OVERHEAD_S = 2  # of an item, as the mean: an export takes longer, a simulation hardly any time
CURVE_TITLE = "precision"  # what the items of simulated precisions are called


class AwareTraining(Training):
    """Quantization-aware training, of models that quantization after training damages."""

    above_points: Drop = Field(1.0, description="train those that lose more than this on validation (points)")


class Quantization(Section):
    """One way to store and run a model in fewer bits, by NNCF."""

    precision: Literal["int8", "int4", "nf4"] = Field(
        "int8", description="int8: weights and activations; int4, nf4: the weights of linear layers only"
    )
    backend: Literal["openvino", "torch"] = Field("openvino", description="what NNCF works on; qat needs torch")
    preset: Literal["performance", "mixed"] = Field("mixed", description="mixed: asymmetric activations")
    bias_correction: Literal["fast", "accurate"] = Field("fast", description="of quantized layers; accurate is slower")
    target: Target = Field(
        "any", description="processors that int8 is right on; vnni: only those whose 8-bit products are exact"
    )
    max_drop_points: Drop | None = Field(
        None, description="revert layers until at most this is lost on validation; null: none"
    )
    qat: AwareTraining | None = Field(None, description="quantization-aware training; null: none")

    @model_validator(mode="after")
    def _makes_sense(self) -> "Quantization":
        chosen = {
            "precision": self.precision != "int8",
            "bias_correction": self.bias_correction != "fast",
            "max_drop_points": self.max_drop_points is not None,
        }
        for name, given in chosen.items():
            if given and self.backend == "torch":
                raise ValueError(
                    f"{name}: {getattr(self, name)!r} is not allowed with backend: torch; allowed: openvino"
                )
        if self.qat is not None and self.backend != "torch":
            raise ValueError("backend: 'openvino' is not allowed with qat; allowed: torch")
        for name in ("preset", "bias_correction", "target", "max_drop_points"):
            default = type(self).model_fields[name].default
            if self.precision != "int8" and getattr(self, name) != default:
                raise ValueError(f"{name}: {getattr(self, name)!r} has no effect but on int8; allowed: {default}")
        return self


class Quantize(Section):
    """Models in fewer bits: exported and checked, and simulated on the trainable parameters alone."""

    pruned: Distinct[str] | None = Field(
        None,
        json_schema_extra=NOT_IDENTITY,
        description="those of prune.methods of whose networks lower precisions are simulated; null: all",
    )
    methods: dict[Name, Quantization] = Field(
        default_factory=lambda: {"int8": Quantization.model_validate({})},
        min_length=1,
        max_length=100,
        description="name -> how; representatives and finalists are exported in float32 and by every method",
    )
    calibration: Images = Field(128, description="training images used for calibration")
    seed: Seed = Field(0, description="seed of the choice of calibration images")
    precisions: Distinct[Precision] = Field(
        default=[],
        description="of all trainable parameters, simulated; activations stay float32; []: none",
    )
    schemes: Distinct[Scheme] = Field(
        default=["tensor", "channel"], min_length=1, description="what has one scale: a tensor, or a row of it"
    )

    @field_validator("methods")
    @classmethod
    def _says_what_it_is(cls, methods: dict[str, Quantization]) -> dict[str, Quantization]:
        for name, method in methods.items():
            if name == CURVE_TITLE or (name in (*get_args(Precision), "nf4") and name != method.precision):
                raise ValueError(
                    f"{name!r} is not allowed with precision: {method.precision}, it says something else; allowed: any"
                    f" name but {CURVE_TITLE} and those of other precisions"
                )
        return methods


def items(before: Before, *, quantize: Quantize) -> Iterator[Item]:
    pruned = [item for item in before.going_on if item.stage == "prune"]
    representatives = [*chosen(before), *(item for item in before.going_on if item.stage != "prune")]
    common = {name: getattr(quantize, name) for name in ("calibration", "seed")}
    for parent in {item.path: item for item in (*representatives, *finalists_of(before))}.values():
        for place, (name, method) in enumerate(quantize.methods.items()):
            config = {"kind": EXPORT, "quantization": name, **method.model_dump(mode="json"), **common}
            config["float32"] = place == 0  # every method measures the float32 files, the first one keeps them
            yield _item(parent, name, config)
    curve = {"kind": CURVE, "precisions": quantize.precisions, "schemes": quantize.schemes}
    simulated = [item for item in pruned if quantize.pruned is None or item.config["method"] in quantize.pruned]
    for parent in (*representatives, *simulated) if quantize.precisions else ():
        yield _item(parent, CURVE_TITLE, curve)


def _item(parent: Item, title: str, config: dict[str, Any]) -> Item:
    identity = {name: value for name, value in config.items() if value is not None}  # a new option keeps old keys
    inputs: Inputs = {"data": parent.inputs["data"], "parent": parent.path}
    seconds = OVERHEAD_S + parent.resources.seconds  # at most, with training
    resources = replace(parent.resources, seconds=seconds, gpus=0)
    slug = f"{parent.slug}-{title}"
    return STAGE.item(slug, config, inputs, identity=identity, extra_code=parent.extra_code, resources=resources)


STAGE = Stage(
    name="quantize",
    words="fewer bits (NNCF): exported and checked; lower precision simulated",
    sections=("quantize",),
    reads=("data", "representatives", "finalists", NETWORKS),
    items=items,
)
