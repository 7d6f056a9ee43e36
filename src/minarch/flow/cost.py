"""What a sweep item will cost, before it runs: what is started first, and how much of a run is done.

Seconds per image and repeat = a base of the network + 6 operations per multiply-accumulate (forward, and backward for
values and for weights) at its rate. Both were fitted to benchmarks/sweep.py (those of resnet to two widths) on one core
of a server CPU; only their proportions matter here, a run measures its own speed.
"""

from minarch.data.catalogue import CATALOGUE, slug
from minarch.flow.item import Item
from minarch.flow.sections import Study
from minarch.models.families import architecture

# By the spec's family: base in seconds, operations per second.
SPEED = {"dnn": (1.0e-6, 60e9), "cnn": (6e-6, 25e9), "vit": (30e-6, 40e9), "resnet": (800e-6, 70e9)}
OTHERS = SPEED["cnn"]
UNKNOWN = 1e-2  # seconds per image and repeat of a family that does not tell its cost: long, so it is started first
FOLDER_IMAGES = 10_000  # a folder's images are not counted beforehand


def seconds(item: Item, study: Study) -> float:
    """Estimated seconds of a sweep item on one core."""
    config = item.config
    dataset = next(name for name in study.data.datasets if slug(name) == config["dataset"])
    kind, shape = architecture(config["family"], config["knobs"]), study.shape(dataset)
    per_image = seconds_per_image(kind.spec(*shape)["family"], kind.macs(*shape))
    entry = CATALOGUE.get(dataset)
    images = min(entry.images if entry else FOLDER_IMAGES, study.data.limit or 10**9)
    return per_image * images * config["train"]["epochs"] * len(config["repeats"])


def seconds_per_image(network: str, macs: int | None) -> float:
    """Estimated seconds of one image in one epoch of one repeat, on one core; `network` is the family in the spec."""
    base, rate = SPEED.get(network, OTHERS)
    return UNKNOWN if macs is None else base + 6 * macs / rate
