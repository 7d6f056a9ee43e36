"""ResNet and ViT as they were when every network had four stages and whole blocks: what their specs must still give."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class ResidualBlock(nn.Module):
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


class FirstResNet(nn.Module):
    def __init__(
        self, shape: Sequence[int], classes: int, stem: str, outer: Sequence[int], inner: Sequence[Sequence[int]]
    ) -> None:
        super().__init__()
        self.stem = stem
        kernel, stride = (7, 2) if stem == "imagenet" else (3, 1)
        self.conv1 = nn.Conv2d(shape[0], outer[0], kernel, stride=stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(outer[0])
        self.layer1 = stage_of(outer[0], inner[0], outer[0], stride=1)
        self.layer2 = stage_of(outer[0], inner[1], outer[1], stride=2)
        self.layer3 = stage_of(outer[1], inner[2], outer[2], stride=2)
        self.layer4 = stage_of(outer[2], inner[3], outer[3], stride=2)
        self.fc = nn.Linear(outer[3], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        values = self.bn1(self.conv1(images)).relu()
        if self.stem == "imagenet":
            values = functional.max_pool2d(values, kernel_size=3, stride=2, padding=1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            values = stage(values)
        logits: Tensor = self.fc(values.mean((2, 3)))
        return logits


def stage_of(before: int, inner: Iterable[int], outer: int, stride: int) -> nn.Sequential:
    blocks = []
    for channels in inner:
        blocks.append(ResidualBlock(before, channels, outer, stride))
        before, stride = outer, 1
    return nn.Sequential(*blocks)


class TransformerBlock(nn.Module):
    def __init__(self, width: int, heads: int, head_size: int, ffn: int) -> None:
        super().__init__()
        self.head_size = head_size
        self.norm1 = nn.LayerNorm(width)
        self.query = nn.Linear(width, heads * head_size)
        self.key = nn.Linear(width, heads * head_size, bias=False)
        self.value = nn.Linear(width, heads * head_size)
        self.output = nn.Linear(heads * head_size, width)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, ffn)
        self.fc2 = nn.Linear(ffn, width)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        normed = self.norm1(tokens)
        query, key, value = (
            layer(normed).reshape(batch, count, -1, self.head_size).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        attention = torch.matmul(query, key.transpose(2, 3)) * self.head_size**-0.5
        mixed = torch.matmul(attention.softmax(dim=3), value).transpose(1, 2)
        tokens = tokens + self.output(mixed.reshape(batch, count, -1))
        folded = self.norm2(tokens).reshape(batch * count, width)
        change: Tensor = self.fc2(nn.functional.gelu(self.fc1(folded)))
        return tokens + change.reshape(batch, count, width)


class FirstViT(nn.Module):
    def __init__(
        self,
        shape: Sequence[int],
        classes: int,
        patch: int,
        width: int,
        head_size: int,
        heads: Sequence[int],
        ffn: Sequence[int],
    ) -> None:
        super().__init__()
        channels, height, image_width = shape
        self.embedding = nn.Conv2d(channels, width, kernel_size=patch, stride=patch)
        patches = (height // patch) * (image_width // patch)
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, patches + 1, width))
        nn.init.trunc_normal_(self.class_token, std=0.02)
        nn.init.trunc_normal_(self.positions, std=0.02)
        self.blocks = nn.ModuleList(
            TransformerBlock(width, count, head_size, units) for count, units in zip(heads, ffn, strict=True)
        )
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.embedding(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(images.shape[0], -1, -1), patches], dim=1) + self.positions
        for block in self.blocks:
            tokens = block(tokens)
        logits: Tensor = self.classifier(self.norm(tokens[:, 0]))
        return logits
