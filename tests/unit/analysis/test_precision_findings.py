"""Findings about coarser parameters, on tables whose answers are known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from minarch.analysis.minimal import Bootstrap
from minarch.analysis.multiplicity import with_adjusted
from minarch.analysis.precision import (
    LESS,
    MORE,
    OPEN,
    drop_table,
    fewest_bits,
    fragile,
)

BOOTSTRAP = Bootstrap(resamples=400, confidence=0.95, seed=0)
BITS = {"fp32": 32, "fp16": 16, "bf16": 16, "fp8": 8, "int8": 8, "int6": 6, "int4": 4, "int2": 2}
ORIGINAL = {"dataset": "digits", "family": "dnn", "architecture": "dnn-100", "method": "original", "level": 0.0}
PRUNED = ORIGINAL | {"method": "l1", "level": 0.5}
NOISE = np.array([0.0, 0.004, -0.006, 0.003, -0.001])
NONE = np.zeros(5)


def curves(variant, drops, scheme="tensor", base=0.9):
    """Rows of one variant: fp32 at `base` + NOISE, every other precision `drops` [R] below; on test 0.01 lower, and
    twice the drop.
    """
    rows = []
    for precision, drop in ({"fp32": NONE} | drops).items():
        for repeat, (noise, lost) in enumerate(zip(NOISE, np.broadcast_to(drop, 5), strict=True)):
            values = {"validation": base + noise - lost, "test": base + noise - 0.01 - 2 * lost}
            size = {"bits": BITS[precision], "bytes": 25 * BITS[precision] // 2 + repeat}
            scaled = scheme if precision.startswith("int") or precision == "fp8" else "tensor"
            name = {"repeat": repeat, "precision": precision, "scheme": scaled}
            rows.append(variant | name | size | values)
    return pd.DataFrame(rows)


def test_drops_are_paired_with_the_same_repeat() -> None:
    """The repeats differ by much more than any of them drops."""
    lost = np.array([0.010, 0.011, 0.012, 0.010, 0.009])
    table = drop_table(curves(ORIGINAL, {"int4": lost, "fp16": NONE}), 0.9).set_index("precision")
    assert list(table.index) == ["fp32", "fp16", "int4"]
    row = table.loc["int4"]
    low, high = stats.ttest_1samp(100 * lost, 0).confidence_interval(0.9)
    drop = [row[f"validation_drop_points_{part}"] for part in ("mean", "low", "high")]
    assert drop == pytest.approx([1.04, low, high])
    assert row["test_drop_points_mean"] == pytest.approx(2.08)
    assert (row["bits"], row["bytes"], row["n"], row["scheme"]) == (4, 52, 5, "tensor")
    finest = table.loc["fp32"]
    assert (finest["test_drop_points_low"], finest["test_drop_points_high"], finest["bits"]) == (0, 0, 32)


def test_a_channel_is_compared_with_the_one_fp32() -> None:
    both = pd.concat([curves(ORIGINAL, {"int4": 0.02}), curves(ORIGINAL, {"int4": 0.01}, "channel")]).drop_duplicates()
    table = drop_table(both, 0.95)
    means = table[table["precision"] == "int4"].set_index("scheme")["validation_drop_points_mean"]
    assert means.to_dict() == pytest.approx({"tensor": 2.0, "channel": 1.0})
    assert (table["precision"] == "fp32").sum() == 1 and (table["n"] == 5).all()


def test_a_repeat_without_fp32_is_left_out() -> None:
    table = curves(ORIGINAL, {"int4": 0.02})
    gone = (table["precision"] == "fp32") & (table["repeat"] == 2)
    assert drop_table(table[~gone], 0.95)["n"].tolist() == [4, 4]


def fewest(table, points=1.0):
    (row,) = fewest_bits(table, points, BOOTSTRAP).to_dict("records")
    return [row[name] for name in ("fewest_bits", "fewest_bits_low", "fewest_bits_high", "n")]


def test_the_fewest_bits_within_a_point_of_validation() -> None:
    """On test images 6 bits lose more than a point; fp8 loses all, but is no integer."""
    drops = {"fp8": 0.5, "int8": 0.0, "int6": 0.008, "int4": 0.012, "int2": 0.3}
    assert fewest(curves(ORIGINAL, drops)) == [6, 6, 6, 5]
    assert fewest(curves(ORIGINAL, drops), points=1.2) == [4, 4, 4, 5]  # exactly as much is within


def test_a_finer_precision_outside_ends_it() -> None:
    """4 bits are within, but 6 are not."""
    drops = {"int8": 0.0, "int6": 0.02, "int4": 0.0, "int2": 0.0}
    assert fewest(curves(ORIGINAL, drops)) == [8, 8, 8, 5]


def test_none_if_even_eight_bits_are_outside() -> None:
    bits = fewest(curves(ORIGINAL, {"fp16": 0.0, "int8": 0.02, "int6": 0.0}))
    assert np.isnan(bits[:3]).all() and bits[3] == 5


def test_repeats_that_disagree_widen_the_interval() -> None:
    lost = np.array([0.0, 0.02, 0.0, 0.02, 0.0])  # 0.8 points in the mean, but not in every sample
    bits = fewest(curves(ORIGINAL, {"int8": NONE, "int6": lost, "int4": 0.3}))
    assert bits == [6, 6, 8, 5]
    bits = fewest(curves(ORIGINAL, {"int8": lost, "int6": 0.3}))
    assert bits[:2] == [8, 8] and np.isnan(bits[2])  # up to none


def test_one_repeat_has_no_interval() -> None:
    table = curves(ORIGINAL, {"int8": 0.0, "int6": 0.3})
    bits = fewest(table[table["repeat"] == 1])
    assert (bits[0], bits[3]) == (8, 1) and np.isnan(bits[1:3]).all()


def test_schemes_are_told_apart() -> None:
    both = [curves(ORIGINAL, {"int8": 0, "int4": 0.1}), curves(ORIGINAL, {"int8": 0, "int4": 0.001}, "channel")]
    table = fewest_bits(pd.concat(both).drop_duplicates(), 1.0, BOOTSTRAP).set_index("scheme")
    assert table["fewest_bits"].to_dict() == {"tensor": 8, "channel": 4}


def test_pruning_that_makes_more_fragile_and_less() -> None:
    whole = curves(ORIGINAL, {"int8": 0.0, "int6": 0.02, "int4": 0.1 + NOISE, "int2": 0.3})
    cut = curves(PRUNED, {"int8": NOISE - NOISE.mean(), "int6": 0.03, "int4": 0.06 - NOISE, "int2": 0.3}, base=0.8)
    table = fragile(pd.concat([whole, cut]), 0.95)
    assert table["precision"].tolist() == ["int8", "int6", "int4", "int2"]  # not fp32, whose drop is 0
    assert set(table["method"]) == {"l1"} and set(table["level"]) == {0.5} and (table["n"] == 5).all()
    assert table["verdict"].tolist() == [OPEN, MORE, LESS, OPEN]
    row = table.set_index("precision").loc["int4"]
    low, high = stats.ttest_rel(200 * (0.06 - NOISE), 200 * (0.1 + NOISE)).confidence_interval(0.95)
    assert (row["test_difference_points_low"], row["test_difference_points_high"]) == pytest.approx((low, high))
    assert row["validation_difference_points_mean"] == pytest.approx(100 * (-0.04 - 2 * NOISE.mean()))


def test_a_pruned_network_is_paired_with_the_one_it_was() -> None:
    """Drops that differ much between repeats, and always by one point between the two; of one pair nothing is told."""
    lost = np.array([0.0, 0.1, 0.2, 0.3, 0.05])
    both = pd.concat([curves(ORIGINAL, {"int4": lost}), curves(PRUNED, {"int4": lost + 0.005})])
    (row,) = fragile(both, 0.95).to_dict("records")
    assert row["verdict"] == MORE and row["test_difference_points_low"] == pytest.approx(1.0)
    alone = both[(both["method"] == "original") | (both["repeat"] == 3)]
    (row,) = fragile(alone, 0.95).to_dict("records")
    assert (row["verdict"], row["n"]) == (OPEN, 1) and np.isnan(row["test_difference_points_low"])


def test_without_an_original_nothing_is_compared() -> None:
    assert fragile(curves(PRUNED, {"int4": 0.1}), 0.95).empty


def test_of_many_cases_only_those_count_that_remain_when_judged_together() -> None:
    """A case that is clear, among sixty of noise."""
    generator = np.random.default_rng(0)
    levels = np.linspace(0.1, 0.9, 60)
    cut = [curves(PRUNED | {"level": level}, {"int4": generator.normal(0, 0.01, 5)}) for level in levels]
    cut.append(curves(PRUNED | {"level": 0.95}, {"int4": 0.2 + NOISE}))
    table = fragile(pd.concat([curves(ORIGINAL, {"int4": 0.0}), *cut]), 0.95).set_index("level")
    assert table.loc[0.95, ["verdict", "verdict_adjusted"]].tolist() == [MORE, MORE]
    noise = table.drop(0.95)
    assert (noise["verdict_adjusted"] != OPEN).sum() <= 1 < (noise["verdict"] != OPEN).sum()
    assert (table["p_adjusted"] >= table["p"]).all()


def test_no_case_remains_where_nothing_differs() -> None:
    """200 studies, each a family of 40 cases: at most the nominal share has any verdict left."""
    generator = np.random.default_rng(1)
    models = [{"architecture": f"dnn-{study}"} for study in range(200)]
    levels = np.arange(1, 41) / 50
    rows = [
        variant | {"repeat": repeat, "precision": precision, "scheme": "tensor", "bits": BITS[precision], "bytes": 1}
        for model in models
        for variant in [ORIGINAL | model, *(PRUNED | model | {"level": level} for level in levels)]
        for repeat in range(5)
        for precision in ("fp32", "int4")
    ]
    table = pd.DataFrame(rows)
    table["validation"] = table["test"] = 0.9 + generator.normal(0, 0.01, len(table))
    judged = fragile(table, 0.95)
    assert (judged["verdict_adjusted"] == OPEN).all() and (judged["verdict"] != OPEN).sum() > 200
    studies = with_adjusted(judged, 0.95, OPEN, family=["architecture"]).groupby("architecture")
    assert np.mean([(study["verdict_adjusted"] != OPEN).any() for _, study in studies]) <= 0.05


def everything(table):
    return [drop_table(table, 0.95), fewest_bits(table, 1.0, BOOTSTRAP), fragile(table, 0.95)]


def test_order_and_numbers_of_repeats_change_nothing() -> None:
    lost = np.array([0.0, 0.02, 0.001, 0.02, 0.0])
    table = pd.concat([curves(ORIGINAL, {"int8": lost, "int4": 0.2}), curves(PRUNED, {"int8": 2 * lost, "int4": lost})])
    other = table.assign(repeat=7 - table["repeat"]).sample(frac=1, random_state=1)
    for one, two in zip(everything(table), everything(other), strict=True):
        pd.testing.assert_frame_equal(one, two)


def test_nothing_measured_is_nothing_found() -> None:
    table = pd.concat([curves(ORIGINAL, {"int8": 0.0}), curves(PRUNED, {"int8": 0.1})])
    for one, two in zip(everything(table), everything(table[:0]), strict=True):
        assert two.empty and list(one) == list(two)
