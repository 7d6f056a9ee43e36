"""`minarch export ITEM DEST`: a model to take away, with its classes and a program that uses it without minarch."""

import shutil
from pathlib import Path

from minarch.commands.exported import exported_model
from minarch.errors import UserError
from minarch.files import write_json
from minarch.quantization.preprocessing import read_preprocessing

PROGRAM, CLASSES = "predict.py", "classes.json"
SNIPPET = Path(__file__).with_name("snippet.py")


def export(study: str, item: str, destination: str, repeat: int | None = None, precision: str | None = None) -> None:
    """Write model.onnx (of 4 bits model.xml with model.bin), classes.json and predict.py.

    Args:
        item: the name or folder of an item of stage quantize.
        destination: a folder that is not there or empty.
        repeat, precision: which of the item's models; None: the first repeat, what the item quantizes to.

    Raises:
        UserError: no such model, or files are in the way.
    """
    exported, folder = exported_model(study, item, repeat, precision), Path(destination)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"DEST: {destination!r} is no empty folder; allowed: a new or empty folder")
    given = read_preprocessing(exported.model.path)
    folder.mkdir(parents=True, exist_ok=True)
    for file in exported.model.files:
        shutil.copyfile(file, folder / f"model{file.suffix}")
    described = {"item": exported.item.name, "precision": exported.model.precision, "dataset": given.dataset}
    write_json(folder / CLASSES, described | {"classes": given.classes, "shape": given.shape, "resize": given.resize})
    shutil.copyfile(SNIPPET, folder / PROGRAM)
    print(f"{folder}: {', '.join(sorted(file.name for file in folder.iterdir()))}; python {folder / PROGRAM} IMAGE ...")
