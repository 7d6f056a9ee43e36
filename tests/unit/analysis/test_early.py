"""Sizes that bloom late or fail late, and that the last epoch says what the regimes say."""

import pandas as pd
import pytest
from constructed import CONVERGENCE, RELIABILITY
from courses import Accuracies, course, depths_of, random_accuracies, tables
from hypothesis import given, settings
from hypothesis import strategies as st

from minarch.analysis.early import early_table, first_certain_epoch
from minarch.analysis.epochs import course_of
from minarch.analysis.minimal import Bootstrap, minimum, statistics
from minarch.analysis.regimes import UNSTABLE, Thresholds, classify

FEW = settings(max_examples=25, deadline=None)
THRESHOLDS = Thresholds.of(CONVERGENCE)
LATE: Accuracies = {
    ("hopeless", 1, 10): [[0.2, 0.3, 0.4]] * 3,
    ("late", 1, 100): [[0.3, 0.7, 0.89]] * 3,
    ("early", 1, 1000): [[0.6, 0.85, 0.9]] * 3,
    ("best", 1, 5000): [[0.62, 0.87, 0.905]] * 3,
}


def test_a_late_bloomer_is_a_false_alarm_until_it_blooms() -> None:
    early = early_table(course(LATE), THRESHOLDS).set_index("epoch")
    assert early["called_unstable"].tolist() == [2, 2, 1]
    assert early["false_alarms"].tolist() == [1, 1, 0]
    assert early["missed"].tolist() == [0, 0, 0]
    assert early["p_min"].tolist() == [1000, 1000, 100]
    assert early["p_near_best"].tolist() == [5000, 5000, 1000]
    assert early["sizes"].tolist() == [4] * 3


def test_a_size_that_fails_at_the_end_is_missed_before() -> None:
    early = early_table(course(LATE | {("falls", 1, 2000): [[0.6, 0.86, None]] * 3}), THRESHOLDS)
    assert early["missed"].tolist() == [1, 1, 0]
    assert early["p_min"].tolist() == [1000, 1000, 5000]


def test_depths_are_compared_within_themselves_and_summed() -> None:
    poor: Accuracies = {("poor", 2, 30): [[0.33, 0.43, 0.53]] * 3, ("rich", 2, 70): [[0.35, 0.45, 0.55]] * 3}
    early = early_table(course(LATE | poor), THRESHOLDS)
    assert early["sizes"].tolist() == [6] * 3
    assert early["called_unstable"].tolist() == [2, 2, 1]  # 0.33 is near the best of its depth, as in sizes.csv
    assert early["p_min"].tolist() == [1000, 1000, 100]  # against the family's best, as in minimal.csv


def test_a_stopped_repeat_keeps_what_it_had() -> None:
    stopped = LATE | {("hopeless", 1, 10): [[0.1]] * 3}
    assert early_table(course(stopped), THRESHOLDS)["called_unstable"].tolist() == [2, 2, 1]


@pytest.mark.parametrize(
    ("false_alarms", "epoch"), [([2, 1, 0, 0], 3), ([0, 0, 0], 1), ([1, 0, 1, 0], 4), ([0, 1, 0], 3)]
)
def test_certain_from_the_last_false_alarm_on(false_alarms: list[int], epoch: int) -> None:
    table = pd.DataFrame({"epoch": range(1, len(false_alarms) + 1), "false_alarms": false_alarms})
    assert first_certain_epoch(table) == epoch


@FEW
@given(st.integers(0, 50))
def test_the_last_epoch_says_what_the_regimes_and_the_minimum_say(seed: int) -> None:
    accuracies = random_accuracies(seed)
    last = early_table(course(accuracies), THRESHOLDS).iloc[-1]
    depths = depths_of(accuracies)
    labels = [regime.label for sizes in depths for regime in classify(sizes, THRESHOLDS)]
    bootstrap = Bootstrap(resamples=1, confidence=0.95, seed=0)
    expected = minimum([statistics(sizes, bootstrap, 0) for sizes in depths], THRESHOLDS, 0.95)
    assert last["called_unstable"] == labels.count(UNSTABLE)
    assert (last["p_min"], last["p_near_best"]) == (expected.p_min.value, expected.p_near_best.value)
    assert last["false_alarms"] == last["missed"] == 0


@FEW
@given(st.integers(0, 5), st.randoms(use_true_random=False))
def test_order_and_names_change_nothing(seed: int, random) -> None:
    accuracies = random_accuracies(seed)
    renamed = {
        (f"other-{100 - i}", *rest): random.sample(repeats, len(repeats))
        for i, ((_, *rest), repeats) in enumerate(accuracies.items())
    }
    runs, curves = (table.sample(frac=1, random_state=seed) for table in tables(renamed))
    expected = early_table(course(accuracies), THRESHOLDS)
    pd.testing.assert_frame_equal(
        early_table(course_of(runs, curves, RELIABILITY), THRESHOLDS), expected, check_exact=True
    )
