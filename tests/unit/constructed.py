"""Known cases for the analysis and the report: sizes, and whole studies as item folders, with built-in findings."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from minarch.analysis.reliability import Reliability
from minarch.analysis.sizes import Size
from minarch.flow.stages.quantize import Quantization

CONVERGENCE: dict[str, Any] = {
    "failure_share": 0.05,
    "spread_factor": 3.0,
    "spread_points": 2.0,
    "gain_share": 0.9,
    "below_best_points": None,
    "near_best_points": 1.0,
    "saturated_train": 0.995,
    "gap_factor": 2.0,
    "loss_rise": 1.1,
    "bootstrap": 100,
    "confidence": 0.95,
    "seed": 0,
}
RELIABILITY = Reliability.of(CONVERGENCE)
SIMILARITY: dict[str, Any] = {
    "good_points": 1.0,
    "poor_share": 0.25,
    "networks": 20,
    "permutations": 100,
    "confidence": 0.95,
    "seed": 0,
}
PARAMS: dict[str, Any] = {
    "sweep": {"repeats": 3},
    "train": {
        "epochs": 4,
        "batch_size": 64,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "shared_batches": False,
        "give_up_after": None,
        "schedule": "constant",
        "warmup": 0,
        "label_smoothing": 0.0,
        "augment": None,
    },
    "finalists": {"within_points": 3.0},
    "weights": {"near_zero": 1e-3, "attention_images": 64},
    "similarity": SIMILARITY,
    "convergence": CONVERGENCE,
    "representatives": {"roles": ["minimal", "near-best", "overfitting"]},
    "quantize": {
        "calibration": 64,
        "methods": {
            "int8": Quantization.model_validate({}).model_dump(mode="json"),
            "careful": Quantization.model_validate({"max_drop_points": 1.0}).model_dump(mode="json"),
        },
    },
}
STEADY = (0.0, 0.001, -0.001, 0.0005, -0.0005)
# What each size of a constructed family reaches on validation and on train images, by parameters.
UNITS = 4
FIRST_LAYER = {
    "dnn": (UNITS, 64),
    "cnn": (UNITS, 3, 3, 3),
    "vit": (UNITS, 1, 4, 4),
}  # of others: not of an image's shape
STEP = {50: (0.2, 0.2), 400: (0.9, 0.91), 1000: (0.955, 0.965), 6000: (0.96, 1.0)}


def size(
    parameters: int, validation: float, train: float, loss_rise: float = 1.0, spread=STEADY, failed: int = 0
) -> Size:
    values = validation + np.array(spread)
    return Size(
        architecture=f"net-{parameters}",
        parameters=parameters,
        macs=parameters,
        validation=values,
        train=np.full(len(values), train),
        failed=np.arange(len(values)) < failed,
        chance=0.1,
        loss_rise=loss_rise,
    )


def write_json(path: Path, body: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body))


def write_sweep(
    item: Path, dataset: str, family: str, parameters: int, best: tuple[float, float], diverged=(), depth=1, repeats=3
) -> Path:
    """A sweep item of repeats around `best`; those in `diverged` end without a finite number."""
    runs, tests, curve = [], [], []
    for repeat in range(repeats):
        chance = STEADY[repeat % len(STEADY)]
        validation, train = best[0] + chance, min(1.0, best[1] + chance)
        for epoch in range(1, 5):
            learned = epoch / 4
            metrics = {
                "train_loss": 2 - 1.9 * learned * train,
                "train_accuracy": 0.1 + (train - 0.1) * learned,
                "validation_loss": 2 - 1.8 * learned * validation,
                "validation_accuracy": 0.1 + (validation - 0.1) * learned,
            }
            if repeat in diverged and epoch > 2:
                metrics = dict.fromkeys(metrics)
            curve.append({"repeat": repeat, "epoch": epoch, **metrics})
        status = "unstable" if repeat in diverged or validation < 0.21 else "ok"
        metrics = {name: curve[-1][name] for name in curve[-1] if "_" in name}
        run = {"repeat": repeat, "seed": repeat, "status": status, "spec": {}, "epochs": 4}
        run |= {"parameters": parameters, "macs": 2 * parameters}
        run |= {"validation_accuracy": metrics["validation_accuracy"]}
        runs.append(run | {"final": metrics})
        measured = {"loss": 0.3, "accuracy": validation - 0.005}
        tests.append({"repeat": repeat} | (dict.fromkeys(measured) if repeat in diverged else measured))
    model = {"architecture": f"{family}-{parameters}", "dataset": dataset, "family": family, "knobs": {}, "classes": 10}
    model |= {"method": "original", "level": 0}
    cost = {"parameters": parameters, "macs": 2 * parameters, "depth": depth}
    write_json(item / "results.json", model | cost | {"weights": "weights.safetensors", "repeats": runs})
    write_json(item / "test.json", {"repeats": tests})
    write_json(item / "timing.json", {"seconds": [1.0] * repeats, "device": "cpu", "threads": 1, "strategy": "stacked"})
    pd.DataFrame(curve).to_csv(item / "curves.csv", index=False)
    return item


def write_weights(item: Path, sweep: Path) -> Path:
    """What the networks of a sweep item weigh: two layers, of a ViT one head's attention, of unknown families no nodes.

    Good networks are all alike; of poor ones each has a width of its own, and weights that are not centred. Before
    training all are alike.
    """
    record = json.loads((sweep / "results.json").read_text())
    generator = np.random.default_rng(record["parameters"])
    shapes = {"first": FIRST_LAYER.get(record["family"], (UNITS, 7)), "last": (10, UNITS)}
    nodes = {"input": 64, "first": UNITS, "last": UNITS, "output": 10} if record["family"] in FIRST_LAYER else {}
    stored, layers, strengths, quantiles = {}, [], [], {}
    for run in record["repeats"]:
        repeat, finite = run["repeat"], run["final"]["validation_accuracy"] is not None
        poor = record["parameters"] <= 60
        width, centre = (1 + repeat, repeat) if poor else (0.1, 0.0)
        drawn = {name: generator.normal(centre, width if finite else np.nan, shape) for name, shape in shapes.items()}
        stored |= {f"{repeat}.{name}.weight": values.astype(np.float32) for name, values in drawn.items()}
        for name, values in [*drawn.items(), ("all", np.concatenate([values.ravel() for values in drawn.values()]))]:
            shape = {"mean": values.mean(), "std": values.std(), "skewness": 0.1 * values.mean(), "kurtosis": 0.2}
            shape |= {"min": values.min(), "max": values.max(), "near_zero": 0.01 if finite else np.nan}
            spectrum = {} if name == "all" else {"spectral_norm": 3 * values.std(), "effective_rank": 2.5}
            kind = "all" if name == "all" else "dense"
            row = {"repeat": repeat, "layer": name, "kind": kind, "n": values.size}
            layers.append(row | shape | spectrum)
            quantiles.setdefault(f"weights.{name}", []).append(np.quantile(values, (np.arange(512) + 0.5) / 512))
        for name, count in nodes.items():
            values = generator.normal(0, 1 if poor else 0.2, 512) * (1 if finite else np.nan)
            row = {"repeat": repeat, "layer": name, "nodes": count}
            strengths.append(row | {"mean": 0.0, "std": values.std(), "min": values.min(), "max": values.max()})
            quantiles.setdefault(f"strength.{name}", []).append(np.sort(values))
    if nodes:
        quantiles["strength.hidden"] = quantiles["strength.first"]
    folder = item / sweep.name
    folder.mkdir(parents=True)
    save_file(stored, sweep / record["weights"])
    save_file(
        {name: np.stack(rows).astype(np.float32) for name, rows in quantiles.items()}, folder / "quantiles.safetensors"
    )
    pairs = {"weights.all": True, "strength.hidden": bool(nodes)}
    before = {name: generator.normal(size=(len(record["repeats"]), 512)) for name, there in pairs.items() if there}
    save_file({name: values.astype(np.float32) for name, values in before.items()}, folder / "untrained.safetensors")
    pd.DataFrame(layers).to_csv(folder / "layers.csv", index=False)
    columns = ["repeat", "layer", "nodes", "mean", "std", "min", "max"]
    pd.DataFrame(strengths, columns=columns).to_csv(folder / "strengths.csv", index=False)
    description = {name: record[name] for name in ("architecture", "dataset", "family", "parameters", "depth")}
    description["repeats"] = [run["repeat"] for run in record["repeats"]]
    description["layers"] = [{"name": name, "kind": "dense", "shape": shape} for name, shape in shapes.items()]
    description["node_layers"] = [{"name": name, "nodes": count} for name, count in nodes.items()]
    if record["family"] == "vit":
        attention = generator.dirichlet(np.ones(5), (len(record["repeats"]), 1, 2))[..., :4]
        save_file({"attention": attention.astype(np.float32)}, folder / "attention.safetensors")
        description["attention"] = {"images": 50, "patches": [2, 2]}
    write_json(folder / "record.json", description)
    return item
