"""INT8 beside the plain recipe: `python benchmarks/quantization.py [--root FOLDER] [--rounds 5] [--json FILE]`.

Networks trained for a few epochs on real MNIST (ResNet-18 with torchvision's structure: on CIFAR-10's images, its
weights drawn by lot), whole and with half of the units of every layer cut (L1), one thread.

The first table is the time to quantize, from the network to files:
  ours    what stage quantize does: FP32 and INT8 as ONNX with preprocessing inside, names and metadata written;
  plain   what a user would write: ov.convert_model, save_model, nncf.quantize, save_model; NNCF without our shortcuts.
Both see the same calibration images and take turns; medians of the rounds. What NNCF does once (imports, and compiling
C++ when torch networks are first quantized, which ours avoids) is told apart.

The second table: latency of FP32, INT8, pruned (not fine-tuned, hence its accuracy) and both, in turn;
medians, lowest to highest round.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch
from sweep import prepare_data
from threadpoolctl import threadpool_limits
from torch import nn

from minarch.data.tensors import Split, load_split
from minarch.files import write_json
from minarch.models.build import build
from minarch.models.cost import parameters
from minarch.models.families import architecture
from minarch.models.weights import load_networks, save_networks

CASES: list[tuple[str, str, dict[str, Any], int]] = [  # data set, family, knobs, epochs
    ("mnist", "dnn", {"depth": 1, "width": 10}, 4),
    ("mnist", "dnn", {"depth": 2, "width": 64}, 4),
    ("mnist", "cnn", {"depth": 2, "channels": 16}, 3),
    ("mnist", "vit", {"depth": 2, "width": 32, "heads": 4, "patch": 4}, 3),
    ("cifar10", "resnet", {"depth": 18, "width": 64, "stem": "imagenet"}, 0),
]
BATCHES = (1, 64)
IMAGES, CALIBRATION = 5_000, 128
COMPILING = """
import os, sys, time, torch
os.environ["TORCH_EXTENSIONS_DIR"] = sys.argv[1]
import nncf, nncf.torch

class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Linear(4, 4), torch.nn.Linear(4, 2)

    def forward(self, images):
        return self.last(self.first(images).relu())

began = time.perf_counter()
nncf.quantize(Network().eval(), nncf.Dataset([torch.randn(1, 4) for _ in range(8)]), subset_size=8)(torch.randn(1, 4))
print(time.perf_counter() - began)
"""


def prepare(folder: Path) -> None:
    """Train and prune each network, an item each; in a process of its own, as NNCF prunes and quantizes apart."""
    from minarch.pruning.structured import Criterion, prune_structured
    from minarch.training.blocks import train_repeats
    from minarch.training.loop import Recipe
    from minarch.training.repeats import Task
    from minarch.training.strategy import choose

    for position, (dataset, family, knobs, epochs) in enumerate(CASES):
        train, validation = (load_split(folder / dataset, name) for name in ("train", "validation"))
        spec = architecture(family, knobs).spec(list(train.images.shape[1:]), 10)
        torch.manual_seed(0)
        network = build(spec).eval()
        if epochs:
            recipe = Recipe(epochs=epochs, batch_size=64, optimizer="adam", learning_rate=2e-3, weight_decay=0.0)
            task = Task(spec, {"benchmark": position}, train, validation, recipe)
            (trained,) = train_repeats(task, [0], choose(task, 1, "auto", torch.device("cpu")))
            network = trained.networks["best"].eval()
        pruned = prune_structured(network, level=0.5, criterion=Criterion(heads=True, round_to=1)).network
        item = folder / str(position)
        item.mkdir()
        networks = {0: network, 1: pruned}
        specs = [{"repeat": repeat, "spec": n.spec()} for repeat, n in networks.items()]  # type: ignore[operator]
        write_json(item / "results.json", {"weights": "weights.safetensors", "repeats": specs})
        save_networks(item / "weights.safetensors", networks)


def ours(network: nn.Module, family: str, splits: dict[str, Split], out: Path, backend: str = "openvino") -> None:
    from minarch.quantization.export import Deployed, export
    from minarch.quantization.files import Exported
    from minarch.quantization.int8 import calibration_images
    from minarch.quantization.methods import Source, quantize
    from minarch.quantization.preprocessing import Preprocessing

    train = splits["train"]
    shape = list(train.images.shape[1:])
    config: dict[str, Any] = {"precision": "int8", "backend": backend, "preset": "mixed", "bias_correction": "fast"}
    config |= {"target": "any", "max_drop_points": None, "qat": None}
    deployed = Deployed(network, train.mean, train.std)
    model = export(deployed, shape, family)
    source = Source(network, model, family, family == "vit", 0)
    quantized = quantize(config, source, splits, calibration_images(train.images, CALIBRATION, 0))
    models = {"fp32": model, "int8": quantized.model}
    files = Exported(out, 0, models, {"fp32": deployed, "int8": quantized.network})
    names = [str(number) for number in range(10)]
    files.write(Preprocessing("mnist", shape, names, False), family)


@contextmanager
def nncf_alone() -> Iterator[None]:
    """NNCF as its users have it, without minarch's shortcuts."""
    from minarch.quantization.shortcuts import REPLACED

    taken = {(where, name): getattr(where, name) for where, name in REPLACED}
    for (where, name), original in REPLACED.items():
        setattr(where, name, original)
    yield
    for (where, name), shortcut in taken.items():
        setattr(where, name, shortcut)


