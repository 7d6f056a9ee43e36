"""How cases of a claim are judged, and what follows of all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minarch.claims.claim import CONFIRMED, REFUTED, UNDECIDED, overall, smallest_effect

VERDICTS = st.lists(st.sampled_from([CONFIRMED, REFUTED, UNDECIDED]))


@given(VERDICTS)
def test_one_case_refutes_what_is_said_of_all(verdicts):
    verdict = overall(verdicts, general=True)
    assert (verdict == REFUTED) == (REFUTED in verdicts)
    assert (verdict == CONFIRMED) == (bool(verdicts) and set(verdicts) == {CONFIRMED})


@given(VERDICTS)
def test_one_case_confirms_that_something_occurs(verdicts):
    verdict = overall(verdicts, general=False)
    assert (verdict == CONFIRMED) == (CONFIRMED in verdicts)
    assert (verdict == REFUTED) == (bool(verdicts) and set(verdicts) == {REFUTED})


def test_the_smallest_effect_is_told_in_four_of_five_designs():
    """Effects of that size, measured with normal noise: intervals that leave 0 out are 80 %."""
    half = stats.norm.ppf(0.975)  # of an interval of a mean with standard error 1
    smallest = smallest_effect(5 - half, 5 + half)
    drawn = np.random.default_rng(0).normal(smallest, 1, 100_000)
    assert (drawn - half > 0).mean() == pytest.approx(0.8, abs=0.005)
    assert smallest_effect(None, None) is None
