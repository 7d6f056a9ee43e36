"""Effects as small pictures beside their numbers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minarch.claims.claim import CONFIRMED, Row
from minarch.claims.strip import EDGE, WIDTH, scale

VALUES = st.floats(-1e6, 1e6, allow_nan=False)


def row(effect, low=None, high=None):
    return Row(
        study="s", group="g", case="c", n="3", effect=effect, low=low, high=high, unit="points", verdict=CONFIRMED
    )


def pixels(svg, attribute):
    return [float(value) for value in re.findall(rf'{attribute}="([-\d.]+)"', svg)]


@given(st.lists(st.tuples(VALUES, VALUES, VALUES).map(sorted), min_size=1, max_size=5))
def test_a_point_lies_on_its_interval_and_all_lie_within_the_strip(triples):
    rows = [row(effect, low, high) for low, effect, high in triples]
    axis = scale(rows)
    for one in rows:
        svg = axis.drawn(one)
        (_, left), (_, right), (at,) = pixels(svg, "x1"), pixels(svg, "x2"), pixels(svg, "cx")
        assert EDGE <= left <= at <= right <= WIDTH - EDGE


def test_no_effect_and_an_interval_that_is_not_known():
    rows = [row(1.0, 0.5, 1.5), row(-1.0), row(None), row(float("nan"), 0.0, 1.0)]
    axis = scale(rows)
    drawn = [axis.drawn(one) for one in rows]
    (zero, _), (at,) = pixels(drawn[0], "x1"), pixels(drawn[1], "cx")
    assert (axis.low, axis.high, axis.null) == (-1.0, 1.5, 0.0) and at == EDGE < zero
    assert pixels(drawn[1], "x1") == [zero], "no interval"
    assert drawn[2:] == ["", ""]


def test_effects_of_nought_alone_have_an_axis():
    assert pixels(scale([row(0.0)]).drawn(row(0.0)), "cx") == [pytest.approx(EDGE)]
