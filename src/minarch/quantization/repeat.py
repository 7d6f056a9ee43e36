"""One repeat of an export: its network quantized, written as files, and the files measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from minarch.contract import NetworkRecord
from minarch.data.tensors import Split
from minarch.models.weights import finite
from minarch.quantization import FLOAT32
from minarch.quantization.export import Deployed, export
from minarch.quantization.files import Exported, Size
from minarch.quantization.measure import accuracy
from minarch.quantization.methods import Source, quantize
from minarch.quantization.parity import torch_logits
from minarch.quantization.preprocessing import Preprocessing

SIZES = [column.name for column in fields(Size)]


@dataclass(frozen=True)
class Outcome:
    """What became of a repeat: its entries in results.json and test.json, and the classes int64 [N_test] that its files
    predict of the test images, by precision.
    """

    entry: dict[str, Any]
    tested: dict[str, Any]
    classes: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Exporter:
    """What the repeats of an item have in common.

    `calibration` are training images uint8 [N, C, H, W], `name` is the architecture's.
    """

    config: Mapping[str, Any]
    splits: dict[str, Split]
    calibration: Tensor
    preprocessing: Preprocessing
    name: str

    def run(self, parent: NetworkRecord, network: nn.Module | None, folder: Path) -> Outcome:
        """Write the files of one repeat and measure them; "unstable" if there are no finite weights or logits.

        Args:
            parent: the repeat's entry in the results of what is quantized.
        """
        if network is None or not finite(network):
            return self._unstable(parent["repeat"])
        train, validation = self.splits["train"], self.splits["validation"]
        deployed = Deployed(network, train.mean, train.std)
        logits = torch_logits(deployed, validation.images)
        if not logits.isfinite().all():
            return self._unstable(parent["repeat"])
        repeat, spec, precision = parent["repeat"], parent["spec"], self.config["precision"]
        model = export(deployed, self.preprocessing.shape, self.name)
        transformer = spec is not None and spec["family"] == "vit"
        source = Source(network, model, self.name, transformer, repeat)
        quantized = quantize(self.config, source, self.splits, self.calibration)
        models = {FLOAT32: model, precision: quantized.model}
        files = Exported(folder, repeat, models, {FLOAT32: deployed, precision: quantized.network})
        sizes = files.write(self.preprocessing, self.name)
        measured = files.measure(self.splits, self.config["target"])
        entry = {"repeat": repeat, "status": "ok", "parameters": parent["parameters"], "macs": parent["macs"]}
        accuracies = {**measured.validation, "torch": accuracy(logits, validation.labels)}
        entry |= {name: {precision: getattr(size, name) for precision, size in sizes.items()} for name in SIZES}
        entry |= {"validation": accuracies, "agreement": measured.agreement}
        entry |= {"reverted": quantized.reverted, "qat": quantized.qat}
        return Outcome(entry, {"repeat": repeat, **measured.test}, measured.classes)

    def _unstable(self, repeat: int) -> Outcome:
        """The outcome where there is nothing to export: all that would be measured is None."""
        nothing = dict.fromkeys((FLOAT32, self.config["precision"]))
        entry = {"repeat": repeat, "status": "unstable"}
        entry |= dict.fromkeys(("parameters", "macs", "agreement", "reverted", "qat"))
        entry |= {**dict.fromkeys(SIZES, nothing), "validation": {"torch": None, **nothing}}
        return Outcome(entry, {"repeat": repeat, **nothing, "parity": {}, "processor_parity": {}})
