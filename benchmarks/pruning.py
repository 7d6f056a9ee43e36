"""Structured pruning beside others: `python benchmarks/pruning.py [--root FOLDER] [--only TEXT] [--rounds 3] [--json
FILE]`. First `pip install torch-pruning==1.6.0`, which only this benchmark needs.

The same trained networks (real MNIST, some thousand images of it) lose 50 and 75 % of their MACs, side by side:
  ours            L1 with the same share of every layer; L1 in one ranking of all units; a learned ranking (LeGR); of a
                  ViT also each with its residual width (`residual: true`);
  torch-pruning   its magnitude pruner as its README has it (L2 over all layers of a group), uniform and global, the
                  ratio searched until the MACs are reached;
  torch masks     torch.nn.utils.prune.ln_structured (n=1) of as many units per layer as ours L1 layer, then permanent;
all one-shot, kept units not rounded. Then all are fine-tuned alike: our loop, the same recipe and order of the images.
MACs and parameters are counted on the network that is left, zeros included. Accuracies are of the test images (the
epoch is chosen by validation). "ours less this" is paired by seed, with its 95 % Student-t interval. The seconds are
the median over the seeds and include the search for the MACs.

Of the ViT, ours cuts feed-forward units and heads, and the residual width only where named so; torch-pruning cuts the
residual width, too (the class token and positions are named to it). It may not cut dimensions of heads: the network's
head size is fixed, and it would compute something else without an error.

What the residual width costs and gains, in points of test accuracy after fine-tuning (8 seeds, paired, 95 %): at 50 %
of the MACs +1.7 ± 1.2 with L1 layer and +2.4 ± 1.8 learned over the cut without it, at equal MACs; right after the cut
L1 layer is 28 ± 8 worse. Without it at most 66 % of the ViT's MACs can go. With it 75 % go, and 20 ± 3 (L1 layer) and
12 ± 2 (learned) of the uncut network's 88 points are lost; beside torch-pruning uniform that is 3.1 ± 2.3 worse and
5.5 ± 2.7 better.

The second table is what the curves cost, one per repeat, beside the bare forward passes of as many networks on the same
images; medians of the rounds.
"""

import argparse
import importlib
import importlib.util
import json
import platform
import subprocess
import sys
import tempfile
import time
from copy import deepcopy
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import torch
from scipy import stats
from sweep import prepare_data
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn.utils import prune as masks

from minarch.data.tensors import Split, load_split
from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.families import architecture
from minarch.models.vit import Block, ViT
from minarch.pruning.curves import magnitude, sensitivity
from minarch.pruning.groups import find_groups
from minarch.pruning.recovery import train_on
from minarch.pruning.structured import Criterion, Cut, prune_structured
from minarch.training.blocks import train_repeats
from minarch.training.evaluate import evaluate
from minarch.training.loop import Recipe
from minarch.training.memory import keep_freed_memory
from minarch.training.repeats import Task
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy, choose

LEVELS = (0.5, 0.75)  # of the MACs
IMAGES, TESTED = 5_000, 5_000  # of the former four fifths for training, the others for validation
OURS = {
    "ours, L1 layer": Criterion(scope="layer", target="macs", heads=True, round_to=1),
    "ours, L1 global": Criterion(scope="global", target="macs", heads=True, round_to=1),
    "ours, learned": Criterion(importance="learned", scope="global", target="macs", heads=True, round_to=1),
}
LAYERWISE = next(iter(OURS))
RESIDUAL = {f"{method}, residual": replace(criterion, residual=True) for method, criterion in OURS.items()}  # of ViTs
TORCH_PRUNING = {"torch-pruning uniform": False, "torch-pruning global": True}  # global_pruning
MASKS = "torch masks"
RATIOS, HALVINGS = 16, 6  # tried of torch-pruning, and of the step between two of them
PACKAGES = ("torch", "nncf", "torch-pruning")
BAND = 0.02  # of the uncut network's MACs: nearer counts as equal
MARGIN = 0.5  # points: an interval above minus this shows "as good"
FINETUNING = Recipe(epochs=2, batch_size=64, optimizer="adam", learning_rate=1e-3, weight_decay=0.0)
ALONE = Strategy(0, Products(torch.device("cpu")))  # by autograd, which masks need
CURVE_LEVELS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99]
CURVE_REPEATS = 10
SENSITIVITY_LEVELS = [0.25, 0.5, 0.75]


