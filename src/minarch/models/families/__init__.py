"""What a study can ask for: a family and its knobs. Torch-free, because Snakemake imports it to read the workflow.

A family is a frozen dataclass of knobs; `spec(shape, classes)` turns them into the structural spec, a JSON-able dict
whose per-layer sizes are lists, so that a network is described in the same form after units were cut out of it. Of a
branch or part of a block that was removed the size is 0.
`network` names the module that is built from a spec ("package.module:Class"); its arguments are the spec's fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from minarch.errors import UserError, short
from minarch.models.families.base import Family, Spec
from minarch.models.families.cnn import Cnn
from minarch.models.families.dnn import Dnn, ShapedDnn
from minarch.models.families.resnet import ResNet
from minarch.models.families.separable import Separable
from minarch.models.families.users import check_class, check_description, imported, is_path, told
from minarch.models.families.vit import Vit

__all__ = [
    "FAMILIES",
    "Cnn",
    "Dnn",
    "Family",
    "ResNet",
    "Separable",
    "ShapedDnn",
    "Spec",
    "Vit",
    "architecture",
    "check_knobs",
    "family",
    "family_slug",
    "spec_of",
    "told",
]

FAMILIES: dict[str, type[Family]] = {cls.name: cls for cls in (Dnn, Cnn, Vit, ShapedDnn, ResNet, Separable)}


def family_slug(name: str) -> str:
    """A family's name as a part of file names; of "module:Class" the class."""
    return name.rpartition(":")[2].lower()


def family(name: str) -> type[Family]:
    """The family called `name`: one of FAMILIES, or a Family subclass of the user's as "package.module:Class".

    Raises:
        UserError: there is none, its module raises, or it has another name (another name would be another key).
    """
    if name in FAMILIES:
        return FAMILIES[name]
    allowed = f'it must be one of {", ".join(FAMILIES)} or "package.module:Class"'
    if not is_path(name):
        raise UserError(f"family: {short(name)} is not known, {allowed}")
    cls = imported(name)
    if not (isinstance(cls, type) and issubclass(cls, Family) and cls is not Family):
        raise UserError(f"family: {short(name)} is no subclass of minarch.models.families.Family, {allowed}")
    right = next((ours for ours, kind in FAMILIES.items() if kind is cls), f"{cls.__module__}:{cls.__qualname__}")
    if name != right:
        raise UserError(f"family: {short(name)} is another name of {short(right)}, it must be called that")
    check_class(name, cls)
    return cls


def check_knobs(name: str, knobs: Mapping[str, Any]) -> None:
    """Raises UserError for a knob that the family `name` does not have."""
    known = [field.name for field in fields(family(name))]
    if unknown := [knob for knob in knobs if knob not in known]:
        raise UserError(
            f"{name}.{short(unknown[0])[1:-1]}: {short(knobs[unknown[0]])} is not allowed, {name} has no such knob;"
            f" allowed: {', '.join(known)}"
        )


def architecture(name: str, knobs: Mapping[str, Any]) -> Family:
    """The family `name` with these knobs; raises UserError for unknown, missing or impossible ones."""
    cls = family(name)
    check_knobs(name, knobs)
    for field in fields(cls):
        if field.name not in knobs and field.default is MISSING and field.default_factory is MISSING:
            raise UserError(f"{name}.{field.name}: missing, it must be given")
    with told(name):
        return cls(**knobs)


def spec_of(kind: Family, shape: Sequence[int], classes: int) -> Spec:
    """The architecture's structure for images of `shape` [C, H, W] and `classes` outputs.

    Raises:
        UserError: it does not fit them, or a user's family gives what is none.
    """
    if kind.name in FAMILIES:
        return kind.spec(shape, classes)
    check_description(kind, shape, classes)
    spec = kind.spec(shape, classes)
    if family(str(spec["family"])).network != kind.network:
        raise UserError(f"{kind.name}.spec: family: {short(spec['family'])} has another network; allowed: {kind.name}")
    return spec
