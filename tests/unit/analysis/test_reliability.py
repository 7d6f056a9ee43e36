"""What makes a model reliable, and what k of n trainings prove: closed forms, and the definition of the bound."""

import numpy as np
import pandas as pd
import pytest
from constructed import CONVERGENCE
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minarch.analysis.reliability import ANY_DISTANCE, PROVEN, REACHED, Reliability, proven_share

TARGET = Reliability(failure_share=0.0, trainings=10, target=0.97)


@pytest.mark.parametrize(
    ("reached", "trainings", "bound"),
    [(10, 10, 0.05 ** (1 / 10)), (59, 59, 0.05 ** (1 / 59)), (1, 1, 0.05), (0, 10, 0.0), (1, 10, 1 - 0.95 ** (1 / 10))],
)
def test_what_is_proven_is_the_closed_form(reached, trainings, bound) -> None:
    assert proven_share(reached, trainings, 0.95) == pytest.approx(bound)


def test_what_is_proven_is_what_tables_of_the_exact_test_say() -> None:
    assert proven_share([10, 59, 19], [10, 59, 20], 0.95).round(3).tolist() == [0.741, 0.950, 0.784]


@given(st.integers(1, 60), st.integers(0, 60), st.sampled_from([0.8, 0.95, 0.99]))
def test_at_the_bound_so_many_are_as_rare_as_the_confidence_allows(trainings, failed, confidence) -> None:
    reached = max(trainings - failed, 0)
    bound = float(proven_share(reached, trainings, confidence))
    exact = stats.binomtest(reached, trainings, alternative="greater").proportion_ci(confidence, "exact").low
    assert bound == pytest.approx(exact)
    if reached:
        assert stats.binom.sf(reached - 1, trainings, bound) == pytest.approx(1 - confidence)
        assert bound < reached / trainings


def test_without_a_target_a_training_fails_below_twice_chance_and_with_one_below_the_target() -> None:
    assert Reliability.of(CONVERGENCE).lowest(10) == pytest.approx(0.2)
    assert Reliability.of(CONVERGENCE).lowest(2) == pytest.approx(0.75)
    for right, images in ((97, 100), (291, 300), (485, 500)):
        assert right / images >= TARGET.lowest(10) > (right - 1) / images, "exactly the target reaches it"


def test_a_model_of_too_few_trainings_is_not_reliable() -> None:
    models = pd.DataFrame({"repeats": [10, 10, 9, 20], "failed": [0, 1, 0, 1], "validation_mean": [0.98] * 3 + [None]})
    assert TARGET.mask(models).tolist() == [True, False, False, False]
    lenient = Reliability(failure_share=0.1, trainings=10, target=0.97)
    assert lenient.mask(models).tolist() == [True, True, False, True]
    assert lenient.reliable(models).index.tolist() == [0, 1], "what has no accuracy is no answer"


def test_a_target_replaces_the_distance_to_the_best() -> None:
    assert (TARGET.within(1.0), TARGET.bound(0.995, 1.0)) == (ANY_DISTANCE, 0.97)
    plain = Reliability(failure_share=0.05)
    assert plain.within(1.0) == 1.0 and plain.bound(0.995, 1.0) == pytest.approx(0.985)


def test_what_is_proven_stands_beside_models_only_where_there_is_a_target() -> None:
    models = pd.DataFrame({"repeats": [10, 20], "failed": [0, 1]})
    pd.testing.assert_frame_equal(Reliability(failure_share=0.05).with_proof(models, 0.95), models)
    proof = TARGET.with_proof(models, 0.95)
    assert proof[REACHED].tolist() == [10, 19] and proof[PROVEN].round(3).tolist() == [0.741, 0.784]
    assert REACHED not in models, "the table that was given is left as it is"


def test_what_settings_leave_out_is_off() -> None:
    assert Reliability.of({"failure_share": 0.1}) == Reliability(failure_share=0.1, trainings=1, target=None)
    assert np.isclose(Reliability.of({"failure_share": 0.0, "target": 0.5, "trainings": 3}).lowest(10), 0.5)
