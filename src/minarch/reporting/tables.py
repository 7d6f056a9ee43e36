"""The tidy tables of a study, one CSV each; every mean has n and a Student-t interval beside it.

Accuracies are fractions, columns ending in _points percentage points, bytes and parameters means over the repeats.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from minarch.analysis.controls import controls_table
from minarch.analysis.depth import depth_table
from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.records import MODEL, read_runs
from minarch.files import read_json
from minarch.reporting import pruning, quantization, records
from minarch.reporting.models import front_table, models_table
from minarch.reporting.networks import layers_table, read_folders, read_rows, weights_table

FURTHER = "further"  # models that the study names, of which a family may have many; the other roles it has once
ROLES = ["minimal", "learning", "overfitting", FURTHER]
Tables = dict[str, pd.DataFrame]


def make_tables(config: dict[str, Any], inputs: dict[str, Any]) -> Tables:
    """All tables by name, from the items of every stage."""
    settings = config["params"]["convergence"]
    confidence = settings["confidence"]
    bootstrap = Bootstrap(resamples=settings["bootstrap"], confidence=confidence, seed=settings["seed"])
    sweep = read_runs(inputs["sweep"]).merge(records.read_sweep_tests(inputs["sweep"]), on=[*MODEL, "repeat"])
    roles = pd.DataFrame(read_json(inputs["representatives"] / "representatives.json"))
    representatives = representatives_table(roles, sweep, confidence)
    named = representatives[[*MODEL, "role"]]
    curves = records.read_magnitude(inputs["prune"])
    magnitude, redundancy = pruning.magnitude_tables(curves, sweep.groupby("dataset")["classes"].first(), bootstrap)
    layerwise = pruning.layerwise_table(records.read_sensitivity(inputs["prune"]), curves, confidence)
    ends = pruning.plateau_ends(curves).merge(sweep[[*MODEL, "depth", "parameters"]].drop_duplicates(MODEL), on=MODEL)
    ends = ends.merge(records.read_knobs(inputs["sweep"]), on=MODEL)
    exports, latencies = quantization.read_exports(inputs["quantize"]), quantization.read_latencies(inputs["quantize"])
    structured = records.read_structured(inputs["prune"])
    methods = list(config["params"]["quantize"]["methods"])
    quantized = quantization.quantization_table(exports, latencies, methods, confidence)
    simulated = quantization.precision_tables(inputs["quantize"], sweep, config["max_drop_points"], bootstrap)
    models = named.merge(models_table(exports, structured, latencies, confidence), on=MODEL)
    pruned = pruning.pruning_table(structured, models, failure_share=settings["failure_share"], confidence=confidence)
    folders = read_folders(inputs["weights"])
    layers, strengths = read_rows(folders, "layers"), read_rows(folders, "strengths")
    return {
        "data": records.read_datasets(inputs["data"]),
        "sweep": sweep,
        "sizes": sizes_table(
            pd.read_csv(inputs["convergence"] / "sizes.csv", dtype={"depth": "Int64"}), sweep, confidence
        ),
        "minimal": pd.read_csv(inputs["convergence"] / "minimal.csv", dtype=MINIMAL_TYPES),
        **{name: pd.read_csv(inputs["convergence"] / f"{name}.csv", dtype=BORDERS) for name in CONVERGENCE},
        "representatives": representatives,
        "weights": weights_table(layers, strengths, sweep, confidence),
        "layers": named.merge(layers_table(layers, confidence), on=MODEL),
        **{name: pd.read_csv(inputs["similarity"] / f"{file}.csv") for name, file in SIMILARITY.items()},
        "magnitude": named.merge(magnitude, on=MODEL),
        "redundancy": named.merge(redundancy, on=MODEL),
        "depth": depth_table(ends, bootstrap),
        "pruning": named.merge(pruned, on=MODEL),
        "controls": named.merge(controls_table(structured, sweep, confidence), on=MODEL),
        "layerwise": named.merge(layerwise, on=MODEL),
        "quantization": named.merge(quantized, on=MODEL),
        **{name: named.merge(simulated[name], on=MODEL) for name in ("precision", "fewest", "fragile")},
        "hurt": simulated["hurt"],
        "models": models,
        "front": front_table(
            models, max_drop_points=config["max_drop_points"], failure_share=settings["failure_share"]
        ),
    }


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain dicts, which templates and drawing code read."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def write_tables(tables: Tables, folder: Path) -> None:
    folder.mkdir()
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.10g")


COUNTS = ["p_min", "p_min_low", "p_min_high", "p_near_best", "p_near_best_low", "p_near_best_high"]
BORDERS = dict.fromkeys(["p_min", "p_near_best", "overfitting_from"], "Int64")  # empty: not on this grid
CONVERGENCE = ["sensitivity", "trend", "early", "shape"]
SIMILARITY = {"networks": "networks", "similarity": "blocks", "correlations": "correlations"}  # table -> file
MINIMAL_TYPES = {"depth": "string", "note": "string"} | dict.fromkeys(COUNTS, "Int64")


def sizes_table(sizes: pd.DataFrame, sweep: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The convergence stage's sizes with the last epoch's test accuracy beside them."""
    tests = sweep.rename(columns={"final_test_accuracy": "test"})
    return sizes.merge(with_intervals(tests, MODEL, ["test"], confidence, ACCURACY).drop(columns="n"), on=MODEL)


def representatives_table(roles: pd.DataFrame, sweep: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The chosen models by data set, family and role, with the accuracies of their best epochs (what goes on)."""
    best = sweep.rename(columns={"best_validation_accuracy": "validation", "best_test_accuracy": "test"})
    accuracies = with_intervals(best, MODEL, ["validation", "test"], confidence, ACCURACY)
    roles = roles.assign(items=roles["items"].str.join(" "), role=pd.Categorical(roles["role"], ROLES))
    return roles.merge(accuracies, on=MODEL).sort_values(["dataset", "family", "role", "parameters"], ignore_index=True)
