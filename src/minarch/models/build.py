"""From a structural spec to a network."""

import importlib
import json
from typing import cast

import torch
from torch import nn

from minarch.errors import UserError, short
from minarch.models.families import Spec, family, told
from minarch.models.network import Network


def build(spec: Spec) -> Network:
    """The network that `spec` describes, initialised by torch's defaults from its generator (the caller seeds it).

    Raises:
        UserError: a user's family cannot build it, or what it builds has no weights.
    """
    name = spec["family"]
    module_name, _, class_name = family(name).network.partition(":")
    with told(name):
        network = getattr(importlib.import_module(module_name), class_name)(
            **{field: value for field, value in spec.items() if field != "family"}
        )
    if not isinstance(network, nn.Module) or not any(True for _ in network.parameters()):
        raise UserError(f"{name}: its network is {short(network)}; allowed: a torch.nn.Module with weights")
    return cast(Network, network)


def checked(spec: Spec) -> Network:
    """The network that `spec` describes, once it has shown that it can be trained, pruned and rebuilt.

    Raises:
        UserError: a user's network does not give [B, classes] for images [B, C, H, W], or tells another structure
            than `spec`, from which it is rebuilt after a cut.
    """
    network, name = build(spec), spec["family"]
    with told(name), torch.no_grad():
        logits = network.eval()(torch.zeros(2, *spec["shape"]))
    if not isinstance(logits, torch.Tensor) or logits.shape != (2, spec["classes"]):
        given = list(logits.shape) if isinstance(logits, torch.Tensor) else logits
        raise UserError(
            f"{name}: its network gives {short(given)} for 2 images; allowed: a tensor [2, {spec['classes']}]"
        )
    with told(name):
        structure = network.spec()
        same = json.dumps(structure, sort_keys=True) == json.dumps(spec, sort_keys=True)
    if not same:
        raise UserError(
            f"{name}: its network's spec() is {short(structure)}; allowed: what it was built from, {short(spec)}"
        )
    return network
