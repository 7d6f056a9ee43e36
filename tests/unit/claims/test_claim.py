"""How cases of a claim are judged, and what follows of all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minarch.claims.claim import (
    CONFIRMED,
    REFUTED,
    UNDECIDED,
    Claim,
    Row,
    holm,
    overall,
    smallest_effect,
    smallest_of_limit,
)

P_VALUES = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12)
SAID = st.sampled_from([CONFIRMED, REFUTED])


def row(p, verdict):
    return Row(study="s", group="g", case="c", n="3", unit="points", effect=1.0, p=p, verdict=verdict)


def judged(rows, *, general=True):
    claim = Claim(
        number="C1", title="t", words="w", source="s", rule="r", studies=("s",), rows=lambda _: rows, general=general
    )
    return claim.judged(Run())


class Run:
    """Every study was run."""

    def has(self, study):
        return True


@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(0, 1)), SAID), max_size=12))
def test_a_case_says_something_only_by_its_adjusted_p_value(cases):
    rows = [row(*case) for case in cases]
    told = judged(rows).rows
    p = [one.p for one in rows if one.p is not None]
    adjusted = iter(stats.false_discovery_control(p) if p else [])
    for before, after in zip(rows, told, strict=True):
        if before.p is None:
            assert after.p_adjusted is None and after.verdict == UNDECIDED
        else:
            assert after.p_adjusted == pytest.approx(value := next(adjusted))
            assert after.verdict == (before.verdict if value <= 0.05 else UNDECIDED)


def test_one_case_refutes_what_is_said_of_all_and_confirms_that_something_occurs():
    surely, hardly = 1e-6, 0.02
    cases = [row(surely, CONFIRMED), row(surely, REFUTED)]
    assert judged(cases).verdict == REFUTED
    assert judged(cases, general=False).verdict == CONFIRMED
    assert judged(cases[:1]).verdict == CONFIRMED
    assert judged(cases[1:], general=False).verdict == UNDECIDED, "what was not seen may occur elsewhere"
    assert judged([*cases[:1], row(0.5, CONFIRMED)]).verdict == UNDECIDED
    assert judged([*cases[:1], row(None, CONFIRMED)]).verdict == UNDECIDED
    many = [*cases[:1] * 5, *[row(0.5, CONFIRMED)] * 4, row(hardly, REFUTED)]
    assert judged(many).counts == {CONFIRMED: 5, REFUTED: 1, UNDECIDED: 4}
    assert judged(many).verdict == UNDECIDED, "one of the five that are left by a p of 0.02 may be chance"
    assert judged([]).verdict == judged([], general=False).verdict == UNDECIDED


@given(P_VALUES)
def test_holm_is_what_its_definition_says(p):
    values = np.array([np.nan if one is None else one for one in p], dtype=float)
    adjusted, tests = holm(values), np.sort(values[~np.isnan(values)])
    assert (np.isnan(adjusted) == np.isnan(values)).all()
    for value, one in zip(values, adjusted, strict=True):
        if not np.isnan(value):
            steps = [(len(tests) - i) * smaller for i, smaller in enumerate(tests) if smaller <= value]
            assert one == pytest.approx(min(max(steps), 1.0))


def test_a_claim_that_holds_is_refuted_at_most_at_the_nominal_rate():
    """20 cases that hold surely and ten of which nothing is true, 500 times: a case is told now and then, the claim is
    refuted in at most 5 % of the studies.
    """
    generator, refuted = np.random.default_rng(0), []
    for _ in range(500):
        null = generator.uniform(size=10)
        said = generator.choice([CONFIRMED, REFUTED], size=10)
        rows = [*[row(1e-9, CONFIRMED)] * 20, *(row(p, verdict) for p, verdict in zip(null, said, strict=True))]
        refuted.append(judged(rows).verdict == REFUTED)
    assert np.mean(refuted) <= 0.05


def test_the_smallest_effect_is_told_in_four_of_five_designs():
    """Effects of that size, measured with normal noise: intervals that leave 0 out are 80 %."""
    half = stats.norm.ppf(0.975)  # of an interval of a mean with standard error 1
    smallest = smallest_effect(5 - half, 5 + half)
    drawn = np.random.default_rng(0).normal(smallest, 1, 100_000)
    assert (drawn - half > 0).mean() == pytest.approx(0.8, abs=0.005)
    assert smallest_effect(None, None) is None


def test_the_same_of_a_one_sided_limit():
    limit = stats.norm.ppf(0.95)
    drawn = np.random.default_rng(0).normal(smallest_of_limit(5, 5 + limit), 1, 100_000)
    assert (drawn - limit > 0).mean() == pytest.approx(0.8, abs=0.005)


def test_nothing_judged_is_undecided():
    assert overall([], general=True) == UNDECIDED
