"""The exported files of one repeat: written, and measured as whoever gets them would run them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from minarch.data.tensors import Split
from minarch.quantization import FLOAT32, INT8, Target
from minarch.quantization.arithmetic import float_logits
from minarch.quantization.export import Deployed, save
from minarch.quantization.graph import NoCounterpart
from minarch.quantization.measure import accuracy, agreement, core, runner
from minarch.quantization.onnx import as_onnx, stored_bytes
from minarch.quantization.parity import parity, processor_parity, torch_logits
from minarch.quantization.preprocessing import Preprocessing
from minarch.quiet import openvino as ov


@dataclass(frozen=True)
class Size:
    """The bytes of the files of one precision, those of the values in them, and why there is no ONNX file (None: there
    is one).
    """

    bytes: int
    weight_bytes: int
    no_onnx: str | None


@dataclass(frozen=True)
class Measured:
    """What the files of a repeat compute.

    On the validation images: accuracies by precision, and the share of them of which the two predict the same class. On
    the test images: accuracies and parities, and the classes int64 [N_test] that the files predict, by precision.
    """

    validation: dict[str, float]
    agreement: float
    test: dict[str, Any]
    classes: dict[str, Tensor]


@dataclass(frozen=True)
class Exported:
    """The files of one repeat in a folder, by precision: `<precision>-<repeat>.onnx`, or OpenVINO IR (.xml and .bin) of
    what has no counterpart in ONNX, such as weights at 4 bits.

    `models`: precision -> what the file holds. `networks`: precision -> the torch network that it was exported from;
    None: OpenVINO quantized it, so that torch does not know it.
    """

    folder: Path
    repeat: int
    models: dict[str, ov.Model]
    networks: dict[str, Deployed | None]

    def path(self, precision: str) -> Path:
        """The file that is run."""
        onnx = self.folder / f"{precision}-{self.repeat}.onnx"
        return onnx if onnx.exists() else onnx.with_suffix(".xml")

    def write(self, preprocessing: Preprocessing, name: str) -> dict[str, Size]:
        """Write the files; their sizes by precision.

        Args:
            name: the architecture's.
        """
        return {precision: self._written(precision, preprocessing, name) for precision in self.models}

    def _written(self, precision: str, preprocessing: Preprocessing, name: str) -> Size:
        model, path = self.models[precision], self.folder / f"{precision}-{self.repeat}.onnx"
        try:
            made = as_onnx(model, self.networks[precision], preprocessing, name)
        except NoCounterpart as error:
            path = path.with_suffix(".xml")
            save(model, path, preprocessing)
            weights = path.with_suffix(".bin").stat().st_size
            return Size(path.stat().st_size + weights, weights, f"{error} has no counterpart in ONNX")
        total = path.write_bytes(made.SerializeToString(deterministic=True))
        return Size(total, stored_bytes(made), None)

    def measure(self, splits: dict[str, Split], target: Target) -> Measured:
        """Run the files on the validation and the test images.

        Of the test images there is, beside the accuracies, the parity of every file with what it was made from, and
        that of this processor with an INT8 file, which is for `target`.
        """
        validation, test = splits["validation"], splits["test"]
        run = {precision: runner(self.path(precision)) for precision in self.models}
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
        """The parities of all files; `tested` are the logits of the files by precision on `images`.

        What OpenVINO quantized has no network in torch: there the file is compared with OpenVINO's model.
        """
        parities: dict[str, Any] = {}
        processor_parities: dict[str, Any] = {}
        for precision, network in self.networks.items():
            path, logits, model = self.path(precision), tested[precision], self.models[precision]
            file = f"{precision}{path.suffix}"
            expected = None if network is None else torch_logits(network, images)
            if precision == INT8:
                compared = [core().read_model(path)] + ([model] if expected is None else [])
                logits, *of_model = float_logits(compared, images)
                expected = of_model[0] if expected is None else expected
                processor_parities[file] = processor_parity(file, tested[INT8], logits, tested[FLOAT32], target)
            elif expected is None:
                expected = runner(model)(images)
            parities[file] = parity(file, logits, expected, quantized=precision != FLOAT32)
        return {"parity": parities, "processor_parity": processor_parities}