@dataclass(frozen=True)
class Case:
    """A network that is trained and pruned."""

    family: str
    knobs: dict[str, Any]
    seeds: int
    epochs: int
    curve_images: int  # of each of two splits; 0: no curves

    @property
    def name(self) -> str:
        return f"{self.family} {architecture(self.family, self.knobs).label}"

    @property
    def ours(self) -> dict[str, Criterion]:
        return OURS | RESIDUAL if self.family == "vit" else OURS


CASES = [
    Case("dnn", {"depth": 2, "width": 64}, 8, 10, 1_000),
    Case("cnn", {"depth": 2, "channels": 16}, 5, 4, 100),
    Case("vit", {"depth": 2, "width": 32, "heads": 2, "patch": 7}, 8, 10, 200),
    Case("resnet", {"depth": 18, "width": 16, "stem": "imagenet"}, 3, 3, 0),  # 390 networks' sensitivity takes minutes
]


@dataclass
class Row:
    """What one method leaves of all seeds' networks, or why it cannot."""

    method: str
    level: float
    parameters: list[int] = field(default_factory=list)
    macs: list[int] = field(default_factory=list)
    pruned: list[float] = field(default_factory=list)
    finetuned: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    problem: str = ""


def trained(case: Case, splits: dict[str, Split]) -> list[nn.Module]:
    """The best epoch's network of each seed, as a sweep trains them."""
    shape = list(splits["train"].images.shape[1:])
    spec = architecture(case.family, case.knobs).spec(shape, 10)
    recipe = Recipe(epochs=case.epochs, batch_size=64, optimizer="adam", learning_rate=3e-3, weight_decay=0.0)
    identity = {"dataset": "mnist", "family": case.family, "knobs": case.knobs, "seed": 0}
    task = Task(spec, identity, splits["train"], splits["validation"], recipe)
    strategy = choose(task, case.seeds, "auto", torch.device("cpu"))
    return [result.networks["best"].eval() for result in train_repeats(task, range(case.seeds), strategy)]


def prune(method: str, network: nn.Module, level: float, seed: int, train: Split, gone: dict[str, int]) -> nn.Module:
    """A pruned copy. `gone` is filled by the layerwise cut and read by the masks: weight -> rows that go."""
    if method == MASKS:
        return masked(network, gone)
    if method in TORCH_PRUNING:
        return cut_by_torch_pruning(network, level, TORCH_PRUNING[method])
    result = prune_structured(network, level=level, criterion=(OURS | RESIDUAL)[method], seed=seed, train=train)
    if method == LAYERWISE:
        gone.update(rows_gone(result))
    return result.network


def rows_gone(cut: Cut) -> dict[str, int]:
    return {
        part.tensor: part.size * int((~cut.masks[group.name]).sum())
        for group in cut.groups
        for part in group.parts
        if part.tensor in group.weights and part.dim == 0
    }


def masked(network: nn.Module, gone: dict[str, int]) -> nn.Module:
    """Rows of the weights masked: torch applies the masks in every forward pass."""
    if not gone:
        raise UserError("no share of units to take over: ours cannot")
    copy = deepcopy(network)
    for name, rows in gone.items():
        module = copy.get_submodule(name.rpartition(".")[0])
        masks.ln_structured(module, "weight", amount=rows, n=1, dim=0)
    return copy


def without_masks(network: nn.Module) -> nn.Module:
    """In place: masks are multiplied into the weights, which are parameters again."""
    for module in network.modules():
        if hasattr(module, "weight_mask"):
            masks.remove(module, "weight")
    return network


