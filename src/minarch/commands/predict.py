"""`minarch predict`: images, or a folder of classes, classified by an exported model."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from minarch.commands.classify import classify
from minarch.commands.exported import exported_file, exported_model, is_file
from minarch.commands.recognise import recognise, show


def predict(
    study: str, model: str, images: Sequence[str], repeat: int | None = None, precision: str | None = None
) -> None:
    """Print each image's class and probability, or of a folder of classes how many images of each are recognised: a
    table on a terminal, lines with tabs elsewhere.

    Args:
        model: an .xml or .onnx file, a folder of an item of stage quantize, or such an item's name in the study.
        images: image files, or one folder with a folder per class.
        repeat, precision: which of an item's models; None: the first repeat, what the item quantizes to.

    Raises:
        UserError: no such model or file of it, or an image that it does not take.
    """
    exported = None if is_file(model) else exported_model(study, model, repeat, precision)
    path = exported.model.path if exported else exported_file(model, repeat, precision)
    if len(images) == 1 and Path(images[0]).is_dir():
        show(recognise(path, Path(images[0])), exported.accuracies if exported else [])
        return
    predictions = classify(path, images)
    if not sys.stdout.isatty():
        for prediction in predictions:
            print(prediction.image, prediction.label, f"{prediction.probability:.6f}", sep="\t")
        return
    table = Table()
    for name in ("image", "class"):
        table.add_column(name, overflow="fold")
    table.add_column("probability", justify="right")
    for prediction in predictions:
        table.add_row(Text(prediction.image), Text(prediction.label), f"{100 * prediction.probability:.1f} %")
    Console().print(table)
