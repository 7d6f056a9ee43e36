"""How many units stay: in the band of the level, never none, and for a budget of MACs the least cut that meets it."""

from itertools import pairwise
from math import ceil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minarch.errors import UserError
from minarch.pruning.groups import Group
from minarch.pruning.selection import masks_of, multiple_of, per_layer, ranked, rounded, select

SIZES = st.lists(st.integers(1, 100), min_size=1, max_size=5)
LEVELS = st.floats(0, 1, exclude_max=True)
ROUND_TO = st.sampled_from([None, 1, 3, 8])
PROPERTY = settings(max_examples=100, deadline=None)


def groups_of(sizes):
    return [Group(str(i), "neurons", size, (f"{i}.weight",), ()) for i, size in enumerate(sizes)]


def units_of(sizes):
    return {str(i): size for i, size in enumerate(sizes)}


def scores_of(sizes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {str(i): torch.rand(size, generator=generator) for i, size in enumerate(sizes)}


def cost(units):
    """A chain of layers: 5 inputs, one product per pair of units of neighbours, 3 outputs."""
    counts = [5, *units.values(), 3]
    return sum(before * after for before, after in pairwise(counts))


@pytest.mark.parametrize(("units", "round_to", "multiple"), [(63, None, 1), (64, None, 8), (9, 4, 4), (512, 1, 1)])
def test_multiples(units, round_to, multiple):
    assert multiple_of(units, round_to) == multiple


@pytest.mark.parametrize(
    ("width", "level", "round_to", "kept"),
    [
        (1, 0.5, 1, 1),
        (1, 0.99, 1, 1),
        (1, 1 - 1e-12, 8, 1),
        (10, 0.99, 1, 1),
        (10, 0.35, 1, 7),
        (10, 0.7, 1, 3),  # 10 * (1 - 0.7) is more than 3 in floating point
        (10, 0.5, 4, 8),
        (10, 0.5, 8, 8),
        (5, 0.5, 8, 5),
        (5, 1 - 1e-12, 8, 5),
        (32, 0.5, 8, 16),
        (63, 0.5, None, 32),
        (100, 0.5, None, 56),
    ],
)
def test_kept_units_are_rounded_up_and_at_least_one(width, level, round_to, kept):
    assert rounded(width * (1 - level), width, round_to) == kept
    assert per_layer(groups_of([width]), units_of([width]), level, round_to) == {"0": kept}


@given(sizes=SIZES, level=LEVELS, round_to=ROUND_TO)
@PROPERTY
def test_every_layer_loses_the_level_up_to_rounding(sizes, level, round_to):
    for size, kept in zip(sizes, per_layer(groups_of(sizes), units_of(sizes), level, round_to).values(), strict=True):
        multiple = multiple_of(size, round_to)
        assert 1 <= kept <= size
        assert kept % multiple == 0 or kept == size
        assert size * (1 - level) - 1e-6 <= kept < max(size * (1 - level) + multiple, 2) or kept == size


@given(sizes=SIZES, removed=st.integers(0, 200), seed=st.integers(0, 9), floor=st.sampled_from([0, 0.1, 0.25, 1]))
@PROPERTY
def test_one_ranking_removes_the_lowest_but_leaves_every_layer_its_floor(sizes, removed, seed, floor):
    scores = scores_of(sizes, seed)
    units = ranked(scores, units_of(sizes), removed, floor=floor, round_to=1)
    least = {name: max(1, ceil(floor * len(score))) for name, score in scores.items()}
    assert all(units[name] >= least[name] for name in scores)
    assert sum(sizes) - sum(units.values()) == min(removed, sum(sizes) - sum(least.values()))
    masks = masks_of(scores, units)
    could_go = [float(scores[name][mask].min()) for name, mask in masks.items() if units[name] > least[name]]
    gone = [float(scores[name][~mask].max()) for name, mask in masks.items() if not mask.all()]
    assert max(gone, default=-1) < min(could_go, default=2)


@given(sizes=SIZES, removed=st.integers(0, 200), round_to=ROUND_TO)
@PROPERTY
def test_one_ranking_rounds_each_layer_up(sizes, removed, round_to):
    scores = scores_of(sizes)
    exact = ranked(scores, units_of(sizes), removed, floor=0, round_to=1)
    for name, kept in ranked(scores, units_of(sizes), removed, floor=0, round_to=round_to).items():
        multiple = multiple_of(len(scores[name]), round_to)
        assert kept == min(len(scores[name]), multiple * ceil(exact[name] / multiple))


def test_the_highest_scores_stay_and_of_equal_ones_the_later():
    masks = masks_of({"a": torch.tensor([3.0, 1.0, 2.0]), "b": torch.ones(4)}, {"a": 2, "b": 3})
    assert masks["a"].tolist() == [True, False, True]
    assert masks["b"].tolist() == [False, True, True, True]


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4),  # up to here no two choices lie closer than the search
    level=st.floats(0, 0.95),
    scope=st.sampled_from(["layer", "global"]),
    seed=st.integers(0, 5),
)
@PROPERTY
def test_the_least_is_cut_that_reaches_a_level_of_macs(sizes, level, scope, seed):
    """Against every choice there is."""
    groups, before, scores = groups_of(sizes), units_of(sizes), scores_of(sizes, seed)
    if scope == "global":
        choices = [ranked(scores, before, count, floor=0, round_to=1) for count in range(sum(sizes) + 1)]
    else:
        shares = sorted({count / size for size in sizes for count in range(size)})
        choices = [per_layer(groups, before, share, 1) for share in shares]
    reached = [cost(choice) for choice in choices if cost(choice) <= (1 - level) * cost(before) + 1e-6]
    options = {
        "level": level,
        "scope": scope,
        "floor": 0,
        "round_to": 1,
        "before": before,
        "macs": cost,
        "full": cost(before),
    }
    if reached:  # a search among all shares of layers finds some in between those listed
        assert max(reached) <= cost(select(groups, scores, **options)) <= (1 - level) * cost(before) + 1e-6
    else:
        with pytest.raises(UserError, match=r"^prune.levels: .* of the MACs cannot go"):
            select(groups, scores, **options)


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("sizes", [[1], [1, 3], [40, 1, 200]])
def test_a_layer_never_vanishes_for_a_level_of_macs(sizes, scope):
    groups, before, scores = groups_of(sizes), units_of(sizes), scores_of(sizes)
    full, least = cost(before), cost(dict.fromkeys(before, 1))
    options = {"scope": scope, "floor": 0, "round_to": 1, "before": before, "macs": cost, "full": full}
    assert set(select(groups, scores, level=1 - least / full, **options).values()) == {1}
    for level in (1 - (least - 0.01) / full, 1 - 1e-9):
        with pytest.raises(UserError, match="cannot go, the least that every layer keeps is more; allowed: at most"):
            select(groups, scores, level=level, **options)


