"""Tables and counts of models in fewer bits, on constructed studies whose findings are known."""

import pandas as pd
import pytest
from pruned_study import write_study

from minarch.analysis.minimal import Bootstrap
from minarch.analysis.precision import ORIGINAL, VARIANT
from minarch.analysis.records import MODEL
from minarch.files import read_json
from minarch.quantization import CURVE, FLOAT32
from minarch.reporting.quantization_verdicts import fewest_counts, fragility, hurt_at, methods_of
from minarch.reporting.tables.models import models_table
from minarch.reporting.tables.quantization import precision_tables, quantization_table, read_exports, read_latencies
from minarch.reporting.tables.read import read_structured

BOOTSTRAP = Bootstrap(resamples=100, confidence=0.95, seed=0)
METHODS = ["int8", "careful"]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"), {"digits": ["dnn", "cnn"], "mnist": ["dnn"]})[1]


@pytest.fixture(scope="module")
def simulated(inputs):
    parameters = pd.DataFrame(
        [row for item in inputs["sweep"] for row in [pd.read_json(item / "results.json", typ="series").to_dict()]]
    )
    return precision_tables(inputs["quantize"], parameters, 1.0, BOOTSTRAP)


def models_of(inputs, exports):
    return models_table(exports, read_structured(inputs["prune"]), read_latencies(inputs["quantize"]), 0.95)


def test_float32_is_one_file_however_many_methods_there_are(inputs):
    exports = read_exports(inputs["quantize"], METHODS)
    whole = exports[exports["precision"] == FLOAT32]
    assert set(whole["quantization"]) == {""} and not whole.duplicated([*VARIANT, "repeat"]).any()
    assert len(exports) == 3 * len(whole)
    models = models_of(inputs, exports)
    assert not models.duplicated(["dataset", "model"]).any()
    assert (models["latency_1_ms"].where(models["precision"] == FLOAT32).dropna() == 0.01234).all()
    assert (models["latency_64_ms"].where(models["precision"] != FLOAT32).dropna() == 0.00617).all()


def test_a_model_s_row_names_the_items_that_hold_its_files(inputs):
    items = {item.name: read_json(item / "results.json") for item in inputs["quantize"]}
    models = models_of(inputs, read_exports(inputs["quantize"], METHODS))
    for _, row in models.iterrows():
        (name,) = row["items"].split()
        record = items.pop(name) if row["precision"] != FLOAT32 else items[name]
        assert [record[column] for column in VARIANT] == row[VARIANT].tolist()
        first = row["precision"] == FLOAT32  # each method writes the same float32 file again: the first one's counts
        assert record["quantization"] == (METHODS[0] if first else row["quantization"])
        assert first or record["precision"] == row["precision"]
    assert models["precision"].eq(FLOAT32).any() and {record["kind"] for record in items.values()} == {CURVE}


def test_every_block_of_repeats_has_its_item(inputs):
    exports = read_exports(inputs["quantize"], METHODS)
    apart = exports.assign(item=exports["item"].where(exports["repeat"] < 2, exports["item"] + "-2"))
    whole, blocks = models_of(inputs, exports)["items"], models_of(inputs, apart)["items"]
    assert blocks.tolist() == [f"{name} {name}-2" for name in whole]


def test_methods_side_by_side(inputs):
    exports, latencies = read_exports(inputs["quantize"], METHODS), read_latencies(inputs["quantize"])
    table = quantization_table(exports, latencies, METHODS, 0.95)
    counts = {(row["quantization"], row["models"]): row for row in methods_of(table, 1.0)}
    assert set(counts) == {(name, models) for name in METHODS for models in ("as trained", "pruned")}
    for (name, _), row in counts.items():
        assert row["lost"] == row["most"] == pytest.approx({"int8": 2.0, "careful": 1.0}[name])
        assert row["within"] == (0 if name == "int8" else row["cases"]) > -1
        assert row["reverted"] == (row["cases"] if name == "careful" else 0) and row["trained"] == 0
        assert row["weights"] == 0.25 and row["faster_1"] == row["faster_64"] == pytest.approx(2.0)
    originals = sum(table["method"].eq(ORIGINAL) & table["quantization"].eq("int8"))
    assert counts["int8", "as trained"]["cases"] == originals > 0


def test_four_bits_are_enough_for_all(simulated):
    counts = fewest_counts(simulated["fewest"])
    assert {(row["scheme"], row["models"]) for row in counts} == {
        (scheme, models) for scheme in ("tensor", "channel") for models in ("as trained", "pruned")
    }
    assert all(row["bits"] == {4: row["cases"]} and row["none"] == 0 for row in counts)


def test_pruning_made_them_more_fragile_at_two_bits_only(simulated):
    rows = fragility(simulated["fragile"], ["bits", "scheme", "method"])
    assert [row["bits"] for row in rows] == sorted((row["bits"] for row in rows), reverse=True)
    for row in rows:
        assert row["cases"] > 0 and row["less"] == 0
        assert row["more"] == (row["cases"] if row["bits"] == 2 else 0)
        if row["bits"] == 2:  # three points, and a third of a point for half the parameters
            assert row["median"] == pytest.approx(3.0 + 0.301, abs=0.01)


def test_smaller_models_are_hurt_more_at_two_bits(simulated):
    hurt = simulated["hurt"].set_index(["precision", "scheme", "term"])["verdict"]
    for scheme in ("tensor", "channel"):
        assert hurt["int2", scheme, "log10_parameters"] == "hurt more"
        assert hurt["int8", scheme, "log10_parameters"] == "open"


def test_where_it_hurts_is_told_in_words(simulated):
    size, difficulty = hurt_at(simulated["hurt"])
    assert (size["term"], size["more"], size["less"]) == ("log10_parameters", "int2 per row, int2 per tensor", "")
    assert size["open"] == 4 and difficulty["open"] == 6


def test_models_are_matched_by_name(simulated):
    for name in ("precision", "fewest", "fragile"):
        assert set(MODEL) <= set(simulated[name].columns) and not simulated[name].empty
