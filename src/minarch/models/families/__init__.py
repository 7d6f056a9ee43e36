"""What a study can ask for: a family and its knobs. Torch-free, because Snakemake imports it to read the workflow.

A family is a frozen dataclass of knobs; `spec(shape, classes)` turns them into the structural spec, a JSON-able dict
whose per-layer sizes are lists, so that a network is described in the same form after units were cut out of it.
`network` names the module that is built from a spec ("package.module:Class"); its arguments are the spec's fields.
"""

import importlib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from minarch.errors import UserError
from minarch.models.families.base import Family, Spec
from minarch.models.families.cnn import Cnn
from minarch.models.families.dnn import Dnn, ShapedDnn
from minarch.models.families.resnet import ResNet
from minarch.models.families.vit import Vit

__all__ = ["FAMILIES", "Cnn", "Dnn", "Family", "ResNet", "ShapedDnn", "Spec", "Vit", "architecture", "family"]

FAMILIES: dict[str, type[Family]] = {cls.name: cls for cls in (Dnn, Cnn, Vit, ShapedDnn, ResNet)}


def family(name: str) -> type[Family]:
    """The family called `name`: one of FAMILIES, or a Family subclass of the user's as "package.module:Class"."""
    if name in FAMILIES:
        return FAMILIES[name]
    module_name, separator, class_name = name.partition(":")
    allowed = f'one of {", ".join(FAMILIES)} or "package.module:Class"'
    if not (separator and module_name and class_name):
        raise UserError(f"family: {name!r} is not known, it must be {allowed}")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise UserError(f"family: {name!r} cannot be imported ({error}), it must be {allowed}") from error
    if not (isinstance(found, type) and issubclass(found, Family)):
        raise UserError(f"family: {name!r} is not a subclass of minarch.models.families.Family, it must be {allowed}")
    return found


def architecture(name: str, knobs: Mapping[str, Any]) -> Family:
    """The family `name` with these knobs; raises UserError for unknown, missing or impossible ones."""
    cls = family(name)
    known = [field for field in fields(cls)]
    for knob in knobs:
        if knob not in {field.name for field in known}:
            names = ", ".join(field.name for field in known)
            raise UserError(
                f"{name}.{knob}: {knobs[knob]!r} is not allowed, {name} has no such knob (its knobs: {names})"
            )
    for field in known:
        if field.name not in knobs and field.default is MISSING and field.default_factory is MISSING:
            raise UserError(f"{name}.{field.name}: missing, it must be given")
    return cls(**knobs)
