"""A whole constructed study: the first stages' items as in `constructed`, pruned and quantized with known findings.

Once trained, half of the units cut by lot cost a point more than by l1 (paired, exactly), and fresh weights three.
Of the whole network 30 % of the weights are redundant, of each layer none, and 60 % with fine-tuning. The first of two
groups of units bears less than the last.
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from complexity_study import DNN as GATED_DNN
from complexity_study import VIT, write_complexity
from constructed import PARAMS as SHARED
from constructed import STEADY, STEP, write_json, write_sweep, write_weights
from depth_study import DNN, LONELY, RESNET, write_depths
from safetensors.numpy import save_file

from minarch import convergence, finalists, representatives, similarity
from minarch.files import read_json
from minarch.flow.stages.train import Recipe

HOW = {
    "importance": "L1",
    "scope": "layer",
    "target": "units",
    "heads": False,
    "residual": False,
    "schedule": "one-shot",
    "weights": "trained",
    "rewind": 0,
    "round_to": None,
}
NO_OVERLAP = {"train-test": 0, "train-validation": 0, "validation-test": 0}
METHODS = {"l1": {}, "random": {"importance": "random"}, "fresh": {"weights": "fresh"}}
COSTS = {"l1": (0.2, 0.0203), "random": (0.4, 0.0303), "fresh": (0.2, 0.0503)}  # right after the cut, once trained
QUANTIZED = {"int8": 0.02, "careful": 0.01}  # what INT8 by each method loses
PRECISIONS = [
    ("fp32", "tensor", 32),
    *((f"int{bits}", scheme, bits) for bits in (8, 4, 2) for scheme in ("tensor", "channel")),
]
PROCESSOR = {"device": "a CPU", "threads": 1, "int8_kernel": "jit_I8", "int8_saturates": False}
NO_SIZES = dict.fromkeys(("code", "weights", "stack"))
LABELS = np.arange(40) % 10  # of the test images
LEVELS = [0.0, 0.3, 0.6, 0.9]
KEPT = {  # of the accuracy, at LEVELS
    ("global", False): [1.0, 0.995, 0.7, 0.1],
    ("layer", False): [1.0, 0.9, 0.5, 0.1],
    ("global", True): [1.0, 1.0, 0.995, 0.9],
}
GROUPS = {"first": (8, 30.0), "last": (4, 10.0), "only": (1, 0.0)}  # units, points lost by cutting all of them
PARAMS: dict[str, Any] = SHARED | {
    "prune": {"finetune": Recipe.model_validate({"epochs": 2}).model_dump(mode="json")},
    "complexity": {"controls": ["l1", "fresh", "swept"]},
}
DEEPER = {700: STEP[400], 3000: STEP[1000]}  # further models, of depth 3


def write_curve(item: Path, rows: list[dict[str, Any]], point: list[str]) -> None:
    """curve.csv, and apart from it the test accuracies, here the same."""
    for file, columns in {"curve.csv": [*rows[0]], "test.csv": [*point, "accuracy"]}.items():
        with (item / file).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(row | {"accuracy": row["validation_accuracy"]} for row in rows)


def write_magnitude(item: Path, model: dict[str, str], accuracy: float, scope: str, level: float | None = None) -> Path:
    """A curve without fine-tuning, or (with `level`) one level of the fine-tuned one."""
    write_json(item / "results.json", {"kind": "magnitude", **model, "scope": scope, "finetuned": level is not None})
    kept = dict(zip(LEVELS, KEPT[scope, level is not None], strict=True))
    rows = [
        {
            "repeat": r,
            "level": at,
            "remaining_parameters": 1,
            "validation_loss": 1.0,
            "validation_accuracy": k * accuracy,
        }
        for r in range(3)
        for at, k in kept.items()
        if level in (None, at)
    ]
    write_curve(item, rows, ["repeat", "level"])
    return item


def write_sensitivity(item: Path, model: dict[str, str], accuracy: float) -> Path:
    write_json(item / "results.json", {"kind": "sensitivity", **model, "importance": "L1"})
    rows = [
        {"repeat": r, "group": name, "units": units, "level": level, "removed": int(units * level)}
        | {"validation_accuracy": accuracy - level * points / 100}
        for r in range(3)
        for name, (units, points) in GROUPS.items()
        for level in (0.25, 0.5)
    ]
    write_curve(item, rows, ["repeat", "group", "level"])
    return item


def write_structured(
    item: Path, model: dict[str, str], method: str, parameters: int, accuracy: float, broken: bool, level: float = 0.5
) -> Path:
    """`level` of the units cut, or nothing (0.25: the layers are too small); `broken`: the last repeat is unstable."""
    removed = level if level == 0.5 else 0.0
    runs, tests = [], []
    after, trained = COSTS[method]
    for repeat in range(3):
        gone = broken and repeat == 2
        steps = {"base": accuracy, "pruned": accuracy - after, "reestimated": accuracy - after}
        steps["finetuned"] = accuracy - trained + STEADY[repeat]
        steps = dict.fromkeys(steps) if gone else steps
        left = round(parameters * (1 - removed))
        sizes = {"parameters": left, "macs": 2 * left, "removed_share": removed}
        status = "unstable" if gone else "ok" if removed else "nothing_removed"
        run = {"repeat": repeat, "status": status, "spec": None, "groups": []} | {"validation": steps}
        run |= {"parameters_before": parameters, "macs_before": 2 * parameters}
        run |= {"validation_accuracy": steps["finetuned"]}
        runs.append(run | (dict.fromkeys(sizes) if gone else sizes))
        tests.append({"repeat": repeat, **steps})
    record = {"kind": "structured", "method": method, "level": level, "how": HOW | METHODS[method], **model}
    record["weights"] = "weights.safetensors"
    write_json(item / "results.json", record | {"repeats": runs})
    write_json(item / "test.json", {"repeats": tests})
    return item


def write_export(
    item: Path, variant: dict[str, Any], parameters: int, accuracy: float, broken: bool, how: str, repeats: int = 3
) -> Path:
    """FP32 and INT8 of every repeat; a quarter of the weights' bytes stays. QUANTIZED says what a method loses.

    INT8 is ONNX, FP32 has no counterpart there.
    The images that are predicted wrongly are the first ones, as many as the accuracy says to the nearest one.
    """
    runs, tests, classes = [], [], {}
    for repeat in range(repeats):
        chance, gone = STEADY[repeat % len(STEADY)], broken and repeat == 2
        reached = {"fp32": accuracy + chance, "int8": accuracy + chance - QUANTIZED[how]}
        for precision, share in ({} if gone else reached).items():
            mistaken = np.arange(len(LABELS)) < round((1 - share) * len(LABELS))
            classes[f"{precision}-{repeat}"] = ((LABELS + mistaken) % 10).astype(np.uint8)
        weights = {"fp32": 4 * parameters, "int8": parameters}
        sizes = {
            "bytes": {"fp32": weights["fp32"] + 500, "int8": weights["int8"] + 900},
            "weight_bytes": weights,
            "no_onnx": {"fp32": "operation Sort has no counterpart in ONNX", "int8": None},
        }
        sizes = {name: dict.fromkeys(part) if gone else part for name, part in sizes.items()}
        reached = dict.fromkeys(reached) if gone else reached
        run = {"repeat": repeat, "status": "unstable" if gone else "ok", "parameters": None if gone else parameters}
        run |= {"macs": None if gone else 2 * parameters, "agreement": None if gone else 0.97}
        run |= {"reverted": ["first", "last"] if how == "careful" and not gone else None, "qat": None}
        runs.append(run | sizes | {"validation": {"torch": reached["fp32"], **reached}})
        tests.append({"repeat": repeat, **reached})
    record = variant | {"kind": "export", "quantization": how, "precision": "int8", "backend": "openvino"}
    write_json(item / "results.json", record | {"repeats": runs})
    write_json(item / "test.json", {"repeats": tests})
    write_json(item / "timing.json", PROCESSOR | {"seconds": 1.0})
    save_file(classes, item / "classes.safetensors")
    return item


def write_latency(item: Path, exports: list[Path]) -> Path:
    """INT8 is twice as fast; the first method's item of a model holds FP32, too, of which there is no C."""
    held: set[str] = set()
    files, compiled = [], []
    for export in exports:
        record = json.loads((export / "results.json").read_text())
        if record["kind"] == "export":
            model = json.dumps([record[name] for name in ("dataset", "architecture", "method", "level")])
            took = {} if model in held else {"fp32": 0.01234}
            for precision, median in (took | {"int8": 0.00617}).items():
                file = {"item": export.name, "precision": precision, "median": median, "low": 0.0121, "high": 0.0131}
                files += [file | {"batch": batch} for batch in (1, 64)]
                weights = record["repeats"][0]["weight_bytes"]["int8"] + 100
                sizes = {"code": 800, "weights": weights, "stack": 1000} if precision == "int8" else NO_SIZES
                why = None if precision == "int8" else "it has no ONNX file"
                compiled.append({"item": export.name, "precision": precision, **sizes, "no_c": why})
            held.add(model)
    timing = PROCESSOR | {"rounds": 7, "files": files, "compiler": "cc 1, for elsewhere", "no_compiler": None}
    write_json(item / "timing.json", timing | {"c": compiled, "seconds": 2.0})
    return item


