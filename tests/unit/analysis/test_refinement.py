"""Sizes to add: they halve the gap that hides most of P_min, and never repeat a size."""

import json
import math

import numpy as np
import pytest
from constructed import CONVERGENCE, write_sweep
from hypothesis import given
from hypothesis import strategies as st

from minarch.analysis.refinement import Gap, gaps, sizes_to_add
from minarch.models.families import architecture
from minarch.refine import between, work

SIZES = st.lists(st.integers(1, 10**6), min_size=2, max_size=12, unique=True)


def test_gaps_lie_below_the_sizes_that_the_samples_name():
    p_min = np.array([100, 100, 100, 1000, np.inf, 10])
    assert gaps([10, 100, 1000, 10_000], p_min) == [Gap(10, 100, 3 / 6), Gap(100, 1000, 1 / 6)]


def test_the_weightiest_gap_is_halved_first_then_its_halves():
    untried = [Gap(100, 10_000, 0.5), Gap(10_000, 20_000, 0.5)]
    assert sizes_to_add(untried, range(100, 20_000), 1) == [1000]
    assert sizes_to_add(untried, range(100, 20_000), 3) == [1000, 316, 3162]  # each half still outweighs the other gap


def test_a_gap_without_a_candidate_is_left():
    assert sizes_to_add([Gap(10, 100, 0.9), Gap(100, 200, 0.1)], [5, 150, 300], 4) == [150]
    assert sizes_to_add([], [1, 2, 3], 2) == []


@given(SIZES, SIZES, st.integers(1, 5))
def test_what_is_added_is_new_and_lies_in_the_gaps(counts, candidates, count):
    p_min = np.array([max(counts)] * 3 + [sorted(counts)[1]])
    untried = gaps(counts, p_min)
    chosen = sizes_to_add(untried, candidates, count)
    assert len(set(chosen)) == len(chosen) <= count
    assert set(chosen) <= set(candidates) - set(counts)
    assert all(any(gap.low < size < gap.high for gap in untried) for size in chosen)


@given(SIZES, st.randoms())
def test_the_order_of_sizes_does_not_count(counts, random):
    shuffled = random.sample(counts, len(counts))
    p_min = np.array(counts, dtype=float)
    assert gaps(counts, p_min) == gaps(shuffled, p_min)


def test_architectures_between_two_neighbours_differ_only_in_size():
    tried = [{"depth": 1, "width": 4}, {"depth": 1, "width": 7}, {"depth": 2, "width": 9}]
    assert [knobs for knobs, _ in between("dnn", tried)] == [{"depth": 1, "width": 5}, {"depth": 1, "width": 6}]
    vit = [{"depth": 1, "width": w, "heads": 4, "patch": 4} for w in (8, 20)]
    assert [kind.width for _, kind in between("vit", vit)] == [12, 16]  # multiples of the heads
    resnets = [{"depth": 18, "width": 62}, {"depth": 18}]
    assert [knobs for knobs, _ in between("resnet", resnets)] == [{"depth": 18, "width": 63}]  # 64 is the default


@pytest.mark.parametrize(("count", "expected"), [(1, [13]), (3, [13, 7, 23])])
def test_the_stage_adds_sizes_below_the_smallest_good_one(tmp_path, count, expected):
    """Width 4 never learns, width 40 always: the border lies between, and each size halves the larger gap."""
    reached = {4: (0.2, 0.2), 40: (0.95, 0.96), 50: (0.96, 0.97)}
    items = []
    for width, best in reached.items():
        parameters = architecture("dnn", {"depth": 1, "width": width}).parameters([1, 8, 8], 10)
        item = write_sweep(tmp_path / f"digits-dnn-{width}-x", "digits", "dnn", parameters, best)
        record = json.loads((item / "results.json").read_text()) | {"knobs": {"depth": 1, "width": width}}
        for run in record["repeats"]:
            run["spec"] = {"shape": [1, 8, 8]}
        (item / "results.json").write_text(json.dumps(record))
        items.append(item)
    work(CONVERGENCE | {"refine": count}, {"sweep": items}, tmp_path)
    added = json.loads((tmp_path / "refinement.json").read_text())
    assert [entry["knobs"] for entry in added] == [{"depth": 1, "width": width} for width in expected]
    assert {(entry["dataset"], entry["family"]) for entry in added} == {("digits", "dnn")}
    counts = [architecture("dnn", entry["knobs"]).parameters([1, 8, 8], 10) for entry in added]
    ends = [architecture("dnn", {"depth": 1, "width": w}).parameters([1, 8, 8], 10) for w in (4, 40)]
    assert abs(math.log(counts[0] / math.sqrt(ends[0] * ends[1]))) < 0.05
