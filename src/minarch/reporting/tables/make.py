"""The tables of a study that several findings read, from the items of its stages."""

from pathlib import Path
from typing import Any

import pandas as pd

from minarch.analysis.controls import controls_table
from minarch.analysis.depth import depth_table
from minarch.analysis.finalists import FINALIST
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.precision import VARIANT
from minarch.analysis.records import MODEL, read_runs
from minarch.analysis.reliability import Reliability
from minarch.reporting.tables import Table, Tables, pruning, quantization, read
from minarch.reporting.tables.answers import answers_tables
from minarch.reporting.tables.compiled import c_front_table, read_compiled
from minarch.reporting.tables.complexity import complexity_tables
from minarch.reporting.tables.correct import read_rights, with_sampling
from minarch.reporting.tables.grown import SEARCH_MACS, SEARCH_TRAININGS, named_models, searched_models
from minarch.reporting.tables.magnitude import curve_measures, magnitude_tables
from minarch.reporting.tables.models import front_table, models_table, with_failures
from minarch.reporting.tables.networks import layers_table, read_folders, read_rows, weights_table
from minarch.reporting.tables.routes import routes_tables
from minarch.reporting.tables.search import search_tables
from minarch.reporting.tables.shape import shape_tables
from minarch.reporting.tables.spent import read_spent, routes_cost, spent_table
from minarch.reporting.tables.sweep import read_convergence, read_roles, representatives_table, sizes_table


def make_tables(config: dict[str, Any], inputs: dict[str, Any]) -> Tables:
    """The tables of Table by their names, from the items of every stage."""
    settings = config["params"]["convergence"]
    confidence = settings["confidence"]
    reliability = Reliability.of(settings)
    bootstrap = Bootstrap(resamples=settings["bootstrap"], confidence=confidence, seed=settings["seed"])
    sweep = read_runs(inputs["sweep"]).merge(read.read_sweep_tests(inputs["sweep"]), on=[*MODEL, "repeat"])
    classes = sweep.groupby("dataset")["classes"].first()
    representatives = representatives_table(read_roles(inputs["representatives"]), sweep, confidence)
    searches = search_tables(inputs.get("depth", []), confidence)
    controls = config["params"].get("complexity", {}).get("controls", [])
    gated = complexity_tables(inputs.get("complexity", []), sweep, confidence, controls)
    searched = searched_models(searches[Table.ODN], gated[Table.COMPLEXITY])
    candidates = pd.read_csv(inputs["finalists"] / "candidates.csv")
    named = named_models(representatives, searched, candidates[candidates[FINALIST]])
    curves = read.read_magnitude(inputs["prune"])
    magnitude, redundancy = magnitude_tables(curves, classes, bootstrap, reliability)
    layerwise = pruning.layerwise_table(read.read_sensitivity(inputs["prune"]), curves, confidence)
    structures = sweep[[*MODEL, "depth", "parameters"]].drop_duplicates(MODEL)
    structures = structures.merge(read.read_widths(inputs["sweep"]), on=MODEL)
    resistance = curve_measures(curves, classes, reliability).merge(structures, on=MODEL)
    methods = list(config["params"]["quantize"]["methods"])
    exports = quantization.read_exports(inputs["quantize"], methods)
    exports = with_failures(exports, pd.read_csv(inputs["finalists"] / "repeats.csv"), classes, reliability)
    latencies = quantization.read_latencies(inputs["latency"], inputs["quantize"])
    compiled = read_compiled(inputs["latency"], inputs["quantize"])
    structured = read.read_structured(inputs["prune"])
    parameters = pd.concat([models[[*MODEL, "parameters"]] for models in (sweep, searched)])
    drop = config["max_drop_points"]
    simulated = quantization.precision_tables(inputs["quantize"], parameters, classes, drop, bootstrap)
    final = reliability.with_proof(models_table(exports, structured, latencies, confidence), confidence)
    measured = named.merge(final, on=MODEL)
    pruned = pruning.pruning_table(structured, measured, reliability=reliability, confidence=confidence)
    models, exports = (pruning.without_idle_cuts(table, structured) for table in (measured, exports))
    rights = read_rights(models, inputs)
    models = with_sampling(models, rights, confidence)
    quantized = quantization.quantization_table(exports, latencies, methods, confidence)
    models = models.merge(searched[[*MODEL, SEARCH_MACS, SEARCH_TRAININGS]], on=MODEL, how="left")
    spent = read_spent(inputs, config["params"], candidates)
    made = spent_table(spent)
    models = models.merge(made, on=VARIANT, how="left").merge(compiled, on=quantization.EXPORTED, how="left")
    routes = candidates[VARIANT].merge(made, on=VARIANT)[["dataset", "route"]].drop_duplicates()
    folders = read_folders(inputs["weights"])
    layers, strengths = read_rows(folders, "layers"), read_rows(folders, "strengths")
    convergence = read_convergence(inputs["convergence"])
    limits: dict[str, Any] = {"max_drop_points": config["max_drop_points"], "reliability": reliability}
    front, data = front_table(models, **limits), read.read_datasets(inputs["data"])
    images = data.set_index("dataset").assign(trained=candidates["dataset"].value_counts())
    return {
        Table.DATA: data,
        Table.SWEEP: sweep,
        **convergence,
        **shape_tables(inputs["sweep"], sweep, convergence[Table.MINIMAL], settings["near_best_points"], bootstrap),
        Table.SIZES: sizes_table(convergence[Table.SIZES], sweep, confidence),
        Table.REPRESENTATIVES: representatives,
        Table.WEIGHTS: weights_table(layers, strengths, sweep, confidence),
        Table.LAYERS: named.merge(layers_table(layers, confidence), on=MODEL),
        Table.NETWORKS: pd.read_csv(inputs["similarity"] / "networks.csv"),
        Table.MAGNITUDE: named.merge(magnitude, on=MODEL),
        Table.REDUNDANCY: named.merge(redundancy, on=MODEL),
        Table.DEPTH: depth_table(resistance, confidence),
        **searches,
        **gated,
        Table.PRUNING: named.merge(pruned, on=MODEL),
        Table.CONTROLS: named.merge(controls_table(structured, sweep, confidence), on=MODEL),
        Table.LAYERWISE: named.merge(layerwise, on=MODEL),
        Table.QUANTIZATION: named.merge(quantized, on=MODEL),
        **{name: named.merge(simulated[name], on=MODEL) for name in (Table.PRECISION, Table.FEWEST, Table.FRAGILE)},
        Table.HURT: simulated[Table.HURT],
        Table.CANDIDATES: candidates,
        Table.MODELS: models,
        Table.FRONT: front,
        Table.FRONT_C: c_front_table(models, **limits),
        **answers_tables(models, front, exports, rights, images, inputs, config),
        **routes_tables(models, routes, routes_cost(spent), exports, config),
    }


def write_tables(tables: Tables, folder: Path) -> None:
    """Write every table as <name>.csv into the new `folder`."""
    folder.mkdir()
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.10g")
