"""What a sweep is measured against: training loops that a user would write, and images to train on."""

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from minarch.data.tensors import Split, load_split, save_split
from minarch.files import write_json
from minarch.models.build import build
from minarch.models.families import Spec
from minarch.training.repeats import TRAIN_MEASURED

RATE = 1e-3
COUNTS = {  # images by shape: those of MNIST, CIFAR-10 and scikit-learn's digits
    (1, 28, 28): {"train": 48_000, "validation": 12_000, "test": 10_000},
    (3, 32, 32): {"train": 40_000, "validation": 10_000, "test": 10_000},
    (1, 8, 8): {"train": 1_150, "validation": 287, "test": 360},
}
MEASURED_AT_ONCE = 1_000


def draw(folder: Path, shape: tuple[int, int, int]) -> Path:
    """Make `folder`: an item of stage data with drawn images of ten classes. What they show does not change times."""
    folder.mkdir()
    generator = torch.Generator().manual_seed(0)
    means = torch.randint(0, 128, (10, *shape), generator=generator)
    splits = {}
    for name, count in COUNTS[shape].items():
        labels = torch.randint(10, (count,), generator=generator)
        noise = torch.randint(0, 128, (count, *shape), dtype=torch.uint8, generator=generator)
        splits[name] = noise + means[labels].to(torch.uint8), labels
        save_split(folder / f"{name}.safetensors", *splits[name])
    pixels = splits["train"][0].float()
    statistics = {"mean": pixels.mean((0, 2, 3)).tolist(), "std": pixels.std((0, 2, 3)).tolist()}
    write_json(folder / "record.json", {"dataset": "drawn", "shape": list(shape), "classes": 10, **statistics})
    return folder


def better(spec: Spec, data: Path, out: Path, repeats: list[int], epochs: int, batch_size: int) -> None:
    """A good plain loop: normalised images in memory, gathered by index; no gradients kept; fused Adam; after every
    epoch loss and accuracy of at most 10,000 training images and of all validation images, a thousand at once.
    """
    splits = {name: load_split(data, name) for name in ("train", "validation", "test")}
    train, validation, test = (_in_memory(splits[name]) for name in ("train", "validation", "test"))
    measured = _in_memory(splits["train"].thinned(TRAIN_MEASURED)), validation
    out.mkdir(parents=True)
    for repeat in repeats:
        torch.manual_seed(repeat)
        model = build(spec)
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
        rows = []
        for _ in range(epochs):
            model.train()
            for index in torch.randperm(len(train[1])).split(batch_size):
                optimizer.zero_grad(set_to_none=True)
                functional.cross_entropy(model(train[0][index]), train[1][index]).backward()
                optimizer.step()
            rows.append([_measure(model, *split) for split in measured])
        torch.save(model.state_dict(), out / f"{repeat}.pt")
        write_json(out / f"{repeat}.json", {"rows": rows, "test": _measure(model, *test)})


def _in_memory(split: Split) -> tuple[Tensor, Tensor]:
    return split.batch(slice(None)), split.labels


@torch.no_grad()
def _measure(model: torch.nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    model.eval()
    loss = right = 0.0
    for part, of_part in zip(images.split(MEASURED_AT_ONCE), labels.split(MEASURED_AT_ONCE), strict=True):
        logits = model(part)
        loss += functional.cross_entropy(logits, of_part, reduction="sum").item()
        right += (logits.argmax(1) == of_part).sum().item()
    return loss / len(labels), right / len(labels)


def naive(spec: Spec, data: Path, epochs: int, batch_size: int) -> float:
    """Seconds per epoch as a beginner would write it, in this process with torch's default threads: torchvision's
    transforms of PIL images, DataLoader, Adam, and only the validation images measured.
    """
    importlib.import_module("minarch.data.vision")  # imports torchvision, also beside a CPU build of torch
    transforms = importlib.import_module("torchvision.transforms")
    splits = [load_split(data, name) for name in ("train", "validation")]
    normalise = transforms.Normalize((splits[0].mean / 255).tolist(), (splits[0].std / 255).tolist())
    convert = transforms.Compose([transforms.ToTensor(), normalise])
    sets = [_Transformed(split, convert) for split in splits]
    loaders = [torch.utils.data.DataLoader(s, batch_size, shuffle=i == 0) for i, s in enumerate(sets)]
    model = build(spec)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    began = time.perf_counter()
    for _ in range(epochs):
        model.train()
        train_loss = train_right = loss = right = 0.0
        for batch, labels in loaders[0]:
            optimizer.zero_grad()
            logits = model(batch)
            of_batch = functional.cross_entropy(logits, labels)
            of_batch.backward()
            optimizer.step()
            train_loss += of_batch.item() * len(labels)
            train_right += (logits.argmax(1) == labels).sum().item()
        model.eval()
        with torch.no_grad():
            for batch, labels in loaders[1]:
                logits = model(batch)
                loss += functional.cross_entropy(logits, labels, reduction="sum").item()
                right += (logits.argmax(1) == labels).sum().item()
    return (time.perf_counter() - began) / epochs


class _Transformed(torch.utils.data.Dataset[Any]):
    """A split whose images become PIL's and are transformed when one is asked for, as in torchvision's data sets."""

    def __init__(self, split: Split, convert: Callable[[Any], Any]) -> None:
        self.images, self.labels, self.convert = split.images.permute(0, 2, 3, 1).numpy(), split.labels, convert

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Any:
        image = self.images[index]
        return self.convert(Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)), int(self.labels[index])
