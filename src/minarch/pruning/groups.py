"""Which units of a network can be cut, and every entry of its tensors that goes with them: NNCF's dependency analysis.

Units are hidden neurons, channels (tied over residual sums and depthwise convolutions) or attention heads. NNCF does
not tell which entries belong to a unit, it only applies masks. So each group's first unit is masked in a copy of the
network whose every entry is one: what became zero belongs to it, and the other units' entries follow at equal distance.
Whoever cuts checks that (minarch.pruning.cut).

Only NNCF <= 2.19 has structured pruning (3.0 removed it), and only with its legacy tracing.
"""

import json
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from logging.handlers import BufferingHandler
from typing import Any

import torch
from torch import Tensor, nn

import minarch.quiet  # noqa: F401 - before nncf
from minarch.errors import UserError
from minarch.models.network import Network

os.environ["NNCF_TORCH_LEGACY_TRACING"] = "1"  # before nncf.torch; it then refuses its own torch quantization

import nncf.torch  # noqa: F401, isort: skip - first: what is experimental and it import each other
from nncf import NNCFConfig
from nncf.experimental.common.pruning.nodes_grouping import get_pruning_groups
from nncf.experimental.torch.pruning.operations import PT_EXPERIMENTAL_PRUNING_OPERATOR_METATYPES
from nncf.torch import create_compressed_model
from nncf.torch.pruning.operations import PT_PRUNING_OPERATOR_METATYPES, ModelPruner, PrunType
from nncf.torch.pruning.utils import init_output_masks_in_graph

HEADS, WIDTH = "heads", "width"  # kinds that go only where a method says so


@dataclass(frozen=True)
class Part:
    """Entries of a tensor that go with the units: `size` consecutive ones each along `dim`, the first at `offset`."""

    tensor: str
    dim: int
    offset: int
    size: int

    def indices(self, keep: Tensor) -> Tensor:
        """The entries of the units in `keep` (bool [U]), int64."""
        units = keep.nonzero().flatten()
        return (self.offset + units[:, None] * self.size + torch.arange(self.size)).flatten()


@dataclass(frozen=True)
class Group:
    """Layers that lose the same units. `kind`: neurons, channels, heads or width (of tokens: not NNCF's but
    minarch.pruning.stream's). `weights` are the tensors that make them.
    """

    name: str
    kind: str
    units: int
    weights: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def least(self) -> int:
        """Units that always stay: one; of a width two, because a LayerNorm of one value is its bias for every image."""
        return min(self.units, 2 if self.kind == WIDTH else 1)


_known: dict[tuple[type[nn.Module], str], list[Group]] = {}  # repeats share their structure, an analysis takes 0.1 s


def find_groups(network: Network, *, heads: bool = True) -> list[Group]:
    """The groups of a network, in the order of its layers; those of attention heads only if `heads` says so.

    Raises:
        UserError: nothing can be cut; the line names the layers and NNCF's reasons.
    """
    spec = network.spec()
    structure = type(network), json.dumps(spec, sort_keys=True)
    if structure not in _known:
        _known[structure] = _analyse(network, spec["shape"])
    return [group for group in _known[structure] if heads or group.kind != HEADS]


def _analyse(network: nn.Module, shape: Sequence[int]) -> list[Group]:
    settings = {"schedule": "baseline", "prune_first_conv": True, "prune_downsample_convs": True}
    config = {
        "input_info": {"sample_size": [1, *shape]},
        "compression": {"algorithm": "filter_pruning", "pruning_init": 0, "params": settings},
    }
    with _listening() as records, torch.no_grad():
        controller, masked = create_compressed_model(deepcopy(network), NNCFConfig.from_dict(config), dump_graphs=False)
        groups = [*_clusters(controller, masked, network), *_heads(masked, network)]
    if not groups:
        reasons = "; ".join(record.getMessage() for record in records if "Could not prune" in record.getMessage())
        layers = ", ".join(
            name for name, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)
        )
        raise UserError(
            f"prune: nothing can be cut, layers {layers or 'none'}: {reasons or 'NNCF follows none of them'}; allowed:"
            " networks with a hidden layer that NNCF can follow"
        )
    order = {name: position for position, name in enumerate(network.state_dict())}
    return sorted(groups, key=lambda group: order[group.weights[0]])


