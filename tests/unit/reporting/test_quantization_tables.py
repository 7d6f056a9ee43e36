"""Tables of models in fewer bits, on constructed studies whose findings are known."""

import pytest

from minarch.analysis.precision import VARIANT
from minarch.analysis.records import MODEL
from minarch.analysis.reliability import Reliability
from minarch.files import read_json
from minarch.quantization import CURVE, FLOAT32
from minarch.reporting.tables.compiled import c_front_table, read_compiled
from minarch.reporting.tables.models import models_table
from minarch.reporting.tables.quantization import EXPORTED, read_exports, read_latencies
from minarch.reporting.tables.read import read_structured

METHODS = ["int8", "careful"]


def models_of(quantized_study, exports):
    exports = exports.assign(failed=exports["status"] != "ok")
    return models_table(
        exports,
        read_structured(quantized_study["prune"]),
        read_latencies(quantized_study["latency"], quantized_study["quantize"]),
        0.95,
    )


def test_float32_is_one_file_however_many_methods_there_are(quantized_study):
    exports = read_exports(quantized_study["quantize"], METHODS)
    whole = exports[exports["precision"] == FLOAT32]
    assert set(whole["quantization"]) == {""} and not whole.duplicated([*VARIANT, "repeat"]).any()
    assert len(exports) == 3 * len(whole)
    models = models_of(quantized_study, exports)
    assert not models.duplicated(["dataset", "model"]).any()
    assert (models["latency_1_ms"].where(models["precision"] == FLOAT32).dropna() == 0.01234).all()
    assert (models["latency_64_ms"].where(models["precision"] != FLOAT32).dropna() == 0.00617).all()


def test_bytes_are_those_of_the_file_that_can_be_deployed(quantized_study):
    exports = read_exports(quantized_study["quantize"], METHODS)
    models = models_of(quantized_study, exports)
    for precision, graph, file_format in ((FLOAT32, 500, "IR"), ("int8", 900, "ONNX")):
        rows = models[models["precision"] == precision]
        assert not rows.empty and (rows["bytes"] == rows["weight_bytes"] + graph).all()
        assert set(rows["file_format"]) == {file_format}


def test_bytes_as_c_are_code_and_weights_and_the_front_in_them_has_those_that_there_is_c_of(quantized_study):
    models = models_of(quantized_study, read_exports(quantized_study["quantize"], METHODS))
    compiled = read_compiled(quantized_study["latency"], quantized_study["quantize"])
    models = models.merge(compiled, on=EXPORTED, how="left", validate="one_to_one")
    whole = models["precision"] == FLOAT32
    assert (models.loc[whole, "no_c"] == "it has no ONNX file").all() and models.loc[whole, "c_bytes"].isna().all()
    in_c = models[~whole]
    assert (in_c["no_c"] == "").all() and (in_c["c_code_bytes"] == 800).all() and (in_c["c_stack_bytes"] == 1000).all()
    assert (in_c["c_bytes"] == in_c["c_weight_bytes"] + 800).all()
    front = c_front_table(models, max_drop_points=1.0, reliability=Reliability(failure_share=0.5))
    assert not front.empty and "bytes" not in front and set(front["precision"]) == {"int8"}
    for _, rows in front.groupby("dataset"):
        assert rows["c_bytes"].is_monotonic_increasing and rows["validation_mean"].is_monotonic_increasing
        assert rows["recommended"].sum() == rows["best"].sum() == 1


def test_a_model_s_row_names_the_items_that_hold_its_files(quantized_study):
    items = {item.name: read_json(item / "results.json") for item in quantized_study["quantize"]}
    models = models_of(quantized_study, read_exports(quantized_study["quantize"], METHODS))
    for _, row in models.iterrows():
        (name,) = row["items"].split()
        record = items.pop(name) if row["precision"] != FLOAT32 else items[name]
        assert [record[column] for column in VARIANT] == row[VARIANT].tolist()
        first = row["precision"] == FLOAT32  # each method measures the same float32 file again: the first one keeps it
        assert record["quantization"] == (METHODS[0] if first else row["quantization"])
        assert first or record["precision"] == row["precision"]
    assert models["precision"].eq(FLOAT32).any() and {record["kind"] for record in items.values()} == {CURVE}


def test_every_block_of_repeats_has_its_item(quantized_study):
    exports = read_exports(quantized_study["quantize"], METHODS)
    apart = exports.assign(item=exports["item"].where(exports["repeat"] < 2, exports["item"] + "-2"))
    whole, blocks = models_of(quantized_study, exports)["items"], models_of(quantized_study, apart)["items"]
    assert blocks.tolist() == [f"{name} {name}-2" for name in whole]


def test_smaller_models_are_hurt_more_at_two_bits(simulated):
    hurt = simulated["hurt"].set_index(["family", "precision", "scheme", "loss", "term"])
    for scheme in ("tensor", "channel"):
        assert hurt.loc[("dnn", "int2", scheme, "points", "size"), "coefficient"] == pytest.approx(-1)
        assert hurt.loc[("dnn", "int2", scheme, "points", "size"), "verdict_adjusted"] == "hurt more"
        assert hurt.loc[("dnn", "int8", scheme, "points", "size"), "verdict_adjusted"] == "open"
    assert set(hurt.xs("difficulty", level="term")["verdict"]) <= {f"too few data sets ({n}) to tell" for n in (1, 2)}


def test_models_are_matched_by_name(simulated):
    for name in ("precision", "fewest", "fragile"):
        assert set(MODEL) <= set(simulated[name].columns) and not simulated[name].empty
