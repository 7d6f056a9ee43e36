"""How narrow an answer is, against its definition."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from constructed import RELIABILITY

from minarch.analysis.answers import COLUMNS, answers
from minarch.analysis.reliability import Reliability
from minarch.analysis.routes import STORED

SETTINGS: dict[str, Any] = {"max_drop_points": 1.0, "reliability": RELIABILITY, "confidence": 0.95}


def study(*models: tuple[str, int, list[float]], **more: Any) -> tuple[pd.DataFrame, dict[Any, np.ndarray]]:
    """The models (name, bytes, validation accuracies of the repeats) as a table, and the accuracies."""
    same = {"dataset": "digits", "family": "dnn", "method": "original", "level": 0, "quantization": ""}
    rows = []
    for name, size, reached in models:
        row = same | {"architecture": name, "model": name, "precision": "fp32", "bytes": size, "n": len(reached)}
        rows.append(row | {"repeats": len(reached), "failed": 0, "validation_mean": np.mean(reached)} | more)
    table = pd.DataFrame(rows)
    keys = table[STORED].itertuples(index=False, name=None)
    return table, {key: np.array(reached) for key, (_, _, reached) in zip(keys, models, strict=True)}


def test_an_answer_is_as_narrow_as_its_distances_say() -> None:
    table, reached = study(
        ("tiny", 100, [0.90, 0.92, 0.91]),
        ("near", 200, [0.94, 0.96, 0.953]),
        ("answer", 300, [0.96, 0.962, 0.964]),
        ("large", 400, [0.969, 0.971, 0.970]),
    )
    row = answers(table, reached, **SETTINGS).iloc[0]
    assert (row["model"], row["best_model"], row["smaller_model"]) == ("answer", "large", "near")
    assert row["drop_points_mean"] == pytest.approx(0.8) and row["margin_points"] == pytest.approx(0.2)
    assert row["fitting"] == 2 and row["short_points"] == pytest.approx(96 - 95.1)
    assert row["lead_points_mean"] == pytest.approx(1.1) and row["verdict"] == "cannot tell"
    assert row["lead_points_low"] < 0 < row["drop_points_low"] < row["drop_points_mean"] < row["drop_points_high"]


def test_what_is_told_apart_is_better() -> None:
    table, reached = study(("near", 200, [0.951, 0.952, 0.953]), ("answer", 300, [0.969, 0.97, 0.971]))
    row = answers(table, reached, **SETTINGS).iloc[0]
    assert row["verdict"] == "better" and row["drop_points_mean"] == 0 and row["margin_points"] == pytest.approx(1)


def test_the_smallest_of_all_has_no_smaller_one() -> None:
    table, reached = study(("answer", 100, [0.97, 0.96]), ("large", 400, [0.97, 0.97]))
    row = answers(table, reached, **SETTINGS).iloc[0]
    assert row["fitting"] == 2 and pd.isna(row["smaller_model"]) and pd.isna(row["verdict"])


def test_one_repeat_has_no_interval() -> None:
    table, reached = study(("near", 200, [0.9]), ("answer", 300, [0.97]))
    row = answers(table, reached, **SETTINGS).iloc[0]
    assert row["lead_points_mean"] == pytest.approx(7) and pd.isna(row["lead_points_low"])
    assert row["verdict"] == "cannot tell"


def test_without_a_reliable_model_there_is_no_answer() -> None:
    table, reached = study(("answer", 300, [0.97]), failed=1)
    empty = answers(table, reached, **SETTINGS)
    assert empty.empty and list(empty) == COLUMNS


def test_with_a_target_the_smallest_reliable_model_is_the_answer_and_the_smaller_one_is_not_reliable() -> None:
    reliability = Reliability(failure_share=0.0, trainings=2, target=0.93)
    table, reached = study(
        ("tiny", 100, [0.90, 0.92, 0.91]),
        ("near", 200, [0.92, 0.96, 0.953]),
        ("answer", 300, [0.94, 0.95, 0.96]),
        ("large", 400, [0.969, 0.971, 0.970]),
    )
    table["failed"] = [int((values < 0.93).sum()) for values in reached.values()]
    table = reliability.with_proof(table, 0.95)
    row = answers(table, reached, **SETTINGS | {"reliability": reliability}).iloc[0]
    assert (row["model"], row["best_model"], row["smaller_model"]) == ("answer", "large", "near")
    assert (row["repeats"], row["reached"], row["smaller_repeats"], row["smaller_reached"]) == (3, 3, 3, 2)
    assert row["proven"] == pytest.approx(0.05 ** (1 / 3)) and row["smaller_proven"] < row["proven"]
    assert row["fitting"] == 2 and row["margin_points"] == pytest.approx(2.0) and row["short_points"] < 0
    few = Reliability(failure_share=0.0, trainings=4, target=0.93)
    nothing = answers(table, reached, **SETTINGS | {"reliability": few})
    assert nothing.empty and list(nothing)[: len(COLUMNS)] == COLUMNS