def plain(network: nn.Module, family: str, splits: dict[str, Split], out: Path) -> None:
    import nncf
    import openvino as ov

    images = splits["train"].batch(slice(0, CALIBRATION))
    model = ov.convert_model(network, example_input=images[:2], input=[-1, *images.shape[1:]])
    ov.save_model(model, out / "plain-fp32.xml", compress_to_fp16=False)
    kind = nncf.ModelType.TRANSFORMER if family == "vit" else None
    samples = nncf.Dataset([image[None].numpy() for image in images])
    quantized = nncf.quantize(model, samples, subset_size=CALIBRATION, model_type=kind)
    ov.save_model(quantized, out / "plain-int8.xml", compress_to_fp16=False)


def seconds(work: Any, *arguments: Any) -> float:
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


def measure(position: int, folder: Path, rounds: int) -> dict[str, Any]:
    """One network: seconds to quantize of both ways, then what the files are and take."""
    import onnx

    from minarch.quantization.measure import accuracy, latency_ms, runner
    from minarch.quantization.onnx import stored_bytes

    dataset, family, knobs, epochs = CASES[position]
    splits = {name: load_split(folder / dataset, name) for name in ("train", "validation", "test")}
    networks = load_networks(folder / str(position))
    out = [folder / f"{position}-{name}" for name in ("whole", "pruned")]
    for place in out:
        place.mkdir()
    taken: dict[str, list[float]] = {"ours": [], "plain": [], "ours, torch": []}
    for _ in range(rounds):
        taken["ours"].append(seconds(ours, networks[0], family, splits, out[0]))
        with nncf_alone():
            taken["plain"].append(seconds(plain, networks[0], family, splits, out[0]))
    torch_out = folder / f"{position}-torch"
    torch_out.mkdir()
    taken["ours, torch"].append(seconds(ours, networks[0], family, splits, torch_out, "torch"))
    ours(networks[1], family, splits, out[1])
    files = {"FP32": out[0] / "fp32-0.onnx", "INT8": out[0] / "int8-0.onnx"}
    files |= {"pruned": out[1] / "fp32-0.onnx", "both": out[1] / "int8-0.onnx"}
    test = splits["test"]
    return {
        "name": f"{family} {architecture(family, knobs).label}",
        "parameters": [parameters(network) for network in networks.values()],
        "seconds": taken,
        "bytes": {name: file.stat().st_size for name, file in files.items()},
        "weights": {name: stored_bytes(onnx.load(file)) for name, file in files.items()},
        "accuracy": {n: accuracy(runner(f)(test.images), test.labels) for n, f in files.items()} if epochs else {},
        "latency": {batch: latency_ms(files, test.images, batch, rounds) for batch in BATCHES},
    }


def show(cases: list[dict[str, Any]], once: dict[str, float]) -> None:
    packages = [f"{name} {version(name)}" for name in ("torch", "nncf", "openvino")]
    print(f"{platform.machine()}, one thread, {', '.join(packages)}; {CALIBRATION} calibration images")
    print("once, not counted below: " + ", ".join(f"{name} {value:.1f} s" for name, value in once.items()))
    print(f"\n{'seconds to quantize':44}{'ours':>8}{'plain':>8}{'ratio':>8}{'ours, torch backend':>22}")
    for case in cases:
        mine, theirs, in_torch = (median(case["seconds"][name]) for name in ("ours", "plain", "ours, torch"))
        print(f"{case['name']:44}{mine:8.2f}{theirs:8.2f}{mine / theirs:8.2f}{in_torch:22.2f}")
    for case in cases:
        whole, pruned = case["parameters"]
        print(f"\n{case['name']}: {whole:,} parameters, pruned {pruned:,}")
        heads = "".join(f"{f'ms, batch {batch}':>30}{'x FP32':>8}" for batch in BATCHES)
        print(f"{'':10}{'bytes':>12}{'% of FP32':>11}{'weights, %':>12}{'test, %':>9}{heads}")
        for name, size in case["bytes"].items():
            line = f"{name:10}{size:12,}{size / case['bytes']['FP32']:11.1%}"
            line += f"{case['weights'][name] / case['weights']['FP32']:12.1%}"
            line += f"{100 * case['accuracy'][name]:9.1f}" if case["accuracy"] else f"{'-':>9}"
            for latency in case["latency"].values():
                ms, base = latency[name], latency["FP32"]["median"]
                line += f"{ms['median']:12.4f} [{ms['low']:.4f}-{ms['high']:.4f}]".rjust(30)
                line += f"{base / ms['median']:8.2f}"
            print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", metavar="FOLDER", help="holds torchvision's files (default: data/downloads)")
    parser.add_argument("--rounds", type=int, default=5, help="of all that is timed (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    parser.add_argument("--prepare", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    threadpool_limits(1)
    torch.set_num_threads(1)
    if arguments.prepare:
        prepare(arguments.prepare)
        return
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as name:
        folder = Path(name)
        for dataset in dict.fromkeys(case[0] for case in CASES):
            prepare_data(folder / dataset, arguments.root, dataset, IMAGES)
        subprocess.run([sys.executable, __file__, "--prepare", str(folder)], check=True)
        compiling = [sys.executable, "-c", COMPILING, str(folder / "extensions")]
        done = subprocess.run(compiling, capture_output=True, text=True, check=True)
        once = {"NNCF compiles C++ (plain recipe in torch)": float(done.stdout.split()[-1])}
        began = time.perf_counter()
        from minarch.quantization import methods  # noqa: F401

        once["ours: imports"] = time.perf_counter() - began
        small = folder / "first"
        small.mkdir()
        splits = {split: load_split(folder / "mnist", split) for split in ("train", "validation", "test")}
        network = load_networks(folder / "0")[0]
        first = seconds(ours, network, "dnn", splits, small)
        once["ours: first use"] = first - seconds(ours, network, "dnn", splits, small)
        cases = [measure(position, folder, arguments.rounds) for position in range(len(CASES))]
    show(cases, once)
    if arguments.json:
        arguments.json.write_text(json.dumps({"once": once, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
