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
DATASETS = pd.DataFrame({"trained": [40], "validation": [200]}, index=["digits"])
IMAGES = 1000  # of the test set, of which the first are known, as many as on validation


def study(*models: tuple[str, int, list[float]], **more: Any) -> tuple[Any, ...]:
    """The models (name, bytes, accuracies of the repeats) as the arguments of `answers`: the table, the validation
    accuracies, what is known of the test images, and the data sets.
    """
    same = {"dataset": "digits", "family": "dnn", "method": "original", "level": 0, "quantization": ""}
    rows = []
    for name, size, reached in models:
        row = same | {"architecture": name, "model": name, "precision": "fp32", "bytes": size, "n": len(reached)}
        row |= {"repeats": len(reached), "failed": 0} | dict.fromkeys(
            ["validation_mean", "test_mean"], np.mean(reached)
        )
        rows.append(row | dict.fromkeys(["test_low", "test_sampled_low"], 0.8) | more)
    table = pd.DataFrame(rows).assign(test_high=0.99, test_sampled_high=0.995)
    keys = list(table[STORED].itertuples(index=False, name=None))
    accuracies = {key: pd.Series(reached) for key, (_, _, reached) in zip(keys, models, strict=True)}
    known = {key: np.arange(IMAGES) < IMAGES * values.to_numpy()[:, None] for key, values in accuracies.items()}
    return table, accuracies, {key: pd.DataFrame(right) for key, right in known.items()}, DATASETS


def test_an_answer_is_as_narrow_as_its_distances_say() -> None:
    given = study(
        ("tiny", 100, [0.90, 0.92, 0.91]),
        ("near", 200, [0.94, 0.96, 0.953]),
        ("answer", 300, [0.96, 0.962, 0.964]),
        ("large", 400, [0.969, 0.971, 0.970]),
    )
    row = answers(*given, **SETTINGS).iloc[0]
    assert (row["model"], row["best_model"], row["smaller_model"]) == ("answer", "large", "near")
    assert row["drop_points_mean"] == pytest.approx(0.8) and row["margin_points"] == pytest.approx(0.2)
    assert row["fitting"] == 2 and row["short_points"] == pytest.approx(96 - 95.1)
    assert row["lead_points_mean"] == pytest.approx(1.1) and row["verdict"] == "cannot tell"
    assert row["lead_points_low"] < 0 < row["drop_points_low"] < row["drop_points_mean"] < row["drop_points_high"]


def test_what_is_told_apart_is_better() -> None:
    given = study(("near", 200, [0.951, 0.952, 0.953]), ("answer", 300, [0.969, 0.97, 0.971]))
    row = answers(*given, **SETTINGS).iloc[0]
    assert row["verdict"] == "better" and row["drop_points_mean"] == 0 and row["margin_points"] == pytest.approx(1)


def test_the_smallest_of_all_has_no_smaller_one() -> None:
    given = study(("answer", 100, [0.97, 0.96]), ("large", 400, [0.97, 0.97]))
    row = answers(*given, **SETTINGS).iloc[0]
    assert row["fitting"] == 2 and pd.isna(row["smaller_model"]) and pd.isna(row["verdict"])


def test_one_repeat_has_no_interval() -> None:
    given = study(("near", 200, [0.9]), ("answer", 300, [0.97]))
    row = answers(*given, **SETTINGS).iloc[0]
    assert row["lead_points_mean"] == pytest.approx(7) and pd.isna(row["lead_points_low"])
    assert row["verdict"] == "cannot tell"


def test_without_a_reliable_model_there_is_no_answer() -> None:
    given = study(("answer", 300, [0.97]), failed=1)
    empty = answers(*given, **SETTINGS)
    assert empty.empty and list(empty) == COLUMNS


def test_with_a_target_the_smallest_reliable_model_is_the_answer_and_the_smaller_one_is_not_reliable() -> None:
    reliability = Reliability(failure_share=0.0, trainings=2, target=0.93)
    given = study(
        ("tiny", 100, [0.90, 0.92, 0.91]),
        ("near", 200, [0.92, 0.96, 0.953]),
        ("answer", 300, [0.94, 0.95, 0.96]),
        ("large", 400, [0.969, 0.971, 0.970]),
    )
    table, reached, *others = given
    table["failed"] = [int((values < 0.93).sum()) for values in reached.values()]
    given = (reliability.with_proof(table, 0.95), reached, *others)
    row = answers(*given, **SETTINGS | {"reliability": reliability}).iloc[0]
    assert (row["model"], row["best_model"], row["smaller_model"]) == ("answer", "large", "near")
    assert (row["repeats"], row["reached"], row["smaller_repeats"], row["smaller_reached"]) == (3, 3, 3, 2)
    assert row["proven"] == pytest.approx(0.05 ** (1 / 3)) and row["smaller_proven"] < row["proven"]
    assert row["fitting"] == 2 and row["margin_points"] == pytest.approx(2.0) and row["short_points"] < 0
    few = Reliability(failure_share=0.0, trainings=4, target=0.93)
    nothing = answers(*given, **SETTINGS | {"reliability": few})
    assert nothing.empty and list(nothing)[: len(COLUMNS)] == COLUMNS


def test_the_answer_and_the_best_are_compared_on_the_test_images_that_chose_neither() -> None:
    given = study(("answer", 300, [0.96, 0.962, 0.964]), ("large", 400, [0.969, 0.971, 0.970]))
    row = answers(*given, **SETTINGS).iloc[0]
    assert (row["chosen_among"], row["test_images"]) == (40, IMAGES)
    assert (row["test_sampled_low"], row["best_test_sampled_high"]) == (0.8, 0.995)
    assert row["best_difference_points_mean"] == pytest.approx(-0.8) and row["best_verdict"] == "worse"
    assert row["test_less_validation_points_mean"] == pytest.approx(0, abs=1e-9)
    assert row["test_less_validation_points_low"] < -1 < 1 < row["test_less_validation_points_high"]


def test_what_knows_the_same_images_cannot_be_told_apart_and_one_model_is_not_compared_with_itself() -> None:
    given = study(("answer", 300, [0.96, 0.96]), ("large", 400, [0.962, 0.962]))
    row = answers(*given, **SETTINGS).iloc[0]
    assert row["best_verdict"] == "cannot tell" and row["best_difference_points_low"] < -0.2
    row = answers(*study(("answer", 300, [0.96, 0.97])), **SETTINGS).iloc[0]
    assert pd.isna(row["best_verdict"]) and pd.isna(row["best_difference_points_mean"])


def test_the_same_networks_in_two_precisions_are_paired_by_repeat() -> None:
    table, reached, rights, datasets = study(("net", 300, [0.90, 0.94, 0.98]), ("net", 400, [0.91, 0.95, 0.99]))
    table["precision"] = ["int8", "fp32"]
    keys = list(table[STORED].itertuples(index=False, name=None))
    accuracies = [[0.90, 0.94, 0.98], [0.91, 0.95, 0.99]]
    known = [pd.DataFrame(np.arange(IMAGES) < IMAGES * np.array(values)[:, None]) for values in accuracies]
    reached, rights = dict(zip(keys, map(pd.Series, accuracies), strict=True)), dict(zip(keys, known, strict=True))
    row = answers(table, reached, rights, datasets, **SETTINGS).iloc[0]
    assert row["best_difference_points_mean"] == pytest.approx(-1) and row["best_verdict"] == "worse"
