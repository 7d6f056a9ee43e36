"""From a structural spec to a network."""

import importlib

from torch import nn

from minarch.models.families import Spec, family


def build(spec: Spec) -> nn.Module:
    """The network that `spec` describes, initialised by torch's defaults from its generator (the caller seeds it)."""
    module_name, _, class_name = family(spec["family"]).network.partition(":")
    network: nn.Module = getattr(importlib.import_module(module_name), class_name)(
        **{name: value for name, value in spec.items() if name != "family"}
    )
    return network
