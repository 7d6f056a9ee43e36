import pytest

from minarch.contract import ORIGINAL
from minarch.reporting.findings.quantization import methods_of
from minarch.reporting.tables.quantization import quantization_table, read_exports, read_latencies


def test_methods_side_by_side(quantized_study) -> None:
    items = quantized_study["quantize"]
    methods = ["int8", "careful"]
    table = quantization_table(
        read_exports(items, methods), read_latencies(quantized_study["latency"], items), methods, 0.95
    )
    methods = {(row["quantization"], row["models"]): row for row in methods_of(table, 1.0)}
    assert set(methods) == {(name, models) for name in ("int8", "careful") for models in ("as trained", "pruned")}
    for (name, _), row in methods.items():
        assert row["lost"] == row["most"] == pytest.approx({"int8": 2.0, "careful": 1.0}[name])
        assert row["within"] == (0 if name == "int8" else row["cases"])
        assert row["reverted"] == (row["cases"] if name == "careful" else 0) and row["trained"] == 0
        assert row["weights"] == 0.25 and row["faster_1"] == row["faster_64"] == pytest.approx(2.0)
    originals = sum(table["method"].eq(ORIGINAL) & table["quantization"].eq("int8"))
    assert methods["int8", "as trained"]["cases"] == originals > 0