def write_precisions(item: Path, variant: dict[str, Any], parameters: int, accuracy: float, broken: bool) -> Path:
    """Nothing is lost down to 4 bits, 5 points at 2 bits, of pruned networks 8; the smaller a network the more."""
    item.mkdir(parents=True)
    rows = []
    for repeat in range(2 if broken else 3):
        for precision, scheme, bits in PRECISIONS:
            lost = (0.05 if variant["method"] == "original" else 0.08) + 0.01 * (4 - np.log10(parameters))
            reached = accuracy + STEADY[repeat] - (lost if bits == 2 else 0)
            point = {"repeat": repeat, "precision": precision, "scheme": scheme}
            rows.append(point | {"bits": bits, "bytes": parameters * bits // 8, "accuracy": reached})
    table = pd.DataFrame(rows)
    table.rename(columns={"accuracy": "validation_accuracy"}).assign(validation_loss=0.3).to_csv(
        item / "curve.csv", index=False
    )
    table[["repeat", "precision", "scheme", "accuracy"]].to_csv(item / "test.csv", index=False)
    write_json(item / "results.json", variant | {"kind": "curve", "simulated": True, "repeats": []})
    return item


def write_deeper(root: Path, dataset: str, family: str) -> list[Path]:
    """Sweep items of depth 3, with a width."""
    items = []
    for parameters, best in DEEPER.items():
        item = write_sweep(root / f"{dataset}-{family}-{parameters}-x", dataset, family, parameters, best, depth=3)
        record = json.loads((item / "results.json").read_text())
        write_json(item / "results.json", record | {"knobs": {"width": 16}})
        items.append(item)
    return items


def write_study(
    root: Path, datasets: dict[str, list[str]], broken: bool = False, plain: bool = False, searched: bool = True
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Items of every stage but the last, data set -> families; returns (config, inputs) of the aggregate stage.

    Every family has the sizes of STEP, a dnn those of DEEPER as further models. `broken`: of each structured pruning
    one repeat has no numbers, there is a depth 2 of which every training fails, and a search for a depth that no depth
    meets. `plain`: one method, one scope, no further models, no search for a depth, no gates, nothing optional.
    `searched`: networks of stages depth and complexity can be finalists.
    """
    stages = ("data", "sweep", "weights", "depth", "complexity", "prune", "quantize")
    inputs: dict[str, Any] = {stage: [] for stage in stages}
    further = {} if plain else {"dnn": [f"dnn-{parameters}" for parameters in DEEPER]}
    for dataset, families in datasets.items():
        item = root / "data" / f"{dataset}-x"
        counts = {"train": 100, "validation": 50, "test": 40}
        overlap = {"train-test": 3, "train-validation": 2, "validation-test": 1} if dataset == "mnist" else NO_OVERLAP
        record = {"dataset": dataset, "shape": [1, 8, 8], "classes": 10, "counts": counts, "overlap": overlap}
        write_json(item / "record.json", record | {"class_names": [f"class {i}" for i in range(10)]})
        save_file({"labels": LABELS}, item / "test.safetensors")
        inputs["data"].append(item)
        if not plain:
            inputs["depth"] += write_depths(root / "depth", dataset, [DNN, LONELY if broken else RESNET])
            inputs["complexity"] += write_complexity(root / "complexity", dataset, [GATED_DNN, VIT])
        for family in families:
            for parameters, best in STEP.items():
                item = root / "sweep" / f"{dataset}-{family}-{parameters}-x"
                inputs["sweep"].append(write_sweep(item, dataset, family, parameters, best))
            if broken:
                item = root / "sweep" / f"{dataset}-{family}-deep-x"
                inputs["sweep"].append(write_sweep(item, dataset, family, 60, STEP[50], diverged=[0], depth=2))
            if family in further:
                inputs["sweep"] += write_deeper(root / "sweep", dataset, family)
    inputs["weights"] = [write_weights(root / "weights" / f"{item.name}-w", item) for item in inputs["sweep"]]
    params = PARAMS | {"representatives": PARAMS["representatives"] | {"further": further}}
    params |= {"data": {"datasets": list(datasets)}}
    works = {"similarity": similarity.work, "convergence": convergence.work, "representatives": representatives.work}
    for stage, work in works.items():
        inputs[stage] = root / stage
        inputs[stage].mkdir()
        work(params[stage], inputs, inputs[stage])
    for chosen in json.loads((inputs["representatives"] / "representatives.json").read_text()):
        write_pruned(root, inputs, chosen, broken, plain)
    choose_finalists(root, inputs, searched)
    for entry in read_json(inputs["finalists"] / "finalists.json"):
        write_finalist(root, inputs, entry, plain)
    inputs["latency"] = write_latency(root / "latency", inputs["quantize"])
    return {"study": "constructed", "max_drop_points": 1.0, "params": params}, inputs


def choose_finalists(root: Path, inputs: dict[str, Any], searched: bool) -> None:
    """The item of stage finalists, from all networks but those of controls."""
    pruned = [item for item in inputs["prune"] if (item / "test.json").exists()]  # curves have test.csv
    records = {item: read_json(item / "results.json") for item in [*pruned, *inputs["complexity"]]}
    controls = [item for item in pruned if records[item]["method"] in ("random", "fresh")]
    controls += [item for item in inputs["complexity"] if records[item]["way"] not in ("full", "gated")]
    networks = [*inputs["sweep"], *pruned, *(inputs["depth"] + inputs["complexity"] if searched else [])]
    config = {"failure_share": 0.05, "confidence": 0.95, "within_points": 3.0}
    inputs["finalists"] = root / "finalists"
    inputs["finalists"].mkdir()
    given = {"data": inputs["data"], "networks": [item for item in networks if item not in controls]}
    finalists.work(config, given, inputs["finalists"])


def write_finalist(root: Path, inputs: dict[str, Any], entry: dict[str, Any], plain: bool) -> None:
    """The exports of a finalist, if it has none."""
    variant = {name: entry[name] for name in ("dataset", "family", "architecture", "method", "level")}
    exported = [read_json(item / "results.json") for item in inputs["quantize"]]
    if not any(all(record[field] == value for field, value in variant.items()) for record in exported):
        for how in list(QUANTIZED)[: 1 if plain else 2]:
            item = root / "quantize" / f"{'-'.join(map(str, variant.values()))}-{how}"
            size, reached = round(entry["parameters"]), entry["validation_mean"]
            inputs["quantize"].append(write_export(item, variant, size, reached, False, how))


def write_pruned(root: Path, inputs: dict[str, Any], chosen: dict[str, Any], broken: bool, plain: bool) -> None:
    """All items of one model. Of the minimal one level 0.25 removes nothing; random is not exported."""
    model = {name: chosen[name] for name in ("dataset", "family", "architecture")}
    parameters, slug = chosen["parameters"], "-".join(model.values())
    accuracy = (STEP | DEEPER)[parameters][0]
    methods = ["l1"] if plain else list(METHODS)
    prune, quantize = root / "prune", root / "quantize"
    items = [write_magnitude(prune / f"{slug}-global", model, accuracy, "global")]
    items += [write_structured(prune / f"{slug}-{m}", model, m, parameters, accuracy, broken) for m in methods]
    if not plain:
        items.append(write_magnitude(prune / f"{slug}-layer", model, accuracy, "layer"))
        tuned = [(level, prune / f"{slug}-tuned-{level}") for level in LEVELS[1:]]
        items += [write_magnitude(item, model, accuracy, "global", level) for level, item in tuned]
        items.append(write_sensitivity(prune / f"{slug}-sensitivity", model, accuracy))
        if chosen["role"] == "minimal":
            item = prune / f"{slug}-none"
            items.append(write_structured(item, model, "l1", parameters, accuracy, broken, level=0.25))
    inputs["prune"] += items
    variants = [(model | {"method": "original", "level": 0}, parameters, accuracy, False)]
    for method in [method for method in methods if method != "random"]:
        cut, left = model | {"method": method, "level": 0.5}, round(parameters / 2)
        variants.append((cut, left, accuracy - COSTS[method][1], broken))
    for variant in variants:
        name = f"{slug}-{variant[0]['method']}"
        for how in list(QUANTIZED)[: 1 if plain else 2]:
            inputs["quantize"].append(write_export(quantize / f"{name}-{how}", *variant, how))
        if not plain:
            inputs["quantize"].append(write_precisions(quantize / f"{name}-precision", *variant))
