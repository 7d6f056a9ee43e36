"""What an exported file says of its images, stored inside it: whoever has the file can use it.

Pixels are normalised by the graph itself; what is left to a caller is an image of this shape, as uint8.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import onnx
from pydantic import TypeAdapter

from minarch.errors import UserError, one_line
from minarch.quantization.measure import core

KEY = "minarch"  # rt_info of OpenVINO IR, metadata_props of ONNX
FORMATS = (".xml", ".onnx")


@dataclass(frozen=True)
class Preprocessing:
    """The data set, the shape [C, H, W] of its images, the names of its K classes in the order of the logits, and
    whether images of any size are resized to that shape, and made grey or colour, as the study itself did with those of
    a folder or of a variant.
    """

    dataset: str
    shape: list[int]
    classes: list[str]
    resize: bool

    def text(self) -> str:
        return json.dumps(asdict(self))


def read_preprocessing(path: Path) -> Preprocessing:
    """What stage quantize wrote into an .xml (OpenVINO IR) or .onnx file.

    Raises:
        UserError: the file is not there, of another format, not exported by minarch, or was changed since.
    """
    allowed = "allowed: an .xml (its .bin beside it) or .onnx file that minarch exported"
    needed = (path, path.with_suffix(".bin")) if path.suffix == ".xml" else (path,)
    if path.suffix not in FORMATS or not all(file.is_file() for file in needed):  # of a FIFO, reading would not end
        raise UserError(f"{path}: no such file or no such format; {allowed}")
    try:
        if path.suffix == ".xml":
            text = core().read_model(path).get_rt_info([KEY]).astype(str)
        else:
            text = {entry.key: entry.value for entry in onnx.load(path, load_external_data=False).metadata_props}[KEY]
        given = TypeAdapter(Preprocessing).validate_json(text, strict=True)
        if not all(name.isprintable() for name in [given.dataset, *given.classes]):
            raise ValueError("a name that cannot be printed")
        return given
    except Exception as error:  # each format's reader has errors of its own
        reason = one_line(error) or type(error).__name__
        raise UserError(f"{path}: cannot be read ({reason}); {allowed}") from None
