"""From knobs to architectures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minarch.errors import UserError
from minarch.flow.grid import expand

SIZES = st.lists(st.integers(1, 50), min_size=1, max_size=4, unique=True)


@given(SIZES, SIZES)
def test_every_combination_once(depths, widths):
    points = expand("dnn", {"depth": depths, "width": widths})
    assert [(k["depth"], k["width"]) for k, _ in points] == [(d, w) for d in depths for w in widths]
    assert all((a.depth, a.width) == (k["depth"], k["width"]) for k, a in points)


def test_a_single_value_needs_no_list():
    assert expand("dnn", {"depth": 1, "width": 4}) == expand("dnn", {"depth": [1], "width": [4]})


def test_several_grids_of_a_family():
    points = expand("dnn", [{"depth": 1, "width": [4, 8]}, {"depth": 2, "width": 16}])
    assert [a.label for _, a in points] == ["depth1-width4", "depth1-width8", "depth2-width16"]


def test_the_same_architecture_twice_is_refused():
    with pytest.raises(UserError, match="depth1-width4 is listed twice"):
        expand("dnn", [{"depth": 1, "width": [4, 8]}, {"depth": 1, "width": 4}])


def test_no_value_is_no_architecture():
    assert expand("dnn", {"depth": 1, "width": []}) == []
