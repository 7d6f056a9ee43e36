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
from minarch.quantization.onnx import export_onnx
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
    know it and there is no .onnx (its INT8 has no ONNX form).
    """

    folder: Path
    repeat: int
    networks: dict[str, Deployed | None]

    def path(self, precision: str, suffix: str) -> Path:
        return self.folder / f"{precision}-{self.repeat}{suffix}"

    def write(self, models: dict[str, ov.Model], preprocessing: Preprocessing, name: str) -> None:
        """Write all files; `models` are those of `networks`, `name` is the architecture's."""
        for precision, network in self.networks.items():
            save(models[precision], self.path(precision, ".xml"), preprocessing)
            if network is not None:
                export_onnx(network, self.path(precision, ".onnx"), preprocessing, name)

    def sizes(self) -> dict[str, dict[str, int | None]]:
        """Bytes of the IR, of its weights alone, and of the ONNX file, each by precision."""
        graph, weights, onnx = (
            {precision: self.path(precision, suffix).stat().st_size for precision in precisions}
            for suffix, precisions in ((".xml", self.networks), (".bin", self.networks), (".onnx", self._in_torch))
        )
        return {
            "bytes": {precision: graph[precision] + weights[precision] for precision in graph},
            "weight_bytes": dict(weights),
            "onnx_bytes": {precision: onnx.get(precision) for precision in graph},
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
        """The parities of all files; `tested` are the logits of the IR by precision on `images`."""
        parities: dict[str, Any] = {}
        processor_parities: dict[str, Any] = {}
        for precision, network in self.networks.items():
            expected = None if network is None else torch_logits(network, images)
            for suffix in (".xml",) if network is None else (".xml", ".onnx"):
                file, path = f"{precision}{suffix}", self.path(precision, suffix)
                as_run = tested[precision] if suffix == ".xml" else runner(path)(images)
                logits = runner(in_float(path))(images) if precision == INT8 else as_run
                if expected is not None:
                    parities[file] = parity(file, logits, expected, quantized=precision != FLOAT32)
                if precision == INT8:
                    processor_parities[file] = processor_parity(file, as_run, logits, tested[FLOAT32], target)
        return {"parity": parities, "processor_parity": processor_parities}

    @property
    def _in_torch(self) -> dict[str, Deployed]:
        return {precision: network for precision, network in self.networks.items() if network is not None}
