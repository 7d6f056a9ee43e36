"""Residual network, torchvision's names and order of parameters. Shapes: B images, [C, H, W] one image, K classes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from minarch.models.families import Spec
from minarch.models.network import LayeredNetwork

Inner = int | Sequence[int]
KERNELS = ((), (3, 3), (1, 3, 1))  # edges of a branch's convolutions, by the number of its inner widths


class Block(nn.Module):
    """relu(branch + shortcut); the shortcut is the input or, where it is `projected`, a 1x1 convolution of it.

    The branch is two 3x3 convolutions with `inner` channels between them, or a bottleneck of 1x1, 3x3 and 1x1 with the
    two `inner` channels between them; `inner` 0 removes it, and without a projection the block passes on what it takes,
    which no relu changes again. Every convolution has a norm. The first 3x3 one and the projection have the stride.
    """

    def __init__(self, before: int, inner: Inner, outer: int, stride: int, projected: bool) -> None:
        super().__init__()
        widths = [inner] * (inner > 0) if isinstance(inner, int) else inner
        kernels, channels = KERNELS[len(widths)], [before, *widths, outer]
        self.depth = len(kernels)
        for position, kernel in enumerate(kernels):
            inputs, units = channels[position : position + 2]
            step = stride if position == kernels.index(3) else 1
            convolution = nn.Conv2d(inputs, units, kernel, stride=step, padding=kernel // 2, bias=False)
            self.add_module(f"conv{position + 1}", convolution)
            self.add_module(f"bn{position + 1}", nn.BatchNorm2d(units))
        self.downsample: nn.Module | None = None
        if projected:
            shortcut = nn.Conv2d(before, outer, kernel_size=1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outer))

    def forward(self, values: Tensor) -> Tensor:
        shortcut: Tensor = values if self.downsample is None else self.downsample(values)
        if not self.depth:
            return shortcut.relu()
        changed = self._normed(self.depth, values)  # exported files name tensors as variables here are called
        return (changed + shortcut).relu()

    def _normed(self, position: int, values: Tensor) -> Tensor:
        """The branch as far as the norm of its convolution at `position`, counted from 1."""
        convolution, norm = getattr(self, f"conv{position}"), getattr(self, f"bn{position}")
        normed: Tensor = norm(convolution(values if position == 1 else self._normed(position - 1, values).relu()))
        return normed

    @property
    def inner(self) -> int | list[int]:
        """The channels between the branch's convolutions, as a spec tells them."""
        widths = [len(self.get_parameter(f"conv{position}.weight")) for position in range(1, self.depth)]
        return widths if len(widths) > 1 else sum(widths)


class ResNet(LayeredNetwork):
    """Stem -> stages of blocks, from the second on at half the resolution -> mean -> K logits.

    `outer` are the channels between the blocks of each stage, `inner` those inside each block: a number, two for a
    bottleneck, 0 for a block without a branch. The stem has `width` channels, which the first block projects to its
    stage's; without `width` it has the first stage's itself. A stage without blocks is absent: it neither halves the
    resolution nor changes the channels, and its `outer` is told as that of what is before it. Initialised as
    torchvision's, whose state it takes with stem "imagenet", its channels and C = 3.
    """

    HEAD: ClassVar = ("fc",)

    def __init__(
        self,
        shape: Sequence[int],
        classes: int,
        stem: str,
        outer: Sequence[int],
        inner: Sequence[Sequence[Inner]],
        width: int | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.stem = tuple(shape), stem
        self.stages = [f"layer{position + 1}" for position in range(len(inner))]
        kernel, stride = (7, 2) if stem == "imagenet" else (3, 1)
        channels = width or outer[0]
        self.conv1 = nn.Conv2d(shape[0], channels, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        stride, projected = 1, width is not None
        for stage, after, entries in zip(self.stages, outer, inner, strict=True):
            self.add_module(stage, _stage(channels, entries, after, stride, projected))
            channels, stride, projected = after if entries else channels, 2, True
        self.fc = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def layers(self, images: Tensor) -> Iterator[Tensor]:
        if self.training and len(images) == 1:  # one value has no variance: norms take their running statistics
            self.eval()
            try:
                yield from self.layers(images)
            finally:
                self.train()
            return
        values = self.bn1(self.conv1(images)).relu()
        if self.stem == "imagenet":
            values = functional.max_pool2d(values, kernel_size=3, stride=2, padding=1)
        yield values
        for stage in self.stages:
            for block in self.get_submodule(stage).children():
                values = block(values)
                yield values

    def read(self, values: Tensor) -> Tensor:
        logits: Tensor = self.fc(values.mean((2, 3)))
        return logits

    def spec(self) -> Spec:
        """The structure as it is now, read off the weights."""
        stages = [
            [block for block in self.get_submodule(stage).children() if isinstance(block, Block)]
            for stage in self.stages
        ]
        stem = channels = len(self.conv1.weight)
        outer = []
        for blocks in stages:
            if blocks and blocks[0].downsample is not None:
                channels = len(blocks[0].downsample.get_parameter("0.weight"))
            outer.append(channels)
        spec: Spec = {
            "family": "resnet",
            "shape": list(self.shape),
            "classes": len(self.fc.weight),
            "stem": self.stem,
            "outer": outer,
            "inner": [[block.inner for block in blocks] for blocks in stages],
        }
        projected = bool(stages[0]) and stages[0][0].downsample is not None
        return spec | {"width": stem} if projected else spec


def _stage(before: int, inner: Iterable[Inner], outer: int, stride: int, projected: bool) -> nn.Sequential:
    blocks = []
    for entry in inner:
        blocks.append(Block(before, entry, outer, stride, projected))
        before, stride, projected = outer, 1, False
    return nn.Sequential(*blocks)
