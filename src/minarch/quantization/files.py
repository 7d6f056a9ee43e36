"""The exported files of one repeat: written, and measured as whoever gets them would run them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from minarch.data.tensors import Split
from minarch.quantization import FLOAT32, INT8, Target
from minarch.quantization.arithmetic import in_float
from minarch.quantization.export import Deployed, save
from minarch.quantization.measure import accuracy, agreement, runner
from minarch.quantization.onnx import write_onnx
from minarch.quantization.parity import parity, processor_parity, torch_logits
from minarch.quantization.preprocessing import Preprocessing
from minarch.quiet import openvino as ov


@dataclass(frozen=True)
class Measured:
    """What the files of a repeat compute.

    On the validation images: accuracies by precision, and the share of them of which the two predict the same class. On
    the test images: accuracies and parities, and the classes int64 [N_test] that the IR predicts, by precision.
    """

    validation: dict[str, float]
    agreement: float
    test: dict[str, Any]
    classes: dict[str, Tensor]


@dataclass(frozen=True)
class Exported:
    """The files `<precision>-<repeat>.xml`, .bin and .onnx in a folder.

    `networks`: precision -> the torch network that the files hold; None: OpenVINO quantized it, so that torch does not
    know it. There is no .onnx of what has no counterpart there, such as weights at 4 bits.
    """

    folder: Path
    repeat: int
    networks: dict[str, Deployed | None]

    def path(self, precision: str, suffix: str) -> Path:
        return self.folder / f"{precision}-{self.repeat}{suffix}"

    def write(
        self, models: dict[str, ov.Model], preprocessing: Preprocessing, name: str
    ) -> dict[str, dict[str, str | None]]:
        """Write all files, and say by precision why there is no .onnx.

        Args:
            models: those of `networks`.
            name: the architecture's.
        """
        refused = {}
        for precision, network in self.networks.items():
            save(models[precision], self.path(precision, ".xml"), preprocessing)
            path = self.path(precision, ".onnx")
            refused[precision] = write_onnx(models[precision], network, path, preprocessing, name)
        return {"no_onnx": refused}

    def sizes(self) -> dict[str, dict[str, int | None]]:
        """Bytes of the IR, of the ONNX file (None: there is none), and of the IR's weights alone, each by precision."""
        graph, weights, onnx = (
            {precision: self._bytes(precision, suffix) for precision in self.networks}
            for suffix in (".xml", ".bin", ".onnx")
        )
        return {
            "ir_bytes": {precision: graph[precision] + weights[precision] for precision in graph},
            "onnx_bytes": {precision: size or None for precision, size in onnx.items()},
            "weight_bytes": {**weights},
        }

    def measure(self, splits: dict[str, Split], target: Target) -> Measured:
        """Run the files on the validation and the test images.

        Of the test images there is, beside the accuracies, the parity of every file that torch knows the answer to,
        and that of this processor with every INT8 file, which is for `target`.
        """
        validation, test = splits["validation"], splits["test"]
        run = {precision: runner(self.path(precision, ".xml")) for precision in self.networks}
        validated = {precision: logits(validation.images) for precision, logits in run.items()}
        tested = {precision: logits(test.images) for precision, logits in run.items()}
        classes = {precision: logits.argmax(1) for precision, logits in validated.items()}
        floating, quantized = classes.values()
        accuracies = {precision: accuracy(logits, validation.labels) for precision, logits in validated.items()}
        on_test: dict[str, Any] = {precision: accuracy(logits, test.labels) for precision, logits in tested.items()}
        on_test |= self._parities(tested, test.images, target)
        predicted = {precision: logits.argmax(1) for precision, logits in tested.items()}
        return Measured(accuracies, agreement(floating, quantized), on_test, predicted)

    def _parities(self, tested: dict[str, Tensor], images: Tensor, target: Target) -> dict[str, Any]:
        """The parities of all files; `tested` are the logits of the IR by precision on `images`.

        What OpenVINO quantized has no network in torch: there the .onnx is compared with the IR.
        """
        parities: dict[str, Any] = {}
        processor_parities: dict[str, Any] = {}
        for precision, network in self.networks.items():
            expected = None if network is None else torch_logits(network, images)
            for suffix in (".xml", ".onnx"):
                file, path = f"{precision}{suffix}", self.path(precision, suffix)
                if not path.exists():
                    continue
                as_run = tested[precision] if suffix == ".xml" else runner(path)(images)
                logits = runner(in_float(path))(images) if precision == INT8 else as_run
                if expected is not None:
                    parities[file] = parity(file, logits, expected, quantized=precision != FLOAT32)
                else:
                    expected = logits
                if precision == INT8:
                    processor_parities[file] = processor_parity(file, as_run, logits, tested[FLOAT32], target)
        return {"parity": parities, "processor_parity": processor_parities}

    def _bytes(self, precision: str, suffix: str) -> int:
        path = self.path(precision, suffix)
        return path.stat().st_size if path.exists() else 0