def _clusters(controller: Any, masked: Any, network: nn.Module) -> Iterator[Group]:
    """The groups of NNCF's filter pruning: neurons and channels."""
    graph, clusters = masked.nncf.get_original_graph(), controller.pruned_module_groups_info
    names = {id(module): name for name, module in masked.named_modules()}
    state = [name for name, tensor in network.state_dict().items() if tensor.is_floating_point()]
    for cluster in clusters.get_all_clusters():
        ones = masked.state_dict()
        for name in state:
            ones[name].fill_(1)
        for other in clusters.get_all_clusters():
            mask = torch.ones_like(controller.get_mask(other.elements[0]))
            mask[0] = other is not cluster
            for element in other.elements:
                controller.set_mask(element, mask)
        init_output_masks_in_graph(graph, clusters.get_all_nodes())
        pruner = ModelPruner(masked, graph, PT_PRUNING_OPERATOR_METATYPES, PrunType.FILL_ZEROS)
        pruner.mask_propagation()
        pruner.apply_mask()
        units, after = len(controller.get_mask(cluster.elements[0])), masked.state_dict()
        # A group of one unit has nothing to lose, and all of it being zero would not tell rows from columns.
        parts = tuple(part for name in state if units > 1 for part in _zeros(name, after[name]))
        made = {f"{names[id(element.module)]}.weight" for element in cluster.elements}
        weights = tuple(name for name in state if name in made)
        title = weights[0].removesuffix(".weight") + (f" and {len(weights) - 1} more" if len(weights) > 1 else "")
        kind = "channels" if after[weights[0]].dim() > 2 else "neurons"
        yield Group(title, kind, units, weights, parts)


def _zeros(name: str, tensor: Tensor) -> Iterator[Part]:
    """The slabs of a tensor that are zero."""
    gone = tensor == 0
    for dim in range(min(2, tensor.dim())):
        others = [d for d in range(tensor.dim()) if d != dim]
        index = (gone.all(others) if others else gone).nonzero().flatten().tolist()
        if index:
            assert index == list(range(index[0], index[0] + len(index))), f"{name}: {index} are not consecutive"
            yield Part(name, dim, index[0], len(index))


def _heads(masked: Any, network: nn.Module) -> Iterator[Group]:
    """Attention heads: blocks of consecutive outputs of query, key and value that only the output layer reads."""
    graph = masked.nncf.get_original_graph()
    if not graph.get_nodes_by_types(["softmax"]):
        return  # the analysis below knows transformers only
    names = {id(module): name for name, module in masked.named_modules()}
    state = network.state_dict()

    def name_of(node: int) -> str:
        return names[id(masked.nncf.get_containing_module(graph.get_node_by_id(node).node_name))]

    for group in get_pruning_groups(graph, PT_EXPERIMENTAL_PRUNING_OPERATOR_METATYPES, ["linear"]):
        size = group.block.size
        if group.block.offset or size == 1:
            continue  # one dimension of every head, or what filter pruning knows already
        made = sorted(name_of(producer.node_id) for producer in group.producers)
        read = [name_of(consumer.node_id) for consumer in group.consumers if consumer.pruning_dimension is not None]
        weights = tuple(f"{layer}.weight" for layer in made)
        rows = [Part(f"{layer}.{kind}", 0, 0, size) for layer in made for kind in ("weight", "bias")]
        columns = [Part(f"{layer}.weight", 1, 0, size) for layer in read]
        parts = tuple(part for part in (*rows, *columns) if part.tensor in state)
        title = f"{made[0].rpartition('.')[0]}.{HEADS}".removeprefix(".")
        yield Group(title, HEADS, len(state[weights[0]]) // size, weights, parts)


@contextmanager
def _listening() -> Iterator[list[logging.LogRecord]]:
    """NNCF's log in place of its printing: only there it tells why a layer cannot be cut."""
    logger, handler = logging.getLogger("nncf"), BufferingHandler(capacity=1_000_000)
    before = logger.level, logger.handlers, logger.propagate
    logger.setLevel(logging.DEBUG)  # unlike an assignment it forgets which levels were found disabled
    logger.handlers, logger.propagate = [handler], False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecation of this API, tensors it copies
            yield handler.buffer
    finally:
        logger.setLevel(before[0])
        logger.handlers, logger.propagate = before[1:]