def cut_by_torch_pruning(network: nn.Module, level: float, everywhere: bool) -> nn.Module:
    """The least ratio that leaves at most (1 - level) of the MACs: upwards in coarse steps, then by bisection.

    Bisection alone can miss it: torch-pruning leaves a group whole that would lose its last unit, so that above some
    ratio more MACs stay.
    """
    shape = network.spec()["shape"]  # type: ignore[operator]
    budget, tried = (1 - level) * macs(network, shape), list[int]()

    def within(ratio: float) -> nn.Module | None:
        candidate = at_ratio(network, ratio, everywhere)
        tried.append(macs(candidate, shape))
        return candidate if tried[-1] <= budget else None

    for step in range(1, RATIOS):
        high = step / RATIOS
        if best := within(high):
            break
    else:
        raise UserError(f"at most {1 - min(tried) / macs(network, shape):.1%} of the MACs went")
    low = high - 1 / RATIOS
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if pruned := within(middle):
            high, best = middle, pruned
        else:
            low = middle
    return best


def at_ratio(network: nn.Module, ratio: float, everywhere: bool) -> nn.Module:
    torch_pruning = importlib.import_module("torch_pruning")
    copy = deepcopy(network)
    options: dict[str, Any] = {"in_channel_groups": {}, "out_channel_groups": {}, "num_heads": {}}  # its defaults are
    if isinstance(copy, ViT):  # shared by all its pruners, which write into them
        blocks = [block for block in copy.blocks if isinstance(block, Block)]
        for block in blocks:
            count = block.query.out_features // block.head_size
            options["num_heads"] |= dict.fromkeys((block.query, block.key, block.value), count)
        options |= {"prune_num_heads": True, "prune_head_dims": False}
        options["head_pruning_ratio"] = min(ratio, 1 - 1 / max(options["num_heads"].values()))  # one head stays
        options["unwrapped_parameters"] = [(copy.class_token, 2), (copy.positions, 2)]  # not a dict as it says
    classifier = [module for module in copy.modules() if isinstance(module, nn.Linear)][-1]
    pruner = torch_pruning.pruner.MagnitudePruner(
        copy,
        torch.zeros(1, *network.spec()["shape"]),  # type: ignore[operator]
        importance=torch_pruning.importance.MagnitudeImportance(p=2),
        global_pruning=everywhere,
        pruning_ratio=ratio,
        ignored_layers=[classifier],
        **options,
    )
    pruner.step()
    return copy


def right(network: nn.Module, split: Split) -> float:
    """Share of the images; smaller batches than usual, whose values stay in the cache."""
    return evaluate(network, split).accuracy


def measure(case: Case, splits: dict[str, Split]) -> dict[str, Any]:
    """All methods and levels on one case's networks."""
    shape, networks = splits["train"].images.shape[1:], trained(case, splits)
    base = [right(network, splits["test"]) for network in networks]
    rows = [Row(method, level) for level in LEVELS for method in (*case.ours, *TORCH_PRUNING, MASKS)]
    for seed, network in enumerate(networks):
        gone: dict[float, dict[str, int]] = {level: {} for level in LEVELS}
        for row in rows:
            if row.problem:  # with an earlier seed
                continue
            began = time.perf_counter()
            try:
                pruned = prune(row.method, network, row.level, seed, splits["train"], gone[row.level])
            except Exception as error:  # of other people's code, any
                row.problem = " ".join(str(error).split()) or type(error).__name__
                continue
            row.seconds.append(time.perf_counter() - began)
            row.parameters.append(parameters(pruned))
            row.macs.append(macs(pruned, shape))
            row.pruned.append(right(pruned, splits["test"]))
            tuned = train_on({seed: pruned}, splits, FINETUNING, 0, ALONE)[seed]
            row.finetuned.append(right(without_masks(tuned), splits["test"]))
        print(f"{case.name}: seed {seed} of {case.seeds} done", file=sys.stderr)
    return {
        "name": case.name,
        "case": vars(case),
        "parameters": parameters(networks[0]),
        "macs": macs(networks[0], shape),
        "base": base,
        "rows": [vars(row) for row in rows],
    }


