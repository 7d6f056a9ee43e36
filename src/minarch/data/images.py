"""Image files as pixels, read alike by stage data and by `predict`.

What a file leaves open (transparent pixels, several images, numbers of an unknown range) is refused, never guessed.
"""

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from minarch.data.pixels import as_pixels
from minarch.errors import UserError, one_line

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # Pillow would also start programs: Ghostscript for EPS
GREY16 = "I;16"
OPAQUE = {"1": "L", "L": "L", "LA": "L", "P": "P", "PA": "RGB", "RGB": "RGB", "RGBA": "RGB"}  # modes of 8 bits
BITS, INK, SAMPLES = 258, 262, 339  # tags of TIFF
SIGNED, WHITE_IS_ZERO = 2, 0


def open_image(path: Path, field: str) -> Image.Image:
    """A file's one image, upright, in Pillow's mode L, P, RGB or I;16 (16-bit grey).

    Args:
        field: where the user named the file; messages begin with it.

    Raises:
        UserError: it is no whole image file, holds several images, or its pixels are transparent or of another kind.
    """
    if not os.path.exists(path):
        raise UserError(f"{field}: {str(path)!r} is not there; allowed: image files")
    if not os.path.isfile(path):  # opening a FIFO would wait for a writer
        raise UserError(f"{field}: {str(path)!r} is no regular file; allowed: image files")
    try:
        with warnings.catch_warnings(action="error"), path.open("rb") as raw, Image.open(raw, formats=FORMATS) as file:
            unclear = _unclear(file)
            if not unclear:
                image = ImageOps.exif_transpose(file)
                unclear = _transparent(image)
    except Exception as error:  # each format's reader has errors of its own
        unknown = isinstance(error, UnidentifiedImageError)
        reason = "of no known format" if unknown else one_line(error) or type(error).__name__
        allowed = f"allowed: whole image files ({', '.join(FORMATS)})"
        raise UserError(f"{field}: {str(path)!r} cannot be read ({reason}); {allowed}") from None
    if unclear:
        allowed = "one opaque image, grey or RGB, of 8 or 16 unsigned bits"
        raise UserError(f"{field}: {str(path)!r} {unclear}; allowed: {allowed}")
    image.info.pop("transparency", None)
    if image.mode in OPAQUE:
        return image.convert(OPAQUE[image.mode])
    return Image.fromarray(np.asarray(image).astype(np.uint16))  # of either byte order


def is_grey(path: Path) -> bool:
    """Whether the head of a file says that `open_image` makes it grey; what cannot be opened is not."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as file:
            return OPAQUE.get(file.mode) == "L" or _has_grey16(file)
    except Exception:  # each format's reader has errors of its own
        return False


def resized(image: Image.Image, channels: int, height: int, width: int) -> np.ndarray:
    """An image of `open_image` as uint8 [channels, height, width].

    Of 16 bits the upper 8 count, which is what Pillow itself reads of 16-bit colour.
    """
    if image.mode == GREY16:
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return as_pixels(image.convert("RGB"), channels, height, width)


def _unclear(file: Image.Image) -> str | None:
    """The reason why an opened file is not one image of plain numbers, None if it is one."""
    frames = getattr(file, "n_frames", 1)
    if frames > 1 and file.format != "MPO":  # a photo with its previews: the first one is the photo
        return f"holds {frames} images"
    grey16 = _has_grey16(file)
    if file.mode not in OPAQUE and not grey16:
        return f"has pixels of mode {file.mode}"
    tags = getattr(file, "tag_v2", {})  # a TIFF's; Pillow reads these three as if they were unsigned 16 bits
    if SIGNED in tags.get(SAMPLES, ()):
        return "has signed pixels"
    if grey16 and tags.get(BITS, (16,)) != (16,):
        return f"has pixels of {tags[BITS][0]} bits"
    if grey16 and tags.get(INK) == WHITE_IS_ZERO:
        return "has 16-bit pixels of which 0 is white"
    return None


def _has_grey16(file: Image.Image) -> bool:
    return file.mode.startswith(GREY16) or (file.format, file.mode) == ("PPM", "I")


def _transparent(image: Image.Image) -> str | None:
    if not image.has_transparency_data:
        return None
    if image.mode in ("1", "L", "RGB") or image.mode.startswith(GREY16):
        return "declares one of its colours transparent"  # in the file's own bits, which Pillow does not keep
    opaque = (np.asarray(image.convert("RGBA"))[..., 3] == 255).all()
    return None if opaque else "is partly transparent"
