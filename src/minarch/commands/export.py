"""`minarch export ITEM DEST`: a model to take away, with its classes and a program that uses it without minarch, or as
one C file without any runtime.
"""

import shutil
from pathlib import Path

import onnx

from minarch.c99.source import NoSource, as_c
from minarch.commands.exported import Exported, exported_model
from minarch.errors import UserError
from minarch.files import write_json
from minarch.holdings import ONNX
from minarch.quantization.preprocessing import Preprocessing, read_preprocessing

PROGRAM, CLASSES, SOURCE = "predict.py", "classes.json", "model.c"
SNIPPET = Path(__file__).with_name("snippet.py")
FILES, C = FORMATS = ("onnx", "c")


def export(
    study: str,
    item: str,
    destination: str,
    repeat: int | None = None,
    precision: str | None = None,
    format: str = FILES,
) -> None:
    """Write model.onnx (of 4 bits model.xml with model.bin) and predict.py, or model.c; and classes.json.

    Args:
        item: the name or folder of an item of stage quantize.
        destination: a folder that is not there or empty.
        repeat, precision: which of the item's models; None: the first repeat, what the item quantizes to.
        format: one of FORMATS.

    Raises:
        UserError: no such model, it has no counterpart in C, or files are in the way.
    """
    exported, folder = exported_model(study, item, repeat, precision), Path(destination)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"DEST: {destination!r} is no empty folder; allowed: a new or empty folder")
    given = read_preprocessing(exported.model.path)
    source = _source(exported, given) if format == C else None
    folder.mkdir(parents=True, exist_ok=True)
    described = {"item": exported.item.name, "precision": exported.model.precision, "dataset": given.dataset}
    write_json(folder / CLASSES, described | {"classes": given.classes, "shape": given.shape, "resize": given.resize})
    if source is not None:
        (folder / SOURCE).write_text(source)
        use = f"cc -std=c99 -O2 -c {folder / SOURCE}"
    else:
        for file in exported.model.files:
            shutil.copyfile(file, folder / f"model{file.suffix}")
        shutil.copyfile(SNIPPET, folder / PROGRAM)
        use = f"python {folder / PROGRAM} IMAGE ..."
    print(f"{folder}: {', '.join(sorted(file.name for file in folder.iterdir()))}; {use}")


def _source(exported: Exported, given: Preprocessing) -> str:
    """The model's C.

    Raises:
        UserError: there is none.
    """
    model = exported.model
    refused = f"--format: {C!r} is not possible for {model.precision} of {exported.item.name}"
    if model.path.suffix != ONNX:
        raise UserError(f"{refused}, which has no ONNX file; allowed: {FILES}, or fp32 or int8 as --precision")
    try:
        return as_c(onnx.load(model.path), given, f"{exported.item.name}, {model.precision}")
    except NoSource as error:
        raise UserError(f"{refused} ({error}); allowed: {FILES}") from None
