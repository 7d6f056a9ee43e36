"""Findings about coarser parameters, on tables whose answers are known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from minarch.analysis.minimal import Bootstrap
from minarch.analysis.precision import (
    HURT_LESS,
    HURT_MORE,
    LESS,
    MORE,
    OPEN,
    coefficients,
    drop_table,
    fewest_bits,
    fragile,
    regression,
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


HARDNESS = {"easy": 0.02, "middle": 0.1, "hard": 0.3}
SIZES = [50, 200, 1000, 5000]


def study(drop, datasets=("easy", "middle", "hard"), sizes=SIZES):
    """(curves, parameters) of a model per data set and size, of which the largest reaches fp32 accuracy 1 - HARDNESS.

    It loses drop(log10 parameters, difficulty in points) points of the test images at 4 bits, half of that on
    validation.
    """
    tables, counts = [], []
    for dataset in datasets:
        for size in sizes:
            model = ORIGINAL | {"dataset": dataset, "architecture": f"dnn-{size}"}
            base = 1 - HARDNESS[dataset] - NOISE.mean() - (0.1 if size < max(sizes) else 0)
            lost = drop(np.log10(size), 100 * HARDNESS[dataset]) / 200
            tables.append(curves(model, {"int8": NONE, "int4": lost}, base=base))
            counts.append(model | {"parameters": size})
    return pd.concat(tables, ignore_index=True), pd.DataFrame(counts)


def answers(table, precision="int4"):
    return table[table["precision"] == precision].set_index("term").to_dict("index")


def test_known_coefficients_are_found() -> None:
    table, parameters = study(lambda size, difficulty: 20 - 3 * size + 0.2 * difficulty)
    terms = answers(regression(table, parameters))
    size, difficulty = terms["log10_parameters"], terms["difficulty_points"]
    assert [size[name] for name in ("coefficient", "low", "high")] == pytest.approx([-3] * 3)
    assert [difficulty[name] for name in ("coefficient", "low", "high")] == pytest.approx([0.2] * 3)
    assert (size["verdict"], difficulty["verdict"]) == (HURT_MORE, HURT_MORE)
    assert (size["models"], size["datasets"], size["bits"], size["scheme"]) == (12, 3, 4, "tensor")
    none = answers(regression(table, parameters), "int8")
    assert {row["verdict"] for row in none.values()} == {OPEN}


def test_the_other_way_round() -> None:
    terms = answers(regression(*study(lambda size, difficulty: 5 + 2 * size - 0.1 * difficulty)))
    assert {row["verdict"] for row in terms.values()} == {HURT_LESS}


def test_noise_between_models_widens_the_interval_around_the_truth() -> None:
    generator = np.random.default_rng(3)
    sizes = [20, 50, 100, 200, 500, 1000, 2000, 5000]
    covered = []
    for _ in range(10):
        table, parameters = study(lambda size, _: 20 - 3 * size + generator.normal(0, 1.5), sizes=sizes)
        row = answers(regression(table[table["precision"] != "int8"], parameters))["log10_parameters"]
        covered.append(row["low"] < -3 < row["high"])
        assert row["low"] < row["coefficient"] < row["high"]
    assert sum(covered) >= 7


def test_the_fit_is_numpys_least_squares() -> None:
    generator = np.random.default_rng(0)
    terms, drop = generator.normal((3, 20), (1, 10), (9, 2)), generator.normal(0, 1, 9)
    expected = np.linalg.lstsq(np.column_stack([np.ones(9), terms]), drop, rcond=None)[0][1:]
    assert coefficients(terms, drop)[:, 0] == pytest.approx(expected)


def test_one_data_set_leaves_difficulty_out() -> None:
    made = study(lambda size, _: 20 - 3 * size, datasets=["hard"])
    terms = answers(regression(*made))
    assert terms["log10_parameters"]["coefficient"] == pytest.approx(-3)
    row = terms["difficulty_points"]
    assert np.isnan([row[name] for name in ("coefficient", "low", "high")]).all() and row["verdict"] == OPEN


@pytest.mark.parametrize(
    ("datasets", "sizes", "known"),
    [
        (["hard"], [50, 200], []),  # two models
        (["easy", "hard"], [50], []),
        (["hard"], [50], []),
        (["easy", "middle", "hard"], [50], []),  # all of one size
        (["hard"], [50, 200, 1000], ["coefficient", "low", "high"]),
    ],
)
def test_too_few_models_are_said_by_nan(datasets, sizes, known) -> None:
    made = study(lambda size, _: 20 - 3 * size, datasets=datasets, sizes=sizes)
    size = answers(regression(*made))["log10_parameters"]
    assert [name for name in ("coefficient", "low", "high") if np.isfinite(size[name])] == known
    assert size["models"] == len(datasets) * len(sizes)


def test_a_fit_through_all_models_has_no_interval() -> None:
    table, parameters = study(lambda size, difficulty: 20 - 3 * size + 0.2 * difficulty, ["easy", "hard"], [50, 1000])
    three = ~((table["dataset"] == "easy") & (table["architecture"] == "dnn-50"))
    row = answers(regression(table[three], parameters))["log10_parameters"]
    assert row["models"] == 3 and row["coefficient"] == pytest.approx(-3)
    assert np.isnan([row["low"], row["high"]]).all() and row["verdict"] == OPEN


def test_models_that_confound_size_and_difficulty_tell_nothing() -> None:
    """All models of one data set are of one size."""
    table, parameters = study(lambda size, _: 20 - 3 * size, datasets=["easy", "hard"])
    parameters["parameters"] = parameters["dataset"].map({"easy": 5000, "hard": 70})
    terms = answers(regression(table, parameters))
    assert np.isnan([row["coefficient"] for row in terms.values()]).all()


def test_only_originals_count() -> None:
    table, parameters = study(lambda size, difficulty: 20 - 3 * size + 0.2 * difficulty)
    pruned = table.assign(method="l1", level=0.5, test=0.0)
    pd.testing.assert_frame_equal(
        regression(table, parameters), regression(pd.concat([table, pruned], ignore_index=True), parameters)
    )


def everything(table, parameters):
    tables = [drop_table(table, 0.95), fewest_bits(table, 1.0, BOOTSTRAP), fragile(table, 0.95)]
    return [*tables, regression(table, parameters)]


def test_order_and_numbers_of_repeats_change_nothing() -> None:
    lost = np.array([0.0, 0.02, 0.001, 0.02, 0.0])
    table, parameters = study(lambda size, difficulty: 20 - 3 * size + 0.2 * difficulty)
    table = pd.concat([table, curves(ORIGINAL, {"int8": lost, "int4": 0.2}), curves(PRUNED, {"int8": 2 * lost})])
    parameters = pd.concat([parameters, pd.DataFrame([ORIGINAL | {"parameters": 100}])] * 2)
    other = table.assign(repeat=7 - table["repeat"]).sample(frac=1, random_state=1)
    for one, two in zip(
        everything(table, parameters), everything(other, parameters.sample(frac=1, random_state=2)), strict=True
    ):
        pd.testing.assert_frame_equal(one, two)


def test_nothing_measured_is_nothing_found() -> None:
    table, parameters = study(lambda size, difficulty: 1.0)
    for one, two in zip(everything(table, parameters), everything(table[:0], parameters[:0]), strict=True):
        assert two.empty and list(one) == list(two)
