"""The items of stage quantize: every method, and the simulated precisions, of one trained or pruned model."""

from collections.abc import Iterator
from typing import Any

from minarch.flow.item import Item
from minarch.flow.sections import Study
from minarch.quantization import CURVE, EXPORT


def quantize_items(study: Study, parent: Item) -> Iterator[Item]:
    """All of them; `parent` is the item that trained or pruned the model."""
    section = study.quantize
    inputs: dict[str, str | list[str]] = {"data": parent.inputs["data"], "parent": parent.path}
    common = {name: getattr(section, name) for name in ("calibration", "seed", "latency_rounds")}
    for name, method in section.methods.items():
        config = {"kind": EXPORT, "quantization": name, **method.model_dump(mode="json"), **common}
        yield _item(parent, name, config, inputs)
    if section.precisions:
        config = {"kind": CURVE, "precisions": section.precisions, "schemes": section.schemes}
        yield _item(parent, "precision", config, inputs)


def _item(parent: Item, title: str, config: dict[str, Any], inputs: dict[str, str | list[str]]) -> Item:
    identity = {name: value for name, value in config.items() if value is not None}  # a new option keeps old keys
    return Item("quantize", f"{parent.slug}-{title}", identity, config, inputs, parent.extra_code)
