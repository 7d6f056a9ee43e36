"""One CNN that is trained and measured by the compiled steps."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from minarch.data.tensors import Split
from minarch.models.build import build
from minarch.models.families import Spec
from minarch.models.network import Network
from minarch.training.fused.block import Images, Room, Values
from minarch.training.fused.plan import IMAGES, Plan
from minarch.training.fused.steps import go_through
from minarch.training.loop import Recipe


def images_of(split: Split) -> Images:
    """The split as the steps read it; nothing is copied."""
    pixels, labels = split.images.flatten(1).numpy(), split.labels.numpy()
    return Images(pixels, labels, split.mean.numpy(), split.std.reciprocal().numpy())


class FusedCNN:
    """The network `network`, of the structure `spec`; its parameters are copied."""

    def __init__(self, spec: Spec, network: nn.Module, recipe: Recipe) -> None:
        self.spec, self.recipe, self.plan, self.steps = spec, recipe, Plan(spec), 0
        plan, layers = self.plan, self.plan.layers
        self.names = list(network.state_dict())
        values = plan.packed([tensor.detach().numpy() for tensor in network.state_dict().values()])
        self.net = Values(values, *(np.zeros_like(values) for _ in range(3)))
        first, most = layers[0], int(layers["plane"].max())
        self.room = Room(
            maps=np.zeros(plan.floats, np.float32),
            places=np.zeros(plan.notes, np.uint32),
            filters=np.zeros(9 * int((layers["inputs"] * layers["outputs"]).max()), np.float32),
            mask=plan.mask(),
            nothing=np.zeros(int(layers["inputs"].max()) + 4, np.float32),
            largest=np.zeros(most + int(first["stride"]), np.float32),
            window=np.zeros(most + int(first["stride"]), np.int32),
            logits=np.zeros((IMAGES, plan.head[0]), np.float32),
        )

    def epoch(self, images: Images, order: Tensor, factor: float = 1.0) -> None:
        """One pass over the images in `order` int64 [N], at `factor` times the recipe's learning rate."""
        batch = self.recipe.batch_size
        self._go(images, order.numpy(), batch, True, self.recipe.learning_rate * factor)
        self.steps += -(-len(order) // batch)

    def measure(self, images: Images) -> tuple[float, float]:
        """Mean cross-entropy in nats (not finite if the network diverged), share of right answers."""
        count = len(images.labels)
        loss, right = self._go(images, np.arange(count), count, False, 0.0)
        return loss / count, right / count

    def network(self, values: np.ndarray[Any, Any] | None = None) -> Network:
        """The network as it is now, or with parameters that were copied from `net.values`."""
        network = build(self.spec)
        parts = self.plan.unpacked(self.net.values if values is None else values)
        state = network.state_dict()
        network.load_state_dict(
            {name: torch.from_numpy(part).view_as(state[name]) for name, part in zip(self.names, parts, strict=True)}
        )
        return network

    def _go(self, images: Images, order: Any, batch: int, learn: bool, rate: float) -> tuple[float, int]:
        net, layers, recipe = self.net, self.plan.layers, self.recipe
        adam = recipe.optimizer == "adam"
        result: tuple[float, int] = go_through(
            images, order, batch, net, layers, self.plan.classes, self.room,
            learn, adam, rate, recipe.weight_decay, self.steps,
        )  # fmt: skip
        return result
