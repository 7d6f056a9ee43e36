"""The networks of an item on disk: one safetensors file (no code in it) beside the specs in results.json."""

import sys
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from minarch.errors import UserError, one_line
from minarch.files import read_json
from minarch.models.build import build
from minarch.models.network import Network


def save_networks(path: Path, networks: Mapping[int, nn.Module]) -> None:
    """Write all networks (repeat -> network) into one file; tensors are named "<repeat>.<parameter name>"."""
    save_file(
        {
            f"{repeat}.{name}": tensor.detach().cpu().contiguous()
            for repeat, network in sorted(networks.items())
            for name, tensor in network.state_dict().items()
        },
        path,
    )


def finite(network: nn.Module) -> bool:
    """Tell whether every weight is a number; those of a diverged training are not."""
    return all(bool(parameter.isfinite().all()) for parameter in network.parameters())


def load_networks(item: Path) -> dict[int, Network]:
    """The networks (repeat -> network, in eval mode) of an item folder, built from the specs in its results.json.

    A repeat without a spec (nothing could be made of it) is left out. Raises UserError when the weights are not a
    safetensors file or do not fit the specs.
    """
    results = read_json(item / "results.json")
    path = item / results["weights"]
    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: {error}, it must be a safetensors file") from error
    networks = dict[int, Network]()
    for entry in results["repeats"]:
        if entry["spec"] is None:
            continue
        prefix = f"{entry['repeat']}."
        named = str(entry["spec"]["family"]).partition(":")
        if named[1] and named[0] not in sys.modules:  # a pulled file must not decide what is imported
            raise UserError(
                f"{item}: family {entry['spec']['family']!r} is not allowed, it must be one that the study names"
            )
        network = build(entry["spec"])
        state = {name.removeprefix(prefix): stored.pop(name) for name in list(stored) if name.startswith(prefix)}
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            reason = one_line(error)
            raise UserError(
                f"{path}: repeat {entry['repeat']} does not fit its spec in results.json: {reason}"
            ) from error
        networks[int(entry["repeat"])] = network.eval()
    if stored:
        raise UserError(f"{path}: holds tensors that no repeat of results.json names, such as {min(stored)!r}")
    return networks
