"""Cells of architectures: means by loops, a jackknife by leaving out, a test that finds what is there and no more."""

from itertools import combinations, product

import numpy as np
import pytest

from minarch.statistics.cells import compare_within
from minarch.statistics.contrast import BLOCKS, Contrast, enough, permuted_orders

GOOD = np.tile(np.repeat([True, False], 4), 3)
ARCHITECTURES = np.repeat([0, 1, 2], 8)
OWN, ALL = np.eye(3, dtype=bool), np.ones((3, 3), dtype=bool)
CELLS = {"own": OWN, "other": ~OWN, "all": ALL}


def apart(places: np.ndarray) -> np.ndarray:
    distance = np.abs(np.subtract.outer(places, places))
    return np.log(np.where(np.eye(len(places), dtype=bool), 1, distance))


def compare(
    logarithms: np.ndarray,
    cells: np.ndarray = ALL,
    good: np.ndarray = GOOD,
    architectures: np.ndarray = ARCHITECTURES,
    permutations: int = 200,
) -> Contrast:
    orders = permuted_orders(architectures, permutations, seed=0)
    return compare_within(logarithms[None], good, architectures, cells, orders)


def by_loops(
    logarithms: np.ndarray, cells: np.ndarray, good: np.ndarray = GOOD, architectures: np.ndarray = ARCHITECTURES
) -> dict[str, float]:
    """Block -> mean over the cells of the mean over a cell's pairs."""
    means: dict[str, list[float]] = {name: [] for name in BLOCKS}
    for one, other in zip(*np.nonzero(np.triu(cells)), strict=True):
        first, second = np.flatnonzero(architectures == one), np.flatnonzero(architectures == other)
        pairs = list(combinations(first, 2) if one == other else product(first, second))
        for name, number in zip(BLOCKS, (2, 1, 0), strict=True):
            means[name].append(np.mean([logarithms[i, j] for i, j in pairs if int(good[i]) + good[j] == number]))
    return {name: float(np.mean(values)) for name, values in means.items()}


@pytest.mark.parametrize("name", CELLS)
def test_means_are_those_of_loops(name: str) -> None:
    logarithms = apart(np.random.default_rng(0).normal(size=24))
    contrast = compare(logarithms, CELLS[name])
    assert contrast.means[:, 0] == pytest.approx(list(by_loops(logarithms, CELLS[name]).values()))
    assert contrast.pairs == {"own": (18, 48, 18), "other": (48, 96, 48), "all": (66, 144, 66)}[name]
    assert (contrast.networks, contrast.architectures, contrast.freedom) == ((12, 12), 3, 18)


@pytest.mark.parametrize("name", CELLS)
def test_permuted_ratios_are_those_of_permuted_labels(name: str) -> None:
    logarithms = apart(np.random.default_rng(1).normal(size=24))
    orders = permuted_orders(ARCHITECTURES, 5, seed=0)
    permuted = compare_within(logarithms[None], GOOD, ARCHITECTURES, CELLS[name], orders).permuted[:, 0]
    for order, ratio in zip(orders, permuted, strict=True):
        means = by_loops(logarithms, CELLS[name], GOOD[order])
        assert ratio == pytest.approx(means["poor-poor"] - means["good-good"])


@pytest.mark.parametrize("name", CELLS)
def test_influences_are_those_of_leaving_a_network_out(name: str) -> None:
    logarithms = apart(np.random.default_rng(2).normal(size=24))
    influences = compare(logarithms, CELLS[name]).influences[..., 0]
    means = np.array(list(by_loops(logarithms, CELLS[name]).values()))
    left_out = []
    for network in range(24):
        kept = np.arange(24) != network
        rest = by_loops(logarithms[np.ix_(kept, kept)], CELLS[name], GOOD[kept], ARCHITECTURES[kept])
        left_out.append(means - list(rest.values()))
    expected = np.array(left_out) * np.sqrt(3 / 4)  # of each label there are four
    for block in (0, 2):
        assert influences[block] == pytest.approx(expected[:, block])


def test_a_network_that_is_no_part_of_any_cell_does_not_count() -> None:
    logarithms = apart(np.random.default_rng(3).normal(size=24))
    contrast = compare(logarithms, np.diag([True, True, False]))
    assert (contrast.networks, contrast.architectures, contrast.pairs) == ((8, 8), 2, (12, 32, 12))
    assert (contrast.influences[:, 16:] == 0).all()


def test_what_is_there_is_found_in_both_directions() -> None:
    logarithms = apart(np.random.default_rng(0).normal(size=24) * np.where(GOOD, 0.2, 1))
    for good, sign in ((GOOD, 1), (~GOOD, -1)):
        contrast = compare(logarithms, good=good)
        ratio = contrast.log_ratio(0.95)
        assert contrast.p_values()[0] == 1 / 201 and sign * ratio.value[0] > 1
        assert min(sign * ratio.low[0], sign * ratio.high[0]) > 0


def test_differences_are_contrasts_of_differences() -> None:
    first, second = (apart(np.random.default_rng(seed).normal(size=24)) for seed in range(2))
    orders = permuted_orders(ARCHITECTURES, 20, seed=0)
    both = compare_within(np.stack([first, second]), GOOD, ARCHITECTURES, ALL, orders)
    difference = both.part(slice(1)).less(both.part(slice(1, None)))
    alone = compare_within((first - second)[None], GOOD, ARCHITECTURES, ALL, orders)
    assert difference.permuted == pytest.approx(alone.permuted) and difference.means == pytest.approx(alone.means)
    assert difference.log_ratio(0.9).high == pytest.approx(alone.log_ratio(0.9).high)


@pytest.mark.parametrize("networks", [3, 10])
def test_p_values_and_intervals_are_as_often_wrong_as_they_say(networks: int) -> None:
    """Networks of two dimensions whose architectures lie apart, and no difference between good and poor."""
    good, architectures = np.tile(np.repeat([True, False], networks), 4), np.repeat(np.arange(4), 2 * networks)
    p_values, covered = [], []
    for seed in range(200):
        random = np.random.default_rng(seed)
        places = random.normal(size=(len(good), 2)) + random.normal(size=(4, 2))[architectures]
        distance = np.sqrt(((places[:, None] - places) ** 2).sum(axis=2))
        logarithms = np.log(np.where(np.eye(len(good), dtype=bool), 1, distance))
        contrast = compare(logarithms, np.eye(4, dtype=bool), good, architectures, 99)
        p_values.append(contrast.p_values()[0])
        ratio = contrast.log_ratio(0.95)
        covered.append(ratio.low[0] <= 0 <= ratio.high[0])
    assert 0.45 < np.mean(p_values) < 0.55
    assert np.mean(np.array(p_values) <= 0.05) < 0.09
    assert np.mean(covered) > 0.92


def test_labels_that_can_be_permuted_in_too_few_ways_are_not_enough() -> None:
    three, four = np.repeat([True, False], 3), np.repeat([True, False], 4)
    one, other = np.zeros(6, dtype=int), np.zeros(8, dtype=int)
    assert not enough(three, one, 0.95) and enough(three, one, 0.9)  # 20 ways, of which two are the labels' own
    assert enough(four, other, 0.95)
    assert enough(np.tile(three, 2), np.repeat([0, 1], 6), 0.95)
