"""What rows of the reports' tables say of each claim."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from minarch.claims import CLAIMS, bits, gated, grown, minimal, pruned, regimes, shape, weights
from minarch.claims.claim import CONFIRMED, REFUTED, UNDECIDED
from minarch.claims.reports import Reports
from minarch.errors import UserError

ENDS = ("mean", "low", "high")


class Tables(Reports):
    """Reports whose tables are given: (study, name) -> rows."""

    def __init__(self, tables):
        super().__init__(None, {key: pd.DataFrame(rows) for key, rows in tables.items()})

    def has(self, study):
        return any(of == study for of, _ in self._tables)


def judged(claim, tables):
    return claim.judged(Tables(tables))


def verdicts(claim, tables):
    return [row.verdict for row in judged(claim, tables).rows]


def estimate(name, mean, half):
    """The columns of a mean with its interval."""
    return dict(zip([f"{name}_{end}" for end in ENDS], (mean, mean - half, mean + half), strict=True))


def test_the_claims_are_ten_and_each_names_its_studies():
    assert [claim.number for claim in CLAIMS] == [f"C{i}" for i in range(1, 11)]
    assert all(claim.studies and claim.words and claim.rule for claim in CLAIMS)


def test_a_table_of_older_code_is_named_in_one_line():
    tables = {(study, name): [{"p": 1.0}] for study in ("redundancy", "ample") for name in ("redundancy", "sizes")}
    with pytest.raises(UserError, match=r"redundancy\.csv of study redundancy has no column sixty_.*make study"):
        judged(pruned.REDUNDANCY, tables)


def regimes_of(sequence, checked=20, held=20):
    """The tables of a family whose regimes along the sizes are the letters of a sequence: u, l, o."""
    names = {"u": "unstable", "l": "learning", "o": "overfitting"}
    key = {"dataset": "mnist", "family": "dnn"}
    sizes = [key | {"regime": names[letter], "parameters": 100 * (i + 1)} for i, letter in enumerate(sequence)]
    low, high = stats.binomtest(held, checked).proportion_ci() if checked else (np.nan, np.nan)
    order = key | {"checked": checked, "held": held, "held_share": held / checked if checked else np.nan}
    order |= {"held_low": low, "held_high": high} | {name: sequence.count(letter) for letter, name in names.items()}
    return {
        ("phase1", "sizes"): sizes,
        ("phase1", "order"): [order],
        ("difficulty", "sizes"): pd.DataFrame(sizes).head(0),
        ("difficulty", "order"): pd.DataFrame([order]).head(0),
    }


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        ("u" * 10 + "l" * 10 + "o" * 10, [CONFIRMED, CONFIRMED]),
        ("u" * 10 + "o" * 8 + "l" * 12, [CONFIRMED, REFUTED]),
        ("l" * 10 + "u" * 10 + "o" * 10, [REFUTED, CONFIRMED]),
        ("u" * 10 + "lo" * 8, [CONFIRMED, UNDECIDED]),
        ("u" * 10 + "l" * 20, [CONFIRMED, UNDECIDED]),
        ("l" * 10 + "o" * 20, [UNDECIDED, CONFIRMED]),
        ("ulo", [UNDECIDED, UNDECIDED]),
    ],
)
def test_each_regime_is_compared_with_the_one_that_follows(sequence, expected):
    rows = judged(regimes.CLAIM, regimes_of(sequence)).rows
    assert [row.verdict for row in rows[:2]] == expected


@pytest.mark.parametrize(
    ("checked", "held", "expected"),
    [(60, 60, CONFIRMED), (20, 20, UNDECIDED), (60, 40, REFUTED), (60, 54, UNDECIDED), (0, 0, UNDECIDED)],
)
def test_sizes_hold_on_the_other_half_surely_or_not(checked, held, expected):
    case = judged(regimes.CLAIM, regimes_of("u" * 10 + "l" * 10 + "o" * 10, checked, held)).rows[-1]
    assert case.verdict == expected and case.n == f"{checked} sizes"


@pytest.mark.parametrize(
    ("sequence", "checked", "complete", "hopeless"),
    [
        ("u" * 20 + "l" * 20 + "o" * 20, 400, 1, 0),
        ("u" * 20 + "l" * 20 + "o" * 20, 35, 1, 1),
        ("u" * 20 + "l" * 20, 400, 0, 1),
        ("u" * 3 + "l" * 3 + "o" * 20, 35, 1, 2),
        ("u" + "l", 0, 0, 3),
    ],
)
def test_what_no_outcome_could_confirm_is_counted(sequence, checked, complete, hopeless):
    claim = judged(regimes.CLAIM, regimes_of(sequence, checked, checked))
    assert f"occur in {complete} of 1 data sets" in claim.remark and f"In {hopeless} of 3 cases" in claim.remark
    assert sum(row.smallest is None for row in claim.rows) == hopeless


def test_the_interval_of_pairs_in_order_covers_at_its_rate():
    """Sizes of two regimes that overlap: normal distributions a standard deviation apart, 76 % of pairs in order."""
    generator, truth = np.random.default_rng(0), stats.norm.cdf(1 / np.sqrt(2))
    covered = []
    for _ in range(500):
        smaller, larger = generator.normal(0, 1, 15), generator.normal(1, 1, 20)
        share = float((larger[:, None] > smaller).mean())
        low, high = regimes.interval(share, 15, 20)
        assert 0 <= low <= share <= high <= 1
        covered.append(low <= truth <= high)
    assert 0.92 <= np.mean(covered) <= 0.99
    low, high = regimes.interval(1.0, 15, 20)
    assert low < 0.95 and high == 1.0, "what was seen without exception is not certain"


def test_what_regimes_could_tell_is_told_by_four_of_five_designs():
    row = judged(regimes.CLAIM, regimes_of("u" * 20 + "l" * 20 + "o" * 20)).rows[0]
    shift = np.sqrt(2) * stats.norm.ppf(0.5 + row.smallest / 100)  # of normal distributions with that share in order
    generator = np.random.default_rng(0)
    drawn = [(generator.normal(0, 1, 20), generator.normal(shift, 1, 20)) for _ in range(400)]
    assert np.mean([stats.mannwhitneyu(*pair).pvalue <= 0.05 for pair in drawn]) == pytest.approx(0.8, abs=0.06)


def test_shapes_are_judged_on_test_images_against_a_point():
    group = {
        "dataset": "mnist-32", "family": "shaped-dnn", "parameters": 9000, "parameters_largest": 9100,
        "p_min_multiple": 2.0, "architectures": 8, "runs": 160, "largest_difference_points": 0.4,
        "largest_difference_points_low": 0.0, "largest_difference_points_high": 0.8, "margin_points": 1.0,
        "split": "test", "p_equivalent": 1e-4, "p_different": 1.0,
    }  # fmt: skip
    rows = [
        group,
        group | {"p_equivalent": 1.0, "p_different": 1e-4},
        group | {"p_equivalent": 0.3, "p_different": 0.9},
        group | {"split": "validation"},
        group | {"p_equivalent": 1.0, "p_different": 1e-4, "p_min_multiple": 0.5},
        group | {"p_equivalent": 1.0, "p_different": 1e-4, "p_min_multiple": np.nan},
    ]
    tables = {("shape", "equivalence"): rows[:2], ("phase1", "equivalence"): rows[2:]}
    key = {"dataset": "mnist-32", "family": "shaped-dnn"}
    for study, at_most, deeper in (("shape", True, 9050), ("phase1", False, 9051)):
        p_min = {"depth": ["1", "2", "all"], "p_min_at_most": [True, True, at_most], "p_min": [4500, deeper, 4500]}
        tables[study, "minimal"] = pd.DataFrame(key | p_min)
        tables[study, "sizes"] = pd.DataFrame(key | {"depth": [1, 2, 2], "parameters": [9000, 9050, 9101]})
    cases = judged(shape.CLAIM, tables).rows
    assert [row.group for row in cases] == [shape.ALL_LEARN] * 2 + [shape.SOME_BELOW] * 2
    assert ["1 of the shapes below that of their depth" in row.case for row in cases] == [False, False, True, True]
    assert [row.smallest is None for row in cases] == [False, True, False, True], "it is about equivalence"
    assert [row.verdict for row in cases] == [CONFIRMED, REFUTED, UNDECIDED, UNDECIDED]
    assert ["(at least 2.0 P_min)" in row.case for row in cases] == [True, True, False, False]
    assert "P_min unknown" in cases[-1].case and {row.null for row in cases} == {1.0}


def difficulty(p_mins, at_most=()):
    """Tables of data sets that are harder one after the other, and one of colour."""
    names = [f"set{i}" for i in range(len(p_mins))]
    measured = pd.DataFrame({"dataset": names, "family": "dnn", "architecture": "a", "final_validation_accuracy": 0.99})
    measured["final_validation_accuracy"] -= 0.05 * np.arange(len(names))
    smallest = pd.DataFrame({"dataset": names, "family": "dnn", "depth": "all", "p_min": p_mins})
    smallest["p_min_at_most"] = smallest["dataset"].isin(at_most)
    data = pd.DataFrame({"dataset": names, "shape": minimal.SHAPE})
    colour = {"dataset": "colour", "family": "dnn", "depth": "all", "p_min": 1, "p_min_at_most": False}
    return {
        ("difficulty", "sweep"): pd.concat(
            [measured, measured.head(1).assign(dataset="colour", final_validation_accuracy=0.1)]
        ),
        ("difficulty", "minimal"): pd.concat([smallest, pd.DataFrame([colour])]),
        ("difficulty", "data"): pd.concat([data, pd.DataFrame([{"dataset": "colour", "shape": "3 x 32 x 32"}])]),
    }


def test_p_min_that_rises_with_difficulty_confirms_and_one_that_falls_refutes():
    rising = [100, 200, 400, 300, 800, 900, 1000, 1200]
    (row,) = judged(minimal.CLAIM, difficulty(rising)).rows
    assert row.verdict == CONFIRMED and row.n == "8 data sets" and row.low > 0
    assert verdicts(minimal.CLAIM, difficulty(rising[::-1])) == [REFUTED]
    assert verdicts(minimal.CLAIM, difficulty([500, 100, 400, 300, 800, 200, 700, 600])) == [UNDECIDED]


def test_of_four_data_sets_no_order_is_a_test():
    (row,) = judged(minimal.CLAIM, difficulty([100, 200, 300, 400])).rows
    assert row.effect == pytest.approx(1.0) and row.p_adjusted is None and row.verdict == UNDECIDED


def test_a_p_min_beyond_the_grid_is_the_largest_and_one_at_its_foot_is_said_to_be():
    hardest = [100, 200, 300, 400, 500, 600, np.nan, np.nan]
    (row,) = judged(minimal.CLAIM, difficulty(hardest, at_most=["set0"])).rows
    assert row.verdict == CONFIRMED and row.n == "8 data sets" and row.case.count("beyond the grid") == 2
    assert "set0 at most 100, set1 200," in row.case
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
    "runs": 360, "slope_points": 1.0, "low": 0.5, "high": 1.5, "covers": "other models", "measure": "area", "p": 1e-4,
}  # fmt: skip


def test_depth_is_judged_by_the_area_over_many_models_alone():
    rows = [
        SLOPE,
        SLOPE | {"slope_points": -1.0},
        SLOPE | {"p": 0.2},
        SLOPE | {"measure": "plateau end"},
        SLOPE | {"covers": "these models"},
    ]
    models = {"dataset": "mnist-32", "family": ["dnn", "dnn", "cnn"], "architecture": ["a", "b", "c"]}
    tables = {
        ("redundancy", "depth"): rows,
        ("redundancy", "magnitude"): {"finetuned": False, "scope": "global", "level": [0.0, 0.5, 0.5, 0.9]},
        ("redundancy", "sizes"): models | {"regime": ["learning", "unstable", "unstable"]},
        ("redundancy", "redundancy"): models | {"role": "further"},
    }
    claim = judged(pruned.DEPTH, tables)
    assert [row.verdict for row in claim.rows] == [CONFIRMED, REFUTED, UNDECIDED]
    assert all("(2 levels)" in row.case for row in claim.rows)
    assert claim.remark == "Of the 2 models of all fits are unstable: 1 on mnist-32."


CURVE = {
    "dataset": "mnist", "family": "dnn", "architecture": "a", "scope": "global", "finetuned": False, "retention_n": 20,
    "redundancy_test": 0.5,
}  # fmt: skip
LOSS = "sixty_test_drop_points"


def redundancy(*curves, p_min=100):
    """The tables of the study of redundancy; that of ample networks has none."""
    table = pd.DataFrame(curves)
    models = table[["dataset", "family", "architecture"]].drop_duplicates()
    sizes = models.assign(parameters=np.where(models["architecture"] == "too small", 99, 100))
    smallest = models[["dataset", "family"]].drop_duplicates().assign(depth="all", p_min=p_min, p_min_at_most=False)
    tables = {"redundancy": table, "sizes": sizes, "minimal": smallest}
    return {("redundancy", n): of for n, of in tables.items()} | {("ample", n): of.head(0) for n, of in tables.items()}


def test_sixty_per_cent_are_judged_by_the_curve_that_shows_it_best():
    curves = [
        CURVE | estimate(LOSS, 1.5, 0.1),  # surely too much, but the next one cannot be told
        CURVE | estimate(LOSS, 0.9, 0.4) | {"architecture": "b"},
        CURVE | estimate(LOSS, 0.2, 0.1) | {"family": "cnn"},
        CURVE | estimate(LOSS, 3.0, 0.5) | {"family": "resnet"},
        CURVE | estimate(LOSS, 2.0, 0.5) | {"family": "resnet", "architecture": "b"},
        CURVE | estimate(LOSS, 0.1, 0.1) | {"family": "vit", "architecture": "too small"},
    ]
    claim = judged(pruned.REDUNDANCY, redundancy(*curves))
    assert [(row.group, row.effect, row.verdict) for row in claim.rows] == [
        ("cnn", 0.2, CONFIRMED),
        ("dnn", 0.9, UNDECIDED),
        ("resnet", 2.0, REFUTED),
        ("vit", None, UNDECIDED),
    ]
    assert claim.verdict == CONFIRMED and {row.null for row in claim.rows} == {1.0}


def test_networks_that_lose_too_much_do_not_refute_that_others_do_not():
    assert judged(pruned.REDUNDANCY, redundancy(CURVE | estimate(LOSS, 9.0, 1.0))).verdict == UNDECIDED
    unknown = redundancy(CURVE | estimate(LOSS, 0.1, 0.05), p_min=np.nan)
    assert verdicts(pruned.REDUNDANCY, unknown) == [UNDECIDED], "without a P_min no network counts"


def test_the_best_of_many_curves_pays_for_their_number():
    """Of 20 curves that lose just the margin the best one is called redundant in at most 5 % of 200 studies."""
    generator, told = np.random.default_rng(0), []
    for _ in range(200):
        drawn = generator.normal(1.0, 0.5, (20, 10))
        half = stats.t.ppf(0.975, 9) * drawn.std(axis=1, ddof=1) / np.sqrt(10)
        curves = [
            CURVE | estimate(LOSS, mean, width) | {"architecture": f"a{i}", "retention_n": 10}
            for i, (mean, width) in enumerate(zip(drawn.mean(axis=1), half, strict=True))
        ]
        told.append(judged(pruned.REDUNDANCY, redundancy(*curves)).verdict == CONFIRMED)
    assert np.mean(told) <= 0.05


def test_bits_are_judged_by_relative_loss_over_all_precisions_within_families():
    row = {
        "family": "dnn", "precision": "all", "loss": "relative", "term": "size", "coefficient": -1.0, "low": -2.0,
        "high": -0.5, "models": 54, "datasets": 9, "interval_over": "data sets", "p": 1e-4, "p_adjusted": 1e-3,
    }  # fmt: skip
    rows = [
        row,
        row | {"coefficient": 1.0},
        row | {"term": "difficulty"},
        row | {"term": "difficulty", "coefficient": 1.0},
        row | {"p": 0.5, "p_adjusted": 0.6},
        row | {"p_adjusted": np.nan},
        row | {"precision": "int4"},
        row | {"family": "all"},
        *(row | {"loss": "points", "term": term, "coefficient": 3.0} for term in ("size", "difficulty")),
    ]
    expected = [CONFIRMED, REFUTED, REFUTED, CONFIRMED, UNDECIDED, UNDECIDED]
    cases = judged(bits.CLAIM, {("difficulty", "hurt"): rows}).rows
    assert [case.verdict for case in cases] == expected
    assert all(case.case.endswith("in points of accuracy +3.00 [-2.00 to -0.50]") for case in cases)


def test_weights_are_judged_against_those_before_training():
    row = {
        "scope": "within architectures", "quantity": "weights", "distance": "js", "scaled": True, "networks": 900,
        "architectures": 27, "comparison": "within architectures", "log_ratio": 0.2, "difference": 0.1,
        "difference_low": 0.05, "difference_high": 0.15, "detectable": 0.07, "p_value": 1e-3,
    }  # fmt: skip
    rows = [
        row,
        row | {"log_ratio": -0.2, "difference": -0.1},
        row | {"difference": -0.1},
        row | {"p_value": 0.3},
        row | {"p_value": np.nan, "comparison": np.nan},
    ]
    expected = [CONFIRMED, REFUTED, UNDECIDED, UNDECIDED, UNDECIDED]
    assert verdicts(weights.CLAIM, {("seeds", "similarity_verdicts"): rows}) == expected


SEARCH = {
    "dataset": "mnist", "family": "resnet", "tower": "resnet-depth18-width4", "way": "odn", "n": 5,
    "depths": "2 2 2 2 2", "full_depth": 8, "test_mean": 0.98, "restart": "continue", "tolerance_points": 1.0,
} | estimate("parameters_share", 0.02, 0.0) | estimate("test_difference_points", 0.1, 0.3)  # fmt: skip


def test_a_search_must_leave_few_parameters_and_stay_within_its_tolerance():
    rows = [
        SEARCH,
        SEARCH | estimate("test_difference_points", -0.8, 0.1),
        SEARCH | estimate("test_difference_points", -0.8, 2.0),
        SEARCH | estimate("test_difference_points", -1.5, 0.1),
        SEARCH | estimate("parameters_share", 0.2, 0.02),
        SEARCH | estimate("parameters_share", 0.08, 0.1),
        SEARCH | estimate("parameters_share", 0.2, 0.3),
        SEARCH | {"dataset": "cifar10"},
        SEARCH | {"restart": None},
    ]
    tables = {("depth", "odn"): rows}
    expected = [CONFIRMED, CONFIRMED, UNDECIDED, REFUTED, REFUTED, UNDECIDED, UNDECIDED]
    assert verdicts(grown.MNIST, tables) == expected
    assert judged(grown.MNIST, tables).verdict == CONFIRMED, "of one search, as the paper says up to"


def test_of_a_search_that_fails_twice_what_is_surer_is_shown_and_pays_for_both():
    keeps = SEARCH | estimate("parameters_share", 0.2, 0.02)
    rows = [
        keeps,
        keeps | estimate("test_difference_points", -1.5, 1.0),
        keeps | estimate("test_difference_points", -1.5, 0.01),
        SEARCH | estimate("parameters_share", 0.2, 0.0),
    ]
    of_parameters, doubled, of_test, of_signs = judged(grown.MNIST, {("depth", "odn"): rows}).rows
    assert (of_parameters.unit, of_parameters.null, of_parameters.effect) == (grown.FEWER, 90, pytest.approx(80))
    assert (of_parameters.low, of_parameters.high) == (pytest.approx(78), pytest.approx(82))
    assert (doubled.unit, doubled.p) == (grown.FEWER, pytest.approx(2 * of_parameters.p))
    assert (of_test.unit, of_test.effect) == (grown.POINTS, -1.5)
    assert (of_signs.p, of_signs.verdict, of_signs.smallest) == (2**-4, UNDECIDED, None)


def test_a_study_that_needs_another_machine_is_no_case_until_it_was_run():
    assert verdicts(grown.SVHN, {}) == [] and judged(grown.SVHN, {}).verdict == UNDECIDED
    assert verdicts(grown.SVHN, {("depth-cuda-svhn", "odn"): [SEARCH | {"dataset": "svhn"}]}) == [CONFIRMED]


def test_both_are_compared_with_either_alone():
    row = {"dataset": "cifar10", "whole": "resnet", "nus": 5, "n": 5, "p": 1e-3} | estimate(
        "test_difference_points", 1.0, 0.8
    )
    rows = [
        row | {"against": "beta 0"},
        row | {"against": "beta 1"} | estimate("test_difference_points", -1.0, 0.8),
        row | {"against": "beta 1", "p": 0.2},
        row | {"against": "beta 1", "p": np.nan},
        row | {"against": "fresh"},
    ]
    expected = [CONFIRMED, REFUTED, UNDECIDED, UNDECIDED]
    assert verdicts(gated.BOTH, {("complexity", "tradeoff"): rows}) == expected
