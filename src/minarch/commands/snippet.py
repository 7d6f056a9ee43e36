"""Classify images with the model beside this file: python predict.py IMAGE ...

It needs OpenVINO, NumPy and Pillow (pip install openvino numpy pillow) and prints an image, its class and the class's
probability per line.
"""

import json
import sys
from pathlib import Path

import numpy as np
import openvino as ov
from PIL import Image, ImageOps

HERE = Path(__file__).parent
AS_MEASURED = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}  # no rounding of its own


def pixels(path: str, shape: list[int], resize: bool) -> np.ndarray:
    """An image as uint8 [1, C, H, W]: the model normalises the pixels itself."""
    channels, height, width = shape
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
    if image.mode.startswith("I"):  # of 16 bits the upper 8 count
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = image.convert("RGB")
    if resize:
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    elif image.size != (width, height):
        sys.exit(f"{path}: {image.width} x {image.height} pixels; allowed: {width} x {height}")
    image = image.convert("L" if channels == 1 else "RGB")
    return np.asarray(image).reshape(1, height, width, channels).transpose(0, 3, 1, 2)


def main() -> None:
    """Classify the images that the command line names."""
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    given = json.loads((HERE / "classes.json").read_text())
    model = next(path for path in (HERE / "model.onnx", HERE / "model.xml") if path.is_file())
    run = ov.Core().compile_model(model, "CPU", AS_MEASURED)
    for path in sys.argv[1:]:
        logits = run(pixels(path, given["shape"], given["resize"]))[0][0].astype(float)
        odds = np.exp(logits - logits.max())
        print(path, given["classes"][logits.argmax()], f"{odds.max() / odds.sum():.6f}", sep="\t")


if __name__ == "__main__":
    main()
