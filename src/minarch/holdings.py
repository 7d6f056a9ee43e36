"""The models that the folder of an item of stage quantize holds: those whose files are there, whatever was exported."""

import re
from dataclasses import dataclass
from pathlib import Path

from minarch.quantization import FLOAT32

IR, WEIGHTS, ONNX = ".xml", ".bin", ".onnx"
NAME = re.compile(r"(?P<precision>[a-z]+\d+)-(?P<repeat>\d+)\.(?:xml|onnx)")


@dataclass(frozen=True)
class Holding:
    """A model of one repeat at one precision: ONNX, or OpenVINO IR of what has no counterpart there."""

    path: Path  # what OpenVINO reads
    precision: str
    repeat: int

    @property
    def files(self) -> list[Path]:
        """The files that belong together: IR has its weights beside it."""
        return [self.path, self.path.with_suffix(WEIGHTS)] if self.path.suffix == IR else [self.path]


def holdings(folder: Path) -> list[Holding]:
    """The models in a folder, which may lack: by repeat, FLOAT32 before fewer bits."""
    matches = {path: NAME.fullmatch(path.name) for path in folder.glob("*-*.*")}
    held = [Holding(path, match["precision"], int(match["repeat"])) for path, match in matches.items() if match]
    return sorted(held, key=lambda model: (model.repeat, model.precision != FLOAT32, model.precision))
