"""Budgets of time."""

from math import inf

import pytest

from minarch.adaptive.clock import Clock
from minarch.errors import UserError


@pytest.mark.parametrize(("budget", "seconds"), [("90s", 90), ("30m", 1800), ("1.5 h", 5400), ("5min", 300)])
def test_a_budget_says_a_time(budget, seconds):
    clock = Clock(budget)
    assert clock.budget == seconds
    assert seconds - 1 < clock.left <= seconds
    assert clock.left + clock.spent == pytest.approx(seconds, abs=0.1)


def test_without_one_there_is_any_time():
    assert Clock(None).left == inf


@pytest.mark.parametrize("budget", ["", "30", "m", "0m", "-3m", "1e3s", "3 days"])
def test_what_says_no_time_is_refused(budget):
    with pytest.raises(UserError, match=r"--budget: .* is not allowed; allowed: such as 90s, 30m or 2h"):
        Clock(budget)
