"""One network that is trained and measured by compiled steps."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from minarch.data.tensors import Split
from minarch.models.build import build
from minarch.models.families import Spec
from minarch.models.network import Network
from minarch.training.fused.block import Images, Room, Values
from minarch.training.fused.lanes import LANES
from minarch.training.fused.layers import Layers
from minarch.training.fused.perceptron import Activations, go_through_perceptron
from minarch.training.fused.plan import IMAGES, ROWS, Plan
from minarch.training.fused.program import Program
from minarch.training.fused.steps import go_through
from minarch.training.fused.transformer import Tokens, go_through_transformer
from minarch.training.loop import Recipe

LINE = 16  # float32 of a line of the cache


def images_of(split: Split) -> Images:
    """The split as the steps read it; nothing is copied."""
    pixels, labels = split.images.flatten(1).numpy(), split.labels.numpy()
    return Images(pixels, labels, split.mean.numpy(), split.std.reciprocal().numpy())


def _zeros(count: int) -> NDArray[np.float32]:
    """Float32 that begin where a line of the cache does: vectors that cross lines take twice as long to load."""
    spare = np.zeros(count + LINE, np.float32)
    start = -spare.ctypes.data // spare.itemsize % LINE
    return spare[start : start + count]


def _room(plan: Plan) -> Room:
    layers = plan.layers
    longest = int(layers["plane"].max() + layers["stride"].max())
    return Room(
        maps=_zeros(plan.floats),
        places=np.zeros(plan.notes, np.uint32),
        filters=np.zeros(9 * int((layers["inputs"] * layers["outputs"]).max()), np.float32),
        mask=plan.mask(),
        nothing=np.zeros(int(layers["inputs"].max()) + 4, np.float32),
        largest=np.zeros(longest, np.float32),
        window=np.zeros(longest, np.int32),
        logits=np.zeros((IMAGES, plan.head[0]), np.float32),
    )


def _activations(plan: Layers) -> Activations:
    logits = np.zeros((ROWS, plan.classes), np.float32)
    return Activations(_zeros(ROWS * plan.rows[0]["inputs"]), _zeros(plan.made), _zeros(plan.made), logits)


def _tokens(plan: Program) -> Tokens:
    return Tokens(
        *(plan.pixels, plan.places, plan.tokens, plan.width, plan.start, plan.class_token, plan.positions),
        made=_zeros(plan.made * LANES),
        slopes=_zeros(plan.slopes * LANES),
        taken_in=_zeros(plan.values),
        nothing=np.zeros(0, np.float32),
        logits=np.zeros((LANES, plan.classes), np.float32),
        rows=np.zeros(LANES, np.int64),
    )


class Fused:
    """The network `network`, of the structure `spec`; its parameters are copied."""

    def __init__(self, spec: Spec, network: nn.Module, recipe: Recipe) -> None:
        self.spec, self.recipe, self.steps = spec, recipe, 0
        self.plan: Plan | Layers | Program
        self._pass: Callable[..., tuple[float, int]]
        self._where: tuple[Any, ...]
        state = network.state_dict()
        if spec["family"] == "cnn":
            self.plan = maps = Plan(spec)
            self._pass, self._where = go_through, (maps.layers, maps.classes, _room(maps))
        elif spec["family"] == "dnn":
            self.plan = layers = Layers(spec)
            self._pass, self._where = go_through_perceptron, (layers.rows, layers.classes, _activations(layers))
        else:
            self.plan = program = Program(spec, {name: tensor.numel() for name, tensor in state.items()})
            self._pass, self._where = go_through_transformer, (program.rows, program.classes, _tokens(program))
        self.names = list(state)
        values = self.plan.packed([tensor.detach().numpy() for tensor in state.values()])
        self.net = Values(*(_zeros(len(values)) for _ in range(4)))
        self.net.values[:] = values

    def epoch(self, images: Images, order: Tensor, number: int = 1, factor: float = 1.0) -> None:
        """One pass over the images in `order` int64 [N], at `factor` times the recipe's learning rates of the epoch of
        this number.
        """
        batch = self.recipe.batch_size
        steps = -(-len(order) // batch)
        self._go(images, order.numpy(), batch, True, np.array(self.recipe.rates(number, steps)) * factor)
        self.steps += steps

    def measure(self, images: Images) -> tuple[float, float]:
        """Mean cross-entropy in nats (not finite if the network diverged), share of right answers."""
        count = len(images.labels)
        loss, right = self._go(images, np.arange(count), count, False, np.zeros(0))
        return loss / count, right / count

    def network(self, values: NDArray[np.float32] | None = None) -> Network:
        """The network as it is now, or with parameters that were copied from `net.values`."""
        network = build(self.spec)
        parts = self.plan.unpacked(self.net.values if values is None else values)
        state = network.state_dict()
        network.load_state_dict(
            {name: torch.from_numpy(part).view_as(state[name]) for name, part in zip(self.names, parts, strict=True)}
        )
        return network

    def _go(
        self, images: Images, order: NDArray[np.int64], batch: int, learn: bool, rates: NDArray[np.float64]
    ) -> tuple[float, int]:
        adam, decay = self.recipe.optimizer == "adam", float(self.recipe.weight_decay)
        smoothing, (layers, classes, room) = float(self.recipe.label_smoothing), self._where
        return self._pass(
            images, order, batch, self.net, layers, classes, room, learn, adam, rates, decay, smoothing, self.steps
        )
