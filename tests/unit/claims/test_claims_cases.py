"""What rows of the reports' tables say of each claim."""

import numpy as np
import pandas as pd
import pytest

from minarch.claims import CLAIMS, bits, gated, grown, minimal, pruned, regimes, shape, weights
from minarch.claims.claim import CONFIRMED, REFUTED, UNDECIDED
from minarch.claims.reports import Reports


class Tables(Reports):
    """Reports whose tables are given: (study, name) -> rows."""

    def __init__(self, tables):
        super().__init__(None, {key: pd.DataFrame(rows) for key, rows in tables.items()})


def verdicts(claim, tables):
    return [row.verdict for row in claim.judged(Tables(tables)).rows]


def test_the_claims_are_ten_and_each_names_its_studies():
    assert [claim.number for claim in CLAIMS] == [f"C{i}" for i in range(1, 11)]
    assert all(claim.studies and claim.words and claim.rule for claim in CLAIMS)


ORDER = {"unstable": 5, "learning": 5, "overfitting": 5, "tau": 0.8, "p_adjusted": 0.001, "held_share": 0.95}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, CONFIRMED),
        ({"held_share": 0.85}, UNDECIDED),
        ({"held_share": np.nan}, UNDECIDED),
        ({"p_adjusted": np.nan, "tau": np.nan}, UNDECIDED),
        ({"p_adjusted": 0.2}, UNDECIDED),
        ({"tau": -0.8}, REFUTED),
        ({"overfitting": 0}, REFUTED),
        ({"unstable": 0}, UNDECIDED),
    ],
)
def test_regimes_must_occur_in_order_and_hold_on_the_other_half(changes, expected):
    assert regimes.verdict(pd.Series(ORDER | changes), largest=1600.0, p_min=100.0) == expected


def test_many_orders_by_chance_confirm_nothing():
    """One p of 0.03 among ten: alone it would be told, with the others it is not."""
    chance = [ORDER | {"dataset": f"d{i}", "family": "dnn", "p_value": p} for i, p in enumerate([0.03, *[0.5] * 9])]
    more = {"sizes": 20, "checked": 20, "held": 19, "held_low": 0.8}
    orders = pd.DataFrame(chance).assign(**more).drop(columns="p_adjusted")
    sizes = pd.DataFrame({"dataset": orders["dataset"], "family": "dnn", "parameters": 1600.0})
    p_min = pd.DataFrame({"dataset": orders["dataset"], "family": "dnn", "depth": "all", "p_min": 100})
    tables = {"sizes": sizes, "minimal": p_min, "order": orders}
    nothing = {("difficulty", name): table.head(0) for name, table in tables.items()}
    alone = {("phase1", name): table.head(1) for name, table in tables.items()}
    assert verdicts(regimes.CLAIM, nothing | alone) == [CONFIRMED]
    assert set(verdicts(regimes.CLAIM, nothing | {("phase1", n): of for n, of in tables.items()})) == {UNDECIDED}


def test_a_grid_that_ends_early_does_not_refute():
    assert regimes.verdict(pd.Series(ORDER | {"overfitting": 0}), largest=1599.0, p_min=100.0) == UNDECIDED
    assert regimes.verdict(pd.Series(ORDER | {"overfitting": 0}), largest=1e9, p_min=np.nan) == UNDECIDED


def test_kendalls_tau_of_the_smallest_size_is_told_by_four_of_five_designs():
    """Regimes at random, so that tau has the variance without an association: a shift by it passes the limit."""
    from scipy import stats

    generator = np.random.default_rng(0)
    taus = [stats.kendalltau(range(20), generator.permutation(20)).statistic for _ in range(2000)]
    limit = 1.96 * np.std(taus)
    assert (np.array(taus) + regimes.smallest_tau(20) > limit).mean() == pytest.approx(0.8, abs=0.04)


def test_shapes_are_judged_on_test_images_by_adjusted_verdicts():
    group = {
        "dataset": "mnist-32", "family": "shaped-dnn", "parameters": 9000, "parameters_largest": 9100,
        "p_min_multiple": 2.0,
        "architectures": 8, "runs": 160, "largest_difference_points": 0.4, "largest_difference_points_low": 0.0,
        "largest_difference_points_high": 0.8,
    }  # fmt: skip
    rows = [
        group | {"split": "test", "verdict_adjusted": "equivalent"},
        group | {"split": "test", "verdict_adjusted": "not equivalent"},
        group | {"split": "test", "verdict_adjusted": "cannot tell"},
        group | {"split": "validation", "verdict_adjusted": "equivalent"},
        group | {"split": "test", "verdict_adjusted": "not equivalent", "p_min_multiple": 0.5},
        group | {"split": "test", "verdict_adjusted": "not equivalent", "p_min_multiple": np.nan},
    ]
    tables = {("shape", "equivalence"): rows[:2], ("phase1", "equivalence"): rows[2:]}
    for study, at_most in (("shape", True), ("phase1", False)):
        p_min = {"dataset": "mnist-32", "family": "shaped-dnn", "depth": ["1", "all"], "p_min_at_most": [True, at_most]}
        tables[study, "minimal"] = pd.DataFrame(p_min)
    cases = shape.CLAIM.judged(Tables(tables)).rows
    assert [row.verdict for row in cases] == [CONFIRMED, REFUTED, UNDECIDED]
    assert ["(at least 2.0 P_min)" in row.case for row in cases] == [True, True, False]


