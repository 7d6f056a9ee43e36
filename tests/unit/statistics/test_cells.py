"""Blocks of distances: means by loops, intervals over networks, a test that finds what is there and nothing else."""

from itertools import combinations, product

import numpy as np
import pytest

from minarch.statistics.blocks import Block, blocks, resample_networks

ALL = np.ones((24, 24), dtype=bool)
GOOD = np.tile(np.repeat([True, False], 6), 2)
STRATA = np.repeat([0, 1], 12)


def apart(places: np.ndarray) -> np.ndarray:
    return np.abs(np.subtract.outer(places, places))


def compare(
    distance: np.ndarray, good: np.ndarray = GOOD, strata: np.ndarray = STRATA, pairs: np.ndarray | None = None
) -> dict[str, Block]:
    resampled = resample_networks(good, strata, 200, seed=0)
    pairs = np.ones_like(distance, dtype=bool) if pairs is None else pairs
    return {block.block: block for block in blocks({"d": distance}, pairs, resampled, confidence=0.95)}


@pytest.mark.parametrize("scope", ["all", "within", "across"])
def test_means_are_those_of_loops(scope: str) -> None:
    distance = apart(np.random.default_rng(0).normal(size=24))
    same = np.equal.outer(STRATA, STRATA)
    pairs = {"all": ALL, "within": same, "across": ~same}[scope]
    good, poor = np.flatnonzero(GOOD), np.flatnonzero(~GOOD)
    expected = {
        "good-good": combinations(good, 2),
        "good-poor": product(good, poor),
        "poor-poor": combinations(poor, 2),
    }
    by_block = compare(distance, pairs=pairs)
    for name, members in expected.items():
        values = [distance[i, j] for i, j in members if pairs[i, j]]
        assert by_block[name].mean == pytest.approx(np.mean(values))
        assert by_block[name].pairs == len(values)
        assert by_block[name].low < by_block[name].mean < by_block[name].high
    networks = {name: (block.networks_good, block.networks_poor) for name, block in by_block.items()}
    assert networks == {"good-good": (12, 0), "good-poor": (12, 12), "poor-poor": (0, 12)}


def test_what_is_there_is_found() -> None:
    places = np.random.default_rng(0).normal(size=24) * np.where(GOOD, 0.1, 1)
    by_block = compare(apart(places))
    assert {block.p_value for block in by_block.values()} == {1 / 201}
    assert by_block["good-good"].high < by_block["poor-poor"].low
    other_way = compare(apart(places), good=~GOOD)
    assert other_way["good-good"].p_value > 0.95  # one-sided


def test_what_is_not_there_is_not_found() -> None:
    """P values of distances without structure are spread evenly."""
    values = [compare(apart(np.random.default_rng(seed).normal(size=24)))["good-good"].p_value for seed in range(100)]
    assert 0.4 < np.mean(values) < 0.6
    assert np.mean(np.array(values) <= 0.1) < 0.2
    assert np.mean(np.array(values) <= 0.5) == pytest.approx(0.5, abs=0.15)


def test_labels_are_permuted_within_strata_only() -> None:
    """A difference between strata is none between good and poor: here no permutation changes anything."""
    resampled = resample_networks(STRATA == 0, STRATA, 50, seed=0)
    assert (resampled.permuted == (STRATA == 0)).all()
    by_block = compare(apart(np.random.default_rng(0).normal(size=24) * (1 + STRATA)), good=STRATA == 0)
    assert {block.p_value for block in by_block.values()} == {1.0}


def test_networks_are_drawn_within_their_stratum_and_label() -> None:
    resampled = resample_networks(GOOD, STRATA, 50, seed=0)
    for stratum, label in product((0, 1), (True, False)):
        cell = (stratum == STRATA) & (label == GOOD)
        assert (resampled.drawn[:, cell].sum(axis=1) == 6).all()
        assert (resampled.permuted[:, stratum == STRATA].sum(axis=1) == 6).all()
    assert resampled.drawn.mean(axis=0) == pytest.approx(1, abs=0.5)


def test_a_network_drawn_twice_is_no_pair() -> None:
    """All distances are 1, so every sample's mean is, although a network is at distance 0 from itself."""
    by_block = compare(1 - np.eye(24))
    assert all(block.mean == 1 and np.isnan(block.low) for block in by_block.values())


def test_blocks_without_a_pair_are_left_out() -> None:
    distance = apart(np.arange(4.0))
    by_block = compare(distance, good=np.array([True, True, True, False]), strata=np.zeros(4))
    assert list(by_block) == ["good-good", "good-poor"]
    assert all(np.isnan(block.p_value) for block in by_block.values())
    assert list(compare(distance, good=np.ones(4, dtype=bool), strata=np.zeros(4))) == ["good-good"]
    assert not compare(distance, good=np.arange(4) < 2, strata=np.zeros(4), pairs=np.zeros((4, 4), dtype=bool))
