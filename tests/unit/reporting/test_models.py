import pandas as pd
import pytest
from constructed import RELIABILITY

from minarch.analysis.precision import TEST_DROP
from minarch.reporting.tables.models import front_table, model_name, with_failures
from minarch.reporting.tables.quantization import quantization_table

IDENTITY = {"dataset": "digits", "family": "dnn", "architecture": "dnn-8", "method": "l1", "level": 0.5}


@pytest.mark.parametrize(
    ("method", "weights", "removed", "several", "name"),
    [
        ("original", "", 0.0, True, "dnn-8, INT8"),
        ("l1", "trained", 0.5, False, "dnn-8, 50 % of units cut, INT8"),
        ("l1", "trained", 0.5, True, "dnn-8, l1, 50 % of units cut, INT8"),
        ("l1", "trained", 0.0, False, "dnn-8, nothing cut, fine-tuned, INT8"),
        ("lottery", "rewound", 0.25, True, "dnn-8, lottery, 25 % of units cut, rewound, INT8"),
        ("small", "fresh", 0.5, False, "dnn-8, 50 % of units cut, trained anew, INT8"),
        ("small", "fresh", 0.0, True, "dnn-8, small, nothing cut, trained anew, INT8"),
    ],
)
def test_a_model_is_named_by_what_was_done(method: str, weights: str, removed: float, several: bool, name: str) -> None:
    row = IDENTITY | {"method": method, "weights": weights, "level": 0.6, "removed_share": removed}
    row |= {"precision": "int8", "quantization": "int8"}
    assert model_name(pd.Series(row), several) == name
    other = pd.Series(row | {"quantization": "careful"})
    assert model_name(other, several) == name.replace("INT8", "INT8 (careful)")


def test_levels_that_cut_the_same_units_are_one_model_of_the_front() -> None:
    same = IDENTITY | {"precision": "fp32", "removed_share": 0.0, "bytes": 100.0, "repeats": 5, "failed": 0}
    accuracy = {"validation_mean": 0.9, "test_mean": 0.89}
    models = pd.DataFrame(
        [same | accuracy | {"model": f"level {level}", "level": level} for level in (0.25, 0.5, 0.75)]
    )
    front = front_table(models, max_drop_points=1.0, reliability=RELIABILITY)
    assert front["model"].tolist() == ["level 0.25"]
    assert front["recommended"].tolist() == [True] and front["best"].tolist() == [True]


def test_fewer_bits_that_are_no_fewer_bytes_are_neither_recommended_nor_on_the_front() -> None:
    same = IDENTITY | {"removed_share": 0.0, "repeats": 5, "failed": 0, "test_mean": 0.9}
    whole = same | {"model": "FP32", "precision": "fp32", "bytes": 100.0, "validation_mean": 0.9}
    for size, on_front in ((99.0, ["INT8"]), (100.0, ["FP32"]), (101.0, ["FP32"])):
        coarse = same | {"model": "INT8", "precision": "int8", "bytes": size, "validation_mean": 0.91}
        front = front_table(pd.DataFrame([whole, coarse]), max_drop_points=1.0, reliability=RELIABILITY)
        assert front["model"].tolist() == on_front and front["recommended"].tolist() == [True]


def test_no_reliable_model_gives_an_empty_front() -> None:
    row = IDENTITY | {"precision": "fp32", "removed_share": 0.0, "bytes": 1.0, "repeats": 5, "failed": 3, "model": "m"}
    front = front_table(
        pd.DataFrame([row | {"validation_mean": 0.9, "test_mean": 0.9}]), max_drop_points=1.0, reliability=RELIABILITY
    )
    assert front.empty and {"recommended", "best"} <= set(front.columns)


def test_what_int8_costs_is_paired_by_repeat() -> None:
    rows = []
    for repeat, fp32, int8 in [(0, 0.9, 0.88), (1, 0.8, 0.78), (2, 0.7, 0.68)]:
        common = IDENTITY | {"repeat": repeat, "parameters": 10.0, "agreement": 0.95}
        for precision, accuracy in [("fp32", fp32), ("int8", int8)]:
            sizes = {"bytes": 30.0, "weight_bytes": 20.0, "file_format": "ONNX"}
            sizes |= {"validation": accuracy, "test": accuracy}
            stored = {"precision": precision, "quantization": "" if precision == "fp32" else "int8"}
            rows.append(common | sizes | stored | {"reverted": 2 * repeat, "trained": repeat == 0})
    timed = [("fp32", "", 0.3), ("int8", "int8", 0.1)]
    latencies = pd.DataFrame(
        [IDENTITY | {"batch": 1, "precision": p, "quantization": q, "median": ms} for p, q, ms in timed]
    )
    table = quantization_table(pd.DataFrame(rows), latencies, ["int8"], 0.95)
    row = table.iloc[0]
    assert (row["bytes"], row["bytes_fp32"], row["file_format"]) == (30.0, 30.0, "ONNX")
    assert len(table) == 1 and row["faster_1"] == pytest.approx(3.0)
    assert row["reverted"] == 2 and row["trained"] == pytest.approx(1 / 3)
    # The accuracies spread by 10 points, the losses do not spread at all.
    assert [row[column] for column in TEST_DROP] == pytest.approx([2.0, 2.0, 2.0])


def test_a_model_fails_where_its_network_failed_or_its_file_is_below_twice_chance() -> None:
    variant = IDENTITY | {"quantization": "int8", "precision": "int8"}
    rows = [(0, "ok", 0.9), (1, "ok", 0.19), (2, "unstable", None), (3, "ok", 0.9)]
    exports = pd.DataFrame([variant | {"repeat": r, "status": s, "validation": v} for r, s, v in rows])
    networks = pd.DataFrame([IDENTITY | {"repeat": r, "failed": r == 3} for r in range(4)])
    failed = with_failures(exports, networks, pd.Series({"digits": 10}), RELIABILITY)["failed"]
    assert failed.tolist() == [False, True, True, True]
    unknown = with_failures(exports, networks[:0], pd.Series({"digits": 10}), RELIABILITY)["failed"]
    assert unknown.tolist() == [False, True, True, False], "of a control nothing else is known"