def first_use(train: Split) -> dict[str, tuple[float, float]]:
    """Seconds of the import in a fresh interpreter that has torch, and of the first pruning beyond a second one."""
    network = build(architecture("dnn", {"depth": 1, "width": 8}).spec([1, 28, 28], 10))
    taken = {}
    for method, module in ((LAYERWISE, "minarch.pruning.structured"), (next(iter(TORCH_PRUNING)), "torch_pruning")):
        code = f"import time, torch; b = time.perf_counter(); import {module}; print(time.perf_counter() - b)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds = []
        for _ in range(2):
            began = time.perf_counter()
            prune(method, network, 0.5, 0, train, {})
            seconds.append(time.perf_counter() - began)
        taken[method] = float(done.stdout.split()[-1]), seconds[0] - seconds[1]
    return taken


def curves(case: Case, splits: dict[str, Split], out: Path, rounds: int) -> dict[str, Any]:
    """Seconds of both curves and of the bare forward passes; untrained networks cost the same."""
    few = {name: splits[name].thinned(case.curve_images) for name in ("validation", "test")}
    images = [split.batch(slice(None)) for split in few.values()]
    spec = architecture(case.family, case.knobs).spec(images[0].shape[1:], 10)
    networks = {repeat: build(spec).eval() for repeat in range(CURVE_REPEATS)}
    groups = len(find_groups(networks[0]))
    points = {"magnitude": len(CURVE_LEVELS), "sensitivity": groups * len(SENSITIVITY_LEVELS)}
    configs = {
        "magnitude": {"levels": CURVE_LEVELS, "scope": "global"},
        "sensitivity": {"levels": SENSITIVITY_LEVELS, "importance": "L1"},
    }
    seconds: dict[str, list[float]] = {f"{curve}{way}": [] for curve in configs for way in ("", " bare")}
    for _ in range(rounds):
        for curve, write in (("magnitude", magnitude), ("sensitivity", sensitivity)):
            began = time.perf_counter()
            write(configs[curve], networks, few, out)
            written = time.perf_counter()
            bare(networks, points[curve], images)
            seconds[curve].append(written - began)
            seconds[f"{curve} bare"].append(time.perf_counter() - written)
    return {"networks": {curve: CURVE_REPEATS * count for curve, count in points.items()}, "seconds": seconds}


@torch.no_grad()
def bare(networks: dict[int, nn.Module], points: int, images: list[Tensor]) -> None:
    for network in networks.values():
        for _ in range(points):
            for part in images:
                network(part)


def difference(ours: Row, theirs: Row, full: int) -> str:
    """Points that ours is better by after fine-tuning, paired by seed, and what that shows."""
    if ours.problem:
        return "ours cannot"
    pairs = [100 * (a - b) for a, b in zip(ours.finetuned, theirs.finetuned, strict=True)]
    half = float(stats.t.ppf(0.975, len(pairs) - 1)) * stdev(pairs) / len(pairs) ** 0.5
    low, high = mean(pairs) - half, mean(pairs) + half
    verdict = "better" if low > 0 else "worse" if high < 0 else "as good" if low >= -MARGIN else "open"
    equal = abs(mean(ours.macs) - mean(theirs.macs)) <= BAND * full
    return f"{mean(pairs):+.2f} ±{half:.2f} {verdict}{'' if equal else '*'}"


def spread(shares: list[float]) -> str:
    percent = [100 * share for share in shares]
    return f"{mean(percent):.2f} ± {stdev(percent):.2f}"