def test_the_largest_level_allowed_is_named():
    sizes = [10, 10]  # 180 MACs; 9 with one unit each
    options = {"scope": "layer", "floor": 0, "round_to": 1, "before": units_of(sizes), "macs": cost, "full": 180}
    line = "prune.levels: 0.97 of the MACs cannot go, the least that every layer keeps is more; allowed: at most 0.95"
    with pytest.raises(UserError, match=f"^{line}$"):
        select(groups_of(sizes), scores_of(sizes), level=0.97, **options)
    assert select(groups_of(sizes), scores_of(sizes), level=0.95, **options) == {"0": 1, "1": 1}


@given(sizes=SIZES, first=st.floats(0, 0.6), more=st.floats(0, 0.39), scope=st.sampled_from(["layer", "global"]))
@PROPERTY
def test_levels_that_build_on_each_other_reach_the_same(sizes, first, more, scope):
    """A level is a share of the units before any pruning, also where some are gone already."""
    before = units_of(sizes)
    options = {"scope": scope, "floor": 0, "round_to": None, "before": before}
    direct = select(groups_of(sizes), scores_of(sizes), level=first + more, **options)
    some = select(groups_of(sizes), scores_of(sizes), level=first, **options)
    left = masks_of(scores_of(sizes), some)
    scores = {name: score[left[name]] for name, score in scores_of(sizes).items()}
    assert select(groups_of(list(some.values())), scores, level=first + more, **options) == direct
