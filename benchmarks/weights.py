"""What the statistics of the weights cost beside the training: `python benchmarks/weights.py [--root FOLDER]`.

Items of ten repeats on real MNIST, trained for one epoch only (a sweep trains longer, so the share shown is the most it
can be), then described by stage weights; one thread, medians of three rounds.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from sweep import Case, ours, prepare_data
from threadpoolctl import threadpool_limits

from minarch.weights import work as describe

REPEATS, ROUNDS = 10, 3
SIZES: list[tuple[str, dict[str, int]]] = [
    ("dnn", {"depth": 2, "width": 4}),
    ("dnn", {"depth": 2, "width": 64}),
    ("dnn", {"depth": 2, "width": 500}),
    ("cnn", {"channels": 1}),
    ("cnn", {"channels": 16}),
    ("vit", {"depth": 2, "width": 32, "heads": 2, "patch": 7}),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", metavar="FOLDER", help="holds torchvision's MNIST files (default: data/downloads)")
    root = parser.parse_args().root
    threadpool_limits(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as name:
        folder = Path(name)
        data = prepare_data(folder / "data", root)
        print(f"{'':32}{'seconds to train':>18}{'to describe':>13}{'share':>8}")
        for family, knobs in SIZES:
            case = Case((1, 28, 28), family, knobs, REPEATS, 1)
            seconds = []
            for number in range(ROUNDS + 1):  # the first measures what is fastest
                item, out = folder / f"{case.name} {number}", folder / f"{case.name} {number} weights"
                out.mkdir()
                began = time.perf_counter()
                ours(case, data, item, list(range(REPEATS)), False)
                trained = time.perf_counter()
                describe({"near_zero": 1e-3, "attention_images": 64}, {"sweep": [item], "data": data}, out)
                seconds.append((trained - began, time.perf_counter() - trained))
            train, describing = (median(column) for column in zip(*seconds[1:], strict=True))
            print(f"{case.name:32}{train:18.2f}{describing:13.2f}{describing / train:8.1%}", flush=True)


if __name__ == "__main__":
    main()
