"""Structured pruning with NNCF's filter pruning: whole units are masked by importance, then physically cut out.

Units are hidden neurons (dnn), channels (cnn) or feed-forward neurons (vit). Every layer loses the same share.
Only NNCF <= 2.19 can do this (3.0 removed structured pruning), and only with its legacy tracing.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn

import minarch.quiet  # noqa: F401 - before nncf
from minarch.errors import UserError
from minarch.models.build import build

os.environ["NNCF_TORCH_LEGACY_TRACING"] = "1"  # before nncf.torch; it then refuses its own torch quantization

from nncf import NNCFConfig
from nncf.common.pruning.utils import get_rounded_pruned_element_number
from nncf.torch import create_compressed_model
from nncf.torch.pruning.filter_pruning import algo
from nncf.torch.pruning.operations import PT_PRUNING_OPERATOR_METATYPES, ModelPruner, PrunType

Importance = Literal["L1", "L2", "geometric_median"]
TOLERANCE = 1e-5  # cut against masked, relative to the largest logit


@dataclass(frozen=True)
class Cut:
    """A network that became smaller: plain (no trace of NNCF), and the prunable units before and after."""

    network: nn.Module
    units_before: int
    units_after: int

    @property
    def removed_share(self) -> float:
        return (self.units_before - self.units_after) / self.units_before


def prune_structured(network: nn.Module, *, level: float, importance: Importance, round_to: int = 1) -> Cut:
    """Remove the share `level` (in [0, 1)) of the least important units of each layer; `network` itself stays as it is.

    Kept units are rounded up to a multiple of `round_to`, and at least one stays, so that a tiny layer may lose fewer
    than asked or none: the achieved share is in the result. Equal importances are kept together (two units under
    geometric_median always are). Raises UserError when NNCF finds no unit that it could cut. Checks that the cut
    network computes what the masked one did.
    """
    spec = network.spec()  # type: ignore[operator]
    shape = spec["shape"]
    config = {
        "input_info": {"sample_size": [1, *shape]},
        "compression": {
            "algorithm": "filter_pruning",
            "pruning_init": level,
            "params": {
                "schedule": "baseline",
                "pruning_target": level,
                "filter_importance": importance,
                "prune_first_conv": True,  # its default False would also spare the first Linear of a dnn
                "prune_downsample_convs": True,
            },
        },
    }
    images = torch.randn(32, *shape, generator=torch.Generator().manual_seed(0))
    with _kept_rounded_to(round_to), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # NNCF's own: deprecation of this API, tensors it copies
        controller, masked = create_compressed_model(deepcopy(network), NNCFConfig.from_dict(config), dump_graphs=False)
        clusters = controller.pruned_module_groups_info.get_all_clusters()
        masks = [controller.get_mask(cluster.elements[0]) for cluster in clusters]
        if not masks:
            raise UserError(f"prune: NNCF finds no unit to cut in {spec}; allowed: networks whose layers it can follow")
        expected = masked.eval()(images)
        graph = masked.nncf.get_original_graph()
        ModelPruner(masked, graph, PT_PRUNING_OPERATOR_METATYPES, PrunType.CUT_WEIGHTS).prune_model()
        cut = build(masked.spec())
        state = masked.state_dict()
        cut.load_state_dict({name: state[name] for name in cut.state_dict()})
        found = cut.eval()(images)
    scale = max(1.0, float(expected.abs().max()))
    same = torch.allclose(found, expected, rtol=0, atol=TOLERANCE * scale, equal_nan=True)
    assert same, "the cut changed the outputs"
    units_after = [int(mask.sum()) for mask in masks]
    assert min(units_after) >= 1, "a whole layer was cut"
    return Cut(cut, sum(len(mask) for mask in masks), sum(units_after))


@contextmanager
def _kept_rounded_to(multiple: int) -> Iterator[None]:
    """NNCF keeps a multiple of 8 units, too coarse for tiny networks, and offers no option for it."""
    algo.get_rounded_pruned_element_number = partial(get_rounded_pruned_element_number, multiple_of=multiple)
    try:
        yield
    finally:
        algo.get_rounded_pruned_element_number = get_rounded_pruned_element_number
