"""Residual network, torchvision's names and order of parameters. Shapes: B images, [C, H, W] one image, K classes."""

from collections.abc import Iterable, Sequence

from torch import Tensor, nn
from torch.nn import functional

from minarch.models.families import Spec


class Block(nn.Module):
    """relu(shortcut + two 3x3 convolutions with norms); the shortcut is the input, or a 1x1 convolution of it where
    the places become fewer.
    """

    def __init__(self, before: int, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, inner, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, outer, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.downsample: nn.Module | None = None
        if stride > 1:
            shortcut = nn.Conv2d(before, outer, kernel_size=1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outer))

    def forward(self, values: Tensor) -> Tensor:
        shortcut = values if self.downsample is None else self.downsample(values)
        changed: Tensor = self.bn2(self.conv2(self.bn1(self.conv1(values)).relu()))
        return (changed + shortcut).relu()


class ResNet(nn.Module):
    """Stem -> four stages of blocks, from the second on at half the resolution -> mean -> K logits.

    `outer` are the channels between the blocks of each stage, `inner` those inside each block. Initialised as
    torchvision's, whose state it takes with stem "imagenet", its channels and C = 3.
    """

    def __init__(
        self, shape: Sequence[int], classes: int, stem: str, outer: Sequence[int], inner: Sequence[Sequence[int]]
    ) -> None:
        super().__init__()
        self.shape, self.stem = tuple(shape), stem
        kernel, stride = (7, 2) if stem == "imagenet" else (3, 1)
        self.conv1 = nn.Conv2d(shape[0], outer[0], kernel, stride=stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(outer[0])
        self.layer1 = _stage(outer[0], inner[0], outer[0], stride=1)
        self.layer2 = _stage(outer[0], inner[1], outer[1], stride=2)
        self.layer3 = _stage(outer[1], inner[2], outer[2], stride=2)
        self.layer4 = _stage(outer[2], inner[3], outer[3], stride=2)
        self.fc = nn.Linear(outer[3], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images [B, C, H, W] -> logits [B, K]."""
        if self.training and len(images) == 1:  # one value has no variance: norms take their running statistics
            self.eval()
            alone: Tensor = self(images)
            self.train()
            return alone
        values = self.bn1(self.conv1(images)).relu()
        if self.stem == "imagenet":
            values = functional.max_pool2d(values, kernel_size=3, stride=2, padding=1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            values = stage(values)
        logits: Tensor = self.fc(values.mean((2, 3)))
        return logits

    def spec(self) -> Spec:
        """The structure as it is now, read off the weights."""
        stages = [
            [block for block in stage if isinstance(block, Block)]
            for stage in (self.layer1, self.layer2, self.layer3, self.layer4)
        ]
        return {
            "family": "resnet",
            "shape": list(self.shape),
            "classes": len(self.fc.weight),
            "stem": self.stem,
            "outer": [len(blocks[-1].conv2.weight) for blocks in stages],
            "inner": [[len(block.conv1.weight) for block in blocks] for blocks in stages],
        }


def _stage(before: int, inner: Iterable[int], outer: int, stride: int) -> nn.Sequential:
    blocks = []
    for channels in inner:
        blocks.append(Block(before, channels, outer, stride))
        before, stride = outer, 1
    return nn.Sequential(*blocks)
