"""Pixels of a size and a number of channels, made alike of image files and of published images."""

import numpy as np
from PIL import Image


def as_pixels(image: Image.Image, channels: int, height: int, width: int) -> np.ndarray:
    """A grey (L) or colour (RGB) image as uint8 [channels, height, width]: resized bilinearly, then made grey by the
    luminance of ITU-R 601 or colour.
    """
    resized = image.resize((width, height), Image.Resampling.BILINEAR).convert("L" if channels == 1 else "RGB")
    return np.ascontiguousarray(np.asarray(resized).reshape(height, width, channels).transpose(2, 0, 1))
