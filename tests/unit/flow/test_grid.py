"""From knobs to architectures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minarch.errors import UserError
from minarch.flow.grid import expand
from minarch.models.families import architecture

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
    with pytest.raises(UserError, match="lists no architecture; allowed: at least one value for every knob"):
        expand("dnn", {"depth": 1, "width": []})


def test_all_patterns_of_every_depth():
    """The paper's phase 1 grid: 12 widths and 1, 3, 9, 27 patterns."""
    widths = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000]
    points = expand("shaped-dnn", {"depth": [1, 2, 3, 4], "width": widths, "steps": "all"})
    depths = [a.depth for _, a in points]
    assert [depths.count(depth) for depth in (1, 2, 3, 4)] == [12, 36, 108, 324] and len(points) == 480
    assert len({a.label for _, a in points}) == 480
    assert points[0][0] == {"depth": 1, "width": 1, "steps": ""}
    assert {k["steps"] for k, _ in points if k["depth"] == 2} == {"grow", "shrink", "equal"}
    for knobs, kind in points:  # what an item keeps is what it was made from
        assert architecture("shaped-dnn", knobs) == kind


@pytest.mark.parametrize("widths", [[4, 8, 4], [4, 4]])
def test_a_value_is_listed_once(widths):
    with pytest.raises(UserError, match="depth1-width4-growth2 is listed twice; allowed: each architecture once"):
        expand("shaped-dnn", {"depth": 1, "width": widths, "steps": ""})


def test_a_number_is_listed_once_however_it_is_written():
    with pytest.raises(UserError, match="width4-grow-growth3 is listed twice"):
        expand("shaped-dnn", {"depth": 2, "width": 4, "steps": "grow", "growth": [3, 3.0]})


@pytest.mark.parametrize(
    ("grids", "said"),
    [
        ({"depth": list(range(1, 1001)), "width": list(range(1, 1_000_001))}, "lists 1,000,000,000 architectures"),
        (
            [{"depth": 1, "width": list(range(1, 50_001))}, {"depth": 2, "width": list(range(1, 50_002))}],
            "100,001 arch",
        ),
    ],
)
def test_a_grid_is_counted_before_it_is_expanded(grids, said):
    with pytest.raises(UserError, match=f"{said}.*; allowed: at most 100,000"):
        expand("dnn", grids)


def test_patterns_are_counted_while_they_are_expanded():
    with pytest.raises(UserError, match="lists more than 100,000 architectures; allowed: fewer"):
        expand("shaped-dnn", {"depth": 8, "width": list(range(1, 1001)), "steps": "all"})


@pytest.mark.parametrize("grids", [None, 1, "depth", [None], [{"depth": 1, "width": 4}, []]])
def test_what_is_no_grid_is_told(grids):
    with pytest.raises(UserError, match="allowed: knob -> value or list, or a list of such grids"):
        expand("dnn", grids)


def test_some_patterns():
    points = expand("shaped-dnn", {"depth": 3, "width": [4, 8], "steps": ["grow-shrink", "equal-equal"]})
    assert [a.hidden for _, a in points] == [[4, 8, 4], [4, 4, 4], [8, 16, 8], [8, 8, 8]]


def test_a_pattern_is_listed_once():
    with pytest.raises(UserError, match="depth2-width4-grow-growth2 is listed twice"):
        expand("shaped-dnn", {"depth": 2, "width": 4, "steps": ["all", "grow"]})


@pytest.mark.parametrize(
    ("depth", "message"),
    [
        (9, "steps: 'all' is not allowed for depth 9, it must be a list of patterns above depth 8"),
        (0, "depth: 0 is not allowed, it must be an integer from 1 to 1,000"),
        ("two", "depth: 'two' is not allowed, it must be an integer from 1 to 1,000"),
    ],
)
def test_depths_without_all_patterns(depth, message):
    with pytest.raises(UserError) as error:
        expand("shaped-dnn", {"depth": depth, "width": 4, "steps": "all"})
    assert str(error.value) == f"shaped-dnn.{message}"