def show(cases: list[dict[str, Any]], first: dict[str, tuple[float, float]]) -> None:
    """Both tables."""
    versions = " ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(f"{platform.processor() or platform.machine()}, one thread, {versions}")
    for method, (imported, begun) in first.items():
        print(f"first use, once, not counted below: {method}: import {imported:.2f} s, first pruning {begun:+.2f} s")
    for case in cases:
        show_case(case)
    print(f"\nbetter, worse: the interval is above, below 0; as good: above -{MARGIN}; open: none of these")
    print(f"* not at equal MACs: they differ by more than {BAND:.0%} of the uncut network's\n")
    print(f"{'seconds of a curve':39}{'images':>8}{'magnitude':>36}{'sensitivity, L1':>36}")
    print(
        f"{f'of each of {CURVE_REPEATS} repeats':39}{'':8}" + 2 * f"{'networks':>12}{'curve':>8}{'bare':>8}{'ratio':>8}"
    )
    for case in [case for case in cases if "curves" in case]:
        line = f"{case['name']:39}{2 * case['case']['curve_images']:8,}"
        for curve, count in case["curves"]["networks"].items():
            took, forward = (median(case["curves"]["seconds"][f"{curve}{way}"]) for way in ("", " bare"))
            line += f"{count:12}{took:8.2f}{forward:8.2f}{took / forward:8.2f}"
        print(line)


def show_case(case: dict[str, Any]) -> None:
    """What every method leaves of one network."""
    rows = {(row["method"], row["level"]): Row(**row) for row in case["rows"]}
    ours = [method for method in OURS | RESIDUAL if (method, LEVELS[0]) in rows]
    print(f"\n{case['name']}: {case['parameters']:,} parameters, {case['macs']:,} MACs, ", end="")
    print(f"{spread(case['base'])} % of the test images right, {len(case['base'])} seeds")
    print(
        f"{'MACs':31}{'left, mean over seeds':>29}{'accuracy, mean ± std':>32}{'seconds':>10}   ours less this, points"
    )
    print(f"{'away':5}{'by':26}{'parameters':>11}{'MACs':>11}{'':7}{'after the cut':>16}{'fine-tuned':>16}", end="")
    print(f"{'to prune':>10}   " + "".join(f"{method.removeprefix('ours, '):23}" for method in ours).rstrip())
    for (method, level), row in rows.items():
        start = f"{level:<5.0%}{method:26}"
        if row.problem:
            print(f"{start}cannot: {row.problem}")
            continue
        others = ours if method not in OURS else []
        compared = ["" if name == method else difference(rows[name, level], row, case["macs"]) for name in others]
        print(
            f"{start}{mean(row.parameters):11,.0f}{mean(row.macs):11,.0f}{mean(row.macs) / case['macs']:7.1%}"
            f"{spread(row.pruned):>16}{spread(row.finetuned):>16}{median(row.seconds):10.2f}   "
            f"{''.join(f'{cell:23}' for cell in compared)}".rstrip()
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", metavar="FOLDER", help="holds torchvision's MNIST files (default: data/downloads)")
    parser.add_argument("--only", default="", help="networks whose name contains this")
    parser.add_argument("--rounds", type=int, default=3, help="of the curves (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    arguments = parser.parse_args()
    if importlib.util.find_spec("torch_pruning") is None:
        sys.exit("torch-pruning is missing: pip install torch-pruning==1.6.0 (only this benchmark needs it)")
    threadpool_limits(1)
    torch.set_num_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory(prefix="minarch-benchmark-") as name:
        folder = Path(name)
        data = prepare_data(folder / "data", arguments.root, limit=IMAGES)
        splits = {split: load_split(data, split) for split in ("train", "validation", "test")}
        splits["test"] = splits["test"].thinned(TESTED)
        first, cases = first_use(splits["train"]), []
        for case in CASES:
            if arguments.only in case.name:
                began = time.perf_counter()
                cases.append(measure(case, splits))
                if case.curve_images:
                    cases[-1]["curves"] = curves(case, splits, folder, arguments.rounds)
                print(f"{case.name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    show(cases, first)
    if arguments.json:
        body = {"versions": {name: version(name) for name in PACKAGES}, "first_use": first, "cases": cases}
        arguments.json.write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
