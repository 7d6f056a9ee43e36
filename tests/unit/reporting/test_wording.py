import numpy as np
import pandas as pd
import pytest

from minarch.reporting.wording import FORMATS, MISSING, estimate


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("percent", 0.97125, "97.1"),
        ("share", 0.125, "12.5"),
        ("share", 0.9, "90"),
        ("count", 12345.0, "12,345"),
        ("points", 1.24, "+1.2"),
        ("points", -0.04, "0.0"),
        ("milliseconds", 0.012345, "12.3 µs"),
        ("milliseconds", 4.5678, "4.57 ms"),
        ("milliseconds", 456.78, "457 ms"),
        ("number", -0.0012345, "-0.00123"),
        ("number", 12345.6, "12,346"),
        ("number", 0.0, "0.00"),
        ("correlation", 0.123, "+0.12"),
        ("p", 0.000999, "0.0010"),
    ],
)
def test_numbers_in_words(kind: str, value: float, words: str) -> None:
    assert FORMATS[kind](value) == words


@pytest.mark.parametrize("nothing", [None, np.nan, np.inf, pd.NA])
@pytest.mark.parametrize("kind", sorted(FORMATS.keys() - {"plain", "role", "duration"}))
def test_nothing_is_a_dash(kind: str, nothing) -> None:
    assert FORMATS[kind](nothing) == MISSING


def test_an_estimate_carries_its_interval() -> None:
    row = {"v_mean": 0.9, "v_low": 0.85, "v_high": 0.95, "p": 100, "p_low": 50, "p_high": None}
    assert estimate(row, "v", "percent") == "90.0 <small>85.0 to 95.0</small>"
    assert estimate(row, "p", "count", "") == "100 <small>50 to &infin;</small>"
    assert estimate({"v_mean": 0.9, "v_low": np.nan, "v_high": np.nan}, "v", "percent") == "90.0"
    assert estimate({"v_mean": None, "v_low": None, "v_high": None}, "v", "percent") == MISSING


@pytest.mark.parametrize(("seconds", "words"), [(40.2, "40 s"), (3725.0, "62 minutes"), (86400, "24 hours")])
def test_a_duration_in_words(seconds: float, words: str) -> None:
    assert FORMATS["duration"](seconds) == words


def test_a_setting_has_plain_words_and_any_other_name_stays() -> None:
    assert FORMATS["plain"]("failure_share") == "share of failed repeats" and FORMATS["plain"]("mine") == "mine"
