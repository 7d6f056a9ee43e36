"""Every epoch as if it were the last: repeats that stop early, diverge and recover."""

import numpy as np
from constructed import RELIABILITY
from courses import course, random_accuracies, tables

from minarch.analysis.epochs import course_of
from minarch.analysis.sizes import sizes_of


def test_a_repeat_that_was_stopped_keeps_its_last_values() -> None:
    progress = course({("net", 1, 10): [[0.5, 0.15], [0.5, 0.6, 0.7, 0.8]]})
    assert progress.epochs.tolist() == [1, 2, 3, 4]
    assert progress.validation.T.tolist() == [[0.5, 0.15, 0.15, 0.15], [0.5, 0.6, 0.7, 0.8]]
    assert progress.failed.T.tolist() == [[False, True, True, True], [False] * 4]


def test_what_is_not_finite_counts_as_chance_and_as_failed_while_it_lasts() -> None:
    progress = course({("net", 1, 10): [[0.5, None, 0.7], [0.5, None]]})
    assert progress.validation.T.tolist() == [[0.5, 0.1, 0.7], [0.5, 0.1, 0.1]]
    assert progress.failed.T.tolist() == [[False, True, False], [False, True, True]]


def test_the_status_counts_from_where_it_was_judged() -> None:
    runs, curves = tables({("net", 1, 10): [[0.5, 0.5, 0.5], [0.5, 0.5]]})
    # No better than chance: one class has half of the images.
    progress = course_of(runs.assign(status="unstable"), curves, RELIABILITY)
    assert progress.failed.T.tolist() == [[False, False, True], [False, True, True]]


def test_the_last_epoch_is_what_the_regimes_see() -> None:
    accuracies = random_accuracies(0) | {("odd", 1, 50): [[0.5, 0.1], [0.3, None, None], [0.5, 0.6, 0.7]]}
    runs, curves = tables(accuracies)
    progress = course_of(runs, curves, RELIABILITY)
    for size in sizes_of(runs, curves, RELIABILITY):
        of_size = (progress.runs["architecture"] == size.architecture).to_numpy()
        np.testing.assert_array_equal(np.sort(progress.validation[-1, of_size]), size.validation)
        assert progress.failed[-1, of_size].sum() == size.failed.sum()
