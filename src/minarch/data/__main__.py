"""Stage `data`: one item per data set, its splits as tensors and a record of counts, shapes, normalisation and
digest.
"""

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from minarch.data.catalogue import FOLDER
from minarch.data.overlap import overlap, refuse
from minarch.data.record import Record
from minarch.data.sources import Array, Images, read
from minarch.data.split import cut, limit
from minarch.data.tensors import save_split
from minarch.data.variants import mislabelled, of_classes, redrawn
from minarch.files import write_json
from minarch.flow.job import run_stage

BLOCK = 256  # images


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write train, validation and test.safetensors and record.json into `out`."""
    seed, variant = config["seed"], config.get("variant")
    dataset = variant["of"] if variant else config["dataset"]
    train, test = read(dataset, config["root"], config["image_size"])
    if variant:
        train, test = _varied(train, variant), test and _varied(test, variant)
    if test is None:
        train, test = cut(train, config["test"], seed, "test")
    train, validation = cut(limit(train, config["limit"], seed), config["validation"], seed, "validation")
    splits = {"train": train, "validation": validation, "test": test}
    equal = overlap(splits)
    of_folder = dataset.startswith(FOLDER)
    if of_folder:
        refuse(splits, equal, config["dataset"])
    counts = {name: len(pairs) for name, pairs in equal.items()}
    if any(counts.values()):
        said = ", ".join(f"{count} in {splits}" for splits, count in counts.items())
        print(f"{config['name']}: as published, images stand in two splits: {said}", file=sys.stderr)
    if variant and variant["label_noise"]:  # after the cuts, which are those by the published labels
        for i, name in enumerate(("train", "validation")):
            splits[name] = mislabelled(splits[name], variant["label_noise"], [seed, i])
    total = hashlib.sha256()
    for name, split in splits.items():
        save_split(out / f"{name}.safetensors", torch.from_numpy(split.images), torch.from_numpy(split.labels))
        total.update(split.images.tobytes() + split.labels.tobytes())
    mean, std = normalisation(train.images)
    record: Record = {
        "dataset": config["name"],
        "shape": list(train.images.shape[1:]),
        "classes": len(train.classes),
        "class_names": train.classes,
        "resized": of_folder or bool(variant and (variant["size"] or variant["grey"])),
        "counts": {name: len(split.labels) for name, split in splits.items()},
        "class_counts": {n: np.bincount(s.labels, minlength=len(s.classes)).tolist() for n, s in splits.items()},
        "mean": mean.tolist(),
        "std": np.where(std > 0, std, 1.0).tolist(),  # a constant channel carries nothing and must not divide by 0
        "digest": total.hexdigest(),
        "overlap": counts,
    }
    write_json(out / "record.json", record)


def _varied(source: Images, variant: dict[str, Any]) -> Images:
    if variant["classes"]:
        source = of_classes(source, variant["classes"], variant["name"])
    return redrawn(source, variant["size"], grey=variant["grey"])


def normalisation(images: Array) -> tuple[Array, Array]:
    """Mean and standard deviation [C] of the pixels of images uint8 [N, C, H, W].

    They are computed from how often each value occurs: as floats the images would take eight times their memory.
    """
    values, counts = np.arange(256), np.zeros((images.shape[1], 256), np.int64)
    for first in range(0, len(images), BLOCK):
        for channel, pixels in enumerate(images[first : first + BLOCK].swapaxes(0, 1)):
            counts[channel] += np.bincount(pixels.ravel(), minlength=256)
    total = counts.sum(axis=1)
    mean = counts @ values / total
    return mean, np.sqrt((counts * (values - mean[:, None]) ** 2).sum(axis=1) / total)


if __name__ == "__main__":
    run_stage("data", work)
