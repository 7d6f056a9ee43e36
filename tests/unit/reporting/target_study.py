"""A constructed study with a target, sizes that were trained unequally often, and no representatives."""

from pathlib import Path
from typing import Any

from constructed import PARAMS, STEP, write_json, write_sweep, write_weights
from pruned_study import LABELS, NO_OVERLAP, write_export, write_latency
from safetensors.numpy import save_file

from minarch import convergence, finalists, representatives, similarity
from minarch.files import read_json

TARGET = {"target": 0.95, "trainings": 10, "failure_share": 0.0}
REPEATS = {50: 2, 400: 1, 1000: 10, 6000: 4}  # of every size; those of 1000 and 6000 parameters reach the target


def write_target_study(
    root: Path, datasets: dict[str, list[str]], target: float = 0.95
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Items of every stage but the last, data set -> families; returns (config, inputs) of the aggregate stage."""
    inputs: dict[str, Any] = {stage: [] for stage in ("data", "sweep", "depth", "complexity", "prune", "quantize")}
    for dataset, families in datasets.items():
        item = root / "data" / f"{dataset}-x"
        counts = {"train": 100, "validation": 50, "test": 40}
        record = {"dataset": dataset, "shape": [1, 8, 8], "classes": 10, "counts": counts, "overlap": NO_OVERLAP}
        write_json(item / "record.json", record | {"class_names": [f"class {i}" for i in range(10)]})
        save_file({"labels": LABELS}, item / "test.safetensors")
        inputs["data"].append(item)
        for family in families:
            for parameters, best in STEP.items():
                item = root / "sweep" / f"{dataset}-{family}-{parameters}-x"
                repeats = REPEATS[parameters]
                inputs["sweep"].append(write_sweep(item, dataset, family, parameters, best, repeats=repeats))
    inputs["weights"] = [write_weights(root / "weights" / f"{item.name}-w", item) for item in inputs["sweep"]]
    params = PARAMS | {
        "data": {"datasets": list(datasets)},
        "convergence": PARAMS["convergence"] | TARGET | {"target": target},
        "representatives": {"roles": []},
        "prune": {"finetune": {"epochs": 2}},
    }
    reliable = {name: params["convergence"][name] for name in (*TARGET, "confidence")}
    configs = params | {"finalists": reliable | params["finalists"]}
    given = {**inputs, "networks": inputs["sweep"]}
    works = {
        "similarity": similarity.work,
        "convergence": convergence.work,
        "representatives": representatives.work,
        "finalists": finalists.work,
    }
    for stage, work in works.items():
        given[stage] = inputs[stage] = root / stage
        inputs[stage].mkdir()
        work(configs[stage], given, inputs[stage])
    for entry in read_json(inputs["finalists"] / "finalists.json"):
        variant = {name: entry[name] for name in ("dataset", "family", "architecture", "method", "level")}
        size, reached = round(entry["parameters"]), entry["validation_mean"]
        item = root / "quantize" / f"{'-'.join(map(str, variant.values()))}-int8"
        inputs["quantize"].append(write_export(item, variant, size, reached, False, "int8", REPEATS[size]))
    inputs["latency"] = write_latency(root / "latency", inputs["quantize"])
    return {"study": "constructed", "max_drop_points": 1.0, "params": params}, inputs