def difficulty(p_mins):
    """Tables of data sets that are harder one after the other, and one of colour."""
    names = [f"set{i}" for i in range(len(p_mins))]
    measured = pd.DataFrame({"dataset": names, "architecture": "a", "final_validation_accuracy": 0.99})
    measured["final_validation_accuracy"] -= 0.05 * np.arange(len(names))
    smallest = pd.DataFrame({"dataset": names, "family": "dnn", "depth": "all", "p_min": p_mins})
    data = pd.DataFrame({"dataset": names, "shape": minimal.SHAPE})
    colour = {"dataset": "colour", "family": "dnn", "depth": "all", "p_min": 1}
    return {
        ("difficulty", "sweep"): pd.concat(
            [measured, measured.head(1).assign(dataset="colour", final_validation_accuracy=0.1)]
        ),
        ("difficulty", "minimal"): pd.concat([smallest, pd.DataFrame([colour])]),
        ("difficulty", "data"): pd.concat([data, pd.DataFrame([{"dataset": "colour", "shape": "3 x 32 x 32"}])]),
    }


def test_p_min_that_rises_with_difficulty_confirms_and_one_that_falls_refutes():
    rising = [100, 200, 400, 300, 800, 900, 1000, 1200]
    (row,) = minimal.CLAIM.judged(Tables(difficulty(rising))).rows
    assert row.verdict == CONFIRMED and row.n == "8 data sets" and row.low > 0
    assert verdicts(minimal.CLAIM, difficulty(rising[::-1])) == [REFUTED]
    assert verdicts(minimal.CLAIM, difficulty([500, 100, 400, 300, 800, 200, 700, 600])) == [UNDECIDED]
    assert verdicts(minimal.CLAIM, difficulty([100, 200, 300])) == [UNDECIDED], "three data sets cannot tell"


def test_a_p_min_beyond_the_grid_is_the_largest():
    hardest = [100, 200, 300, 400, 500, 600, np.nan, np.nan]
    (row,) = minimal.CLAIM.judged(Tables(difficulty(hardest))).rows
    assert row.verdict == CONFIRMED and row.n == "8 data sets" and row.case.count("beyond the grid") == 2
    easiest = [np.nan, np.nan, 600, 500, 400, 300, 200, 100]
    assert verdicts(minimal.CLAIM, difficulty(easiest)) == [REFUTED]
    assert verdicts(minimal.CLAIM, difficulty([np.nan] * 8)) == [UNDECIDED]


def test_rank_correlations_without_an_effect_are_told_at_the_nominal_rate():
    generator = np.random.default_rng(0)
    ranks = np.arange(6.0)
    told = [minimal.rank_correlation(ranks, generator.permutation(ranks))[1] <= 0.05 for _ in range(200)]
    assert np.mean(told) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)


SLOPE = {
    "dataset": "mnist-32", "family": "dnn", "scope": "global", "finetuned": False, "at_equal": "width", "models": 18,
    "runs": 360, "slope_points": 1.0, "low": 0.5, "high": 1.5, "covers": "other models",
}  # fmt: skip


def test_depth_is_judged_by_the_area_over_many_models_alone():
    rows = [
        SLOPE | {"measure": "area", "verdict_adjusted": "resists better"},
        SLOPE | {"measure": "area", "verdict_adjusted": "resists worse", "slope_points": -1.0},
        SLOPE | {"measure": "area", "verdict_adjusted": "no difference shown"},
        SLOPE | {"measure": "plateau end", "verdict_adjusted": "resists better"},
        SLOPE | {"measure": "area", "verdict_adjusted": "resists better", "covers": "these models"},
    ]
    tables = {("redundancy", "depth"): rows, ("compression", "depth"): rows[:1]}
    assert verdicts(pruned.DEPTH, tables) == [CONFIRMED, REFUTED, UNDECIDED, CONFIRMED]


LOSS = [f"sixty_test_drop_points_{end}" for end in ("mean", "low", "high")]


