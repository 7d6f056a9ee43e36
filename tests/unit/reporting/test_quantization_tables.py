"""Tables of models in fewer bits, on constructed studies whose findings are known."""

from minarch.analysis.precision import VARIANT
from minarch.analysis.records import MODEL
from minarch.reporting.models import models_table
from minarch.reporting.quantization import FLOAT32, read_exports, read_latencies
from minarch.reporting.records import read_structured


def test_float32_is_one_file_however_many_methods_there_are(quantized_study):
    exports, latencies = read_exports(quantized_study["quantize"]), read_latencies(quantized_study["quantize"])
    whole = exports[exports["precision"] == FLOAT32]
    assert set(whole["quantization"]) == {""} and not whole.duplicated([*VARIANT, "repeat"]).any()
    assert len(exports) == 3 * len(whole)
    models = models_table(exports, read_structured(quantized_study["prune"]), latencies, 0.95)
    assert not models.duplicated(["dataset", "model"]).any()
    assert (models["latency_1_ms"].where(models["precision"] == FLOAT32).dropna() == 0.01234).all()
    assert (models["latency_64_ms"].where(models["precision"] != FLOAT32).dropna() == 0.00617).all()


def test_smaller_models_are_hurt_more_at_two_bits(simulated):
    hurt = simulated["hurt"].set_index(["precision", "scheme", "term"])["verdict"]
    for scheme in ("tensor", "channel"):
        assert hurt["int2", scheme, "log10_parameters"] == "hurt more"
        assert hurt["int8", scheme, "log10_parameters"] == "open"


def test_models_are_matched_by_name(simulated):
    for name in ("precision", "fewest", "fragile"):
        assert set(MODEL) <= set(simulated[name].columns) and not simulated[name].empty
