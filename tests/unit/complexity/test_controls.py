"""The control that is pruned after training: as many multiply-accumulates, the same share of every layer."""

from itertools import pairwise
from math import log, prod

from hypothesis import given
from hypothesis import strategies as st

from minarch.complexity.controls import evenly
from minarch.pruning.groups import Group

WIDTHS = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def groups_of(widths):
    return [Group(f"layer{i}", "neurons", units, (), ()) for i, units in enumerate(widths)]


def cost(units):
    """Of a chain of layers between 5 inputs and 3 outputs."""
    sizes = [5, *units.values(), 3]
    return sum(prod(pair) for pair in pairwise(sizes))


def in_order(widths):
    """All there is between the whole and one unit each: units go one by one, where the smallest share is gone."""
    units = dict(zip((group.name for group in groups_of(widths)), widths, strict=True))
    whole, steps = dict(units), [dict(units)]
    while max(units.values()) > 1:
        able = [name for name in units if units[name] > 1]
        units[min(able, key=lambda name: (whole[name] - units[name] + 1) / whole[name])] -= 1
        steps.append(dict(units))
    return steps


@given(WIDTHS, st.integers(1, 400))
def test_it_is_the_nearest_of_all_steps(widths, macs):
    steps, units = in_order(widths), evenly(groups_of(widths), cost, macs)
    if cost(steps[-1]) > macs:
        assert units is None
    else:
        assert units in steps
        far = [abs(log(cost(step) / macs)) for step in steps]
        assert abs(log(cost(units) / macs)) == min(far)


@given(WIDTHS)
def test_what_a_step_costs_leads_to_that_step(widths):
    for step in in_order(widths):
        assert evenly(groups_of(widths), cost, cost(step)) == step


def test_by_hand():
    groups = groups_of([4, 2])
    assert cost({"a": 4, "b": 2}) == 34 and cost({"a": 3, "b": 2}) == 27 and cost({"a": 2, "b": 2}) == 20
    assert evenly(groups, cost, 34) == evenly(groups, cost, 1000) == {"layer0": 4, "layer1": 2}
    assert evenly(groups, cost, 30) == {"layer0": 3, "layer1": 2}  # 27 is nearer than 34, in log
    assert evenly(groups, cost, 20) == {"layer0": 2, "layer1": 2}  # half of the first before half of the second
    assert evenly(groups, cost, 8) is None  # one unit each costs 9
