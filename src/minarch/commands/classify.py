"""Images classified by an exported model, read as the study that trained it read its own.

What a model takes stands in its file. Images of the user's folders and of variants were resized and made grey or colour
by the study, so these are, too; of any other data set an image is taken only as it is, with the model's size and kind,
or refused.
Shapes: N images, C channels, H x W pixels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image

from minarch.data.images import GREY16, open_image, resized
from minarch.errors import UserError, one_line
from minarch.quantization.measure import core, runner
from minarch.quantization.preprocessing import Preprocessing, read_preprocessing

BATCH = 256
Result = TypeVar("Result")
GREY, COLOUR = "grey", "colour"


@dataclass(frozen=True)
class Prediction:
    """The likeliest class of an image and its softmax probability."""

    image: str
    label: str
    probability: float


def classify(path: Path, images: Sequence[str]) -> list[Prediction]:
    """The predictions of the exported model at `path` for image files.

    Raises:
        UserError: the file is not one of minarch's, or an image is none that it takes.
    """
    given = read_preprocessing(path)
    predictions = []
    run = _told(path, partial(_runner, path, given))
    for first in range(0, len(images), BATCH):
        names = images[first : first + BATCH]
        pixels = np.stack([read_image(Path(name), given) for name in names])  # [N, C, H, W]
        logits = _told(path, partial(run, torch.from_numpy(pixels)))
        probabilities = logits.double().softmax(1).amax(1)
        for name, k, probability in zip(names, logits.argmax(1).tolist(), probabilities.tolist(), strict=True):
            predictions.append(Prediction(name, given.classes[k], probability))
    return predictions


def _runner(path: Path, given: Preprocessing) -> Callable[[torch.Tensor], torch.Tensor]:
    """The model at `path` as a function; RuntimeError where its graph is not of the shapes that it says."""
    model = core().read_model(path)
    shapes = [list(port.partial_shape[1:].to_shape()) for port in (model.input(0), model.output(0))]
    if shapes != [given.shape, [len(given.classes)]]:
        raise RuntimeError(f"its graph takes and gives {shapes}, not what it says")
    return runner(model)


def _told(path: Path, work: Callable[[], Result]) -> Result:
    """The result of `work`, which OpenVINO does with the file at `path`; a UserError where it refuses the file."""
    try:
        return work()
    except RuntimeError as error:
        raise UserError(f"{path}: OpenVINO does not run it: {one_line(error)}; allowed: a whole file") from None


def read_image(path: Path, given: Preprocessing) -> np.ndarray:
    """An image file as uint8 [C, H, W], as the model takes it.

    Raises:
        UserError: it is no readable image, or not of the model's size and kind.
    """
    if not str(path).isprintable():
        raise UserError(f"IMAGE: {str(path)!r} is no name to print; allowed: printable characters in UTF-8")
    image = open_image(path, "IMAGE")
    channels, height, width = given.shape
    if given.resize:
        return resized(image, channels, height, width)
    wanted = GREY if channels == 1 else COLOUR
    kind = _kind(image, wanted)
    if kind != wanted or image.size != (width, height):
        allowed = f"{width} x {height} pixels, {wanted}, as in {given.dataset}"
        raise UserError(f"IMAGE: {str(path)!r} is {image.width} x {image.height} pixels, {kind}; allowed: {allowed}")
    pixels = np.asarray(image.convert("L" if wanted == GREY else "RGB"))
    return np.ascontiguousarray(pixels.reshape(height, width, channels).transpose(2, 0, 1))


def _kind(image: Image.Image, wanted: str) -> str:
    """GREY or COLOUR where that loses nothing, else what is in the way. A palette of greys is what is `wanted`."""
    if image.mode == GREY16:
        return "16-bit grey"
    if image.mode == "P":
        pixels = np.asarray(image.convert("RGB"))
        return wanted if (pixels == pixels[..., :1]).all() else COLOUR
    return GREY if image.mode == "L" else COLOUR