def test_redundancy_is_that_of_the_network_of_which_most_can_go():
    row = {
        "dataset": "mnist", "family": "dnn", "architecture": "a", "scope": "global", "finetuned": False,
        "retention_n": 20, "p": 0.5, "sixty_test_adjusted": "not shown",
    }  # fmt: skip
    near, much = dict(zip(LOSS, (1.1, 0.9, 1.3), strict=True)), dict(zip(LOSS, (9.0, 8.0, 10.0), strict=True))
    little = dict(zip(LOSS, (0.2, 0.1, 0.3), strict=True))
    rows = [
        row | near | {"redundancy_test": 0.5},
        row | little | {"redundancy_test": 0.7, "p": 0.03, "scope": "layer"},
        row | little | {"redundancy_test": 0.7, "p": 0.001, "sixty_test_adjusted": "yes"},
        row | near | {"redundancy_test": 0.4, "family": "vit"},
        row | much | {"redundancy_test": 0.2, "family": "resnet"},
        row | near | {"redundancy_test": np.nan, "family": "cnn"},
        row | little | {"redundancy_test": 0.99, "p": 0.0, "family": "vit", "architecture": "small"},
    ]
    models = [("dnn", "a", 100), ("vit", "a", 100), ("cnn", "a", 100), ("resnet", "a", 100), ("vit", "small", 99)]
    sizes = pd.DataFrame(models, columns=["family", "architecture", "parameters"]).assign(dataset="mnist")
    families = ["dnn", "vit", "cnn", "resnet"]
    p_min = pd.DataFrame({"family": families, "depth": "all", "p_min": 100}).assign(dataset="mnist")
    tables = {"redundancy": rows, "sizes": sizes, "minimal": p_min}
    ample = tables | {"redundancy": [row | much | {"redundancy_test": 0.3}]}
    studies = {("redundancy", name): of for name, of in tables.items()} | {("ample", n): of for n, of in ample.items()}
    judged = pruned.REDUNDANCY.judged(Tables(studies))
    assert [(row.study, row.group, row.effect, row.verdict) for row in judged.rows] == [
        ("redundancy", "dnn", 0.2, CONFIRMED),
        ("redundancy", "resnet", 9.0, REFUTED),
        ("redundancy", "vit", 1.1, UNDECIDED),
        ("ample", "dnn", 9.0, REFUTED),
    ]
    assert judged.verdict == CONFIRMED


def test_bits_are_judged_over_all_precisions_within_families():
    row = {
        "family": "dnn", "precision": "all", "loss": "points", "term": "size", "coefficient": -1.0, "low": -2.0,
        "high": -0.5, "models": 54, "datasets": 9, "interval_over": "data sets",
    }  # fmt: skip
    rows = [
        row | {"verdict_adjusted": "hurt more"},
        row | {"verdict_adjusted": "hurt less"},
        row | {"verdict_adjusted": "open"},
        row | {"verdict_adjusted": "hurt more", "precision": "int4"},
        row | {"verdict_adjusted": "hurt more", "family": "all"},
    ]
    assert verdicts(bits.CLAIM, {("difficulty", "hurt"): rows}) == [CONFIRMED, REFUTED, UNDECIDED]


def test_weights_are_judged_against_those_before_training():
    row = {
        "scope": "within architectures", "quantity": "weights", "distance": "js", "scaled": True, "networks": 900,
        "architectures": 27, "comparison": "within architectures", "difference": 0.1, "difference_low": 0.05,
        "difference_high": 0.15, "detectable": 0.07,
    }  # fmt: skip
    rows = [row | {"verdict": verdict} for verdict in ("holds", "does not hold", "not shown", "cannot tell")]
    assert verdicts(weights.CLAIM, {("seeds", "similarity_verdicts"): rows}) == [
        CONFIRMED, REFUTED, UNDECIDED, UNDECIDED,
    ]  # fmt: skip


SEARCH = {
    "dataset": "mnist", "family": "resnet", "tower": "resnet-depth18-width4", "way": "odn", "n": 5,
    "depths": "2 2 2 2 2", "full_depth": 8, "test_mean": 0.98, "restart": "continue", "parameters_share_mean": 0.02,
    "test_difference_points_mean": 0.1, "test_difference_points_low": -0.3, "test_difference_points_high": 0.5,
}  # fmt: skip


ENDS = ("mean", "low", "high")


def test_a_search_must_leave_few_parameters_and_lose_nothing():
    rows = [
        SEARCH,
        SEARCH | {"parameters_share_mean": 0.2},
        SEARCH | {"test_difference_points_low": -0.6, "test_difference_points_high": 0.8},
        SEARCH | {f"test_difference_points_{end}": value for end, value in zip(ENDS, (-0.8, -0.9, -0.7), strict=True)},
        SEARCH | {"dataset": "cifar10"},
        SEARCH | {"restart": None},
    ]
    tables = {("depth", "odn"): rows}
    assert verdicts(grown.MNIST, tables) == [CONFIRMED, REFUTED, UNDECIDED, REFUTED]
    assert grown.MNIST.judged(Tables(tables)).verdict == CONFIRMED, "of one search, as the paper says up to"
    assert verdicts(grown.SVHN, tables) == [] and grown.SVHN.judged(Tables(tables)).verdict == UNDECIDED


def test_both_are_compared_with_either_alone():
    row = {
        "dataset": "cifar10", "whole": "resnet", "nus": 5, "n": 5, "test_difference_points_mean": 1.0,
        "test_difference_points_low": 0.2, "test_difference_points_high": 1.8,
    }  # fmt: skip
    rows = [
        row | {"against": "beta 0", "verdict_adjusted": "better"},
        row | {"against": "beta 1", "verdict_adjusted": "worse"},
        row | {"against": "beta 1", "verdict_adjusted": "cannot tell"},
        row | {"against": "fresh", "verdict_adjusted": "better"},
    ]
    assert verdicts(gated.BOTH, {("complexity", "tradeoff"): rows}) == [CONFIRMED, REFUTED, UNDECIDED]
