"""Methods against controls whose differences are known, and the intervals against scipy's."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from minarch.analysis.controls import QUESTION, controls_table, counterparts, welch
from minarch.analysis.multiplicity import with_adjusted

MODEL = {"dataset": "digits", "family": "dnn", "architecture": "dnn-100"}
L1 = {"importance": "L1", "scope": "layer", "target": "units", "heads": False, "residual": False}
L1 |= {"schedule": "one-shot", "weights": "trained"}
RANDOM, FRESH = {"importance": "random"}, {"weights": "fresh"}
NOISE = np.array([0.01, -0.02, 0.0, 0.015, -0.005])


def runs(
    method: str, how: dict[str, Any], finetuned: np.ndarray, parameters: float = 60.0, removed: float = 0.5
) -> pd.DataFrame:
    """Five cut repeats; right after the cut they are 30 points below what they reach."""
    settings = MODEL | {"method": method, "level": 0.5} | L1 | how
    measured = {"repeat": range(5), "removed_share": removed, "parameters": parameters}
    measured |= {"validation_finetuned": finetuned, "validation_pruned": finetuned - 0.3}
    measured |= {"test_finetuned": finetuned - 0.01, "test_pruned": finetuned - 0.31}
    return pd.DataFrame(measured).assign(**settings)


def sweep(sizes: dict[str, int], accuracy: np.ndarray) -> pd.DataFrame:
    tables = [
        pd.DataFrame({"repeat": range(len(accuracy)), "final_validation_accuracy": accuracy}).assign(
            **MODEL | {"architecture": name, "parameters": parameters, "final_test_accuracy": accuracy - 0.02}
        )
        for name, parameters in sizes.items()
    ]
    return pd.concat(tables, ignore_index=True)


ALONE = sweep({"dnn-100": 100}, 0.9 + NOISE)  # there is no other architecture


def test_what_all_repeats_share_is_taken_out_by_pairing() -> None:
    pair = pd.concat([runs("l1", {}, 0.9 + NOISE), runs("lot", RANDOM, 0.88 + NOISE)])
    table = controls_table(pair, ALONE, 0.95)
    assert table[["control", "against", "step", "n"]].to_numpy().tolist() == [
        ["random", "lot", "finetuned", 5],
        ["random", "lot", "pruned", 5],
    ]
    for name in ("difference_points", "test_difference_points"):
        for part in ("mean", "low", "high"):
            assert table[f"{name}_{part}"].to_numpy() == pytest.approx([2.0, 2.0])


def test_the_paired_interval_is_scipys() -> None:
    fresh = 0.9 - NOISE[::-1] * 2
    row = controls_table(pd.concat([runs("l1", {}, 0.9 + NOISE), runs("new", FRESH, fresh)]), ALONE, 0.9).iloc[0]
    expected = stats.ttest_rel(100 * (0.9 + NOISE), 100 * fresh).confidence_interval(0.9)
    assert (row["control"], row["step"]) == ("fresh", "finetuned")
    assert (row["difference_points_low"], row["difference_points_high"]) == pytest.approx(tuple(expected))


def test_welchs_interval_is_scipys() -> None:
    ours, theirs = np.array([90.0, 91.0, 89.5]), np.array([85.0, 92.0, 88.0, 87.0, 91.0])
    expected = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    assert welch(ours, theirs, 0.95) == pytest.approx((ours.mean() - theirs.mean(), *expected))
    assert welch(np.ones(3), np.zeros(2), 0.95) == (1.0, 1.0, 1.0)
    assert np.isnan(welch(np.ones(1), theirs, 0.95)[1:]).all()


def test_the_nearest_architecture_is_nearest_in_log_and_not_the_model() -> None:
    """60 lies nearer to 40 (ratio 1.5) than to 95 (1.58), although 100 itself, the model, is excluded either way."""
    others = sweep({"dnn-100": 62, "dnn-40": 40, "dnn-95": 95}, 0.85 + NOISE[:3])
    row = controls_table(runs("l1", {}, 0.9 + NOISE), others, 0.95).iloc[0]
    assert (row["control"], row["against"], row["against_parameters"]) == ("nearest", "dnn-40", 40)
    assert (row["parameters"], row["n"], row["n_against"]) == (60, 5, 3)
    assert row["difference_points_mean"] == pytest.approx(100 * (0.05 + NOISE.mean() - NOISE[:3].mean()))
    assert row["test_difference_points_mean"] - row["difference_points_mean"] == pytest.approx(1.0)


def test_a_model_that_is_not_of_the_sweep_is_compared_with_the_nearest_of_its_family_where_there_is_one() -> None:
    others = sweep({"dnn-100": 62, "dnn-40": 40}, 0.85 + NOISE[:3])
    searched = runs("l1", {}, 0.9 + NOISE).assign(architecture="dnn-200-odn")
    row = controls_table(searched, others, 0.95).iloc[0]
    assert (row["architecture"], row["against"], row["against_parameters"]) == ("dnn-200-odn", "dnn-100", 62)
    assert controls_table(searched.assign(family="resnet"), others, 0.95).empty


def test_where_nothing_was_removed_nothing_is_compared() -> None:
    others = sweep({"dnn-100": 100, "dnn-40": 40}, 0.85 + NOISE)
    whole = [runs("l1", {}, 0.9 + NOISE, removed=0.0), runs("lot", RANDOM, 0.9 + NOISE, removed=0.0)]
    table = controls_table(pd.concat(whole), others, 0.95)
    assert table.empty and "difference_points_low" in table


def test_repeats_without_a_number_form_no_pair() -> None:
    broken = runs("lot", RANDOM, 0.88 + NOISE)
    broken.loc[0, ["validation_finetuned", "test_finetuned"]] = np.nan
    table = controls_table(pd.concat([runs("l1", {}, 0.9 + NOISE), broken]), ALONE, 0.95).set_index("step")
    assert table["n"].to_dict() == {"finetuned": 4, "pruned": 5}


def methods(**how: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([{"method": name} | L1 | settings for name, settings in how.items()])


def test_a_control_cuts_the_same_kind_of_share() -> None:
    """A level of MACs is no level of units, and cutting heads or the width, too, is another cut; a control has none."""
    more = {name: {name: True} for name in ("heads", "residual")}
    table = methods(l1={}, macs={"target": "macs"}, **more, lot=RANDOM, new=FRESH)
    assert sorted(counterparts(table)) == [("l1", "fresh", "new"), ("l1", "random", "lot")]


def test_of_several_controls_the_one_most_like_the_method_counts() -> None:
    whole = {"scope": "global"}
    table = methods(l1={}, whole=whole, lot=RANDOM, lot_whole=RANDOM | whole, new=FRESH)
    assert sorted(counterparts(table)) == [
        ("l1", "fresh", "new"),
        ("l1", "random", "lot"),
        ("whole", "fresh", "new"),
        ("whole", "random", "lot_whole"),
    ]


def test_order_of_rows_changes_nothing() -> None:
    others = sweep({"dnn-100": 100, "dnn-40": 40}, 0.85 + NOISE)
    whole = pd.concat(
        [runs("l1", {}, 0.9 + NOISE), runs("lot", RANDOM, 0.8 + 2 * NOISE), runs("new", FRESH, 0.9 - NOISE)]
    )
    table = controls_table(whole, others, 0.95)
    shuffled = controls_table(whole.sample(frac=1, random_state=1), others.sample(frac=1, random_state=2), 0.95)
    pd.testing.assert_frame_equal(table, shuffled)


def studies(effect: float, number: int, cases: int = 6, repeats: int = 5) -> pd.DataFrame:
    """Controls of constructed studies, each a data set whose `cases` models are families. A method is better than each
    control by `effect` (points), where repeats differ by a point, and pairs by half of one.
    """
    generator = np.random.default_rng(0)
    base = 0.9 + generator.normal(0, 0.01, (number * cases, 1, repeats))
    ways = base + generator.normal(0, 0.0035, (len(base), 3, repeats)) + np.array([effect / 100, 0.0, 0.0])[:, None]
    index = pd.MultiIndex.from_product([range(number), range(cases), ("l1", "lot", "new"), range(repeats)])
    cut = pd.DataFrame({"measured": ways.ravel()}, index.set_names(["dataset", "family", "method", "repeat"]))
    how = L1 | {"architecture": "dnn-100", "level": 0.5, "removed_share": 0.5, "parameters": 60.0}
    cut = cut.reset_index().assign(**how)
    cut.loc[cut["method"] == "lot", "importance"] = "random"
    cut.loc[cut["method"] == "new", "weights"] = "fresh"
    for column in ("validation_pruned", "validation_finetuned", "test_pruned", "test_finetuned"):
        cut[column] = cut["measured"]
    alone = sweep({"dnn-40": 40}, 0.9 + generator.normal(0, 0.01, len(base) * repeats) + 0.02)  # test is 0.02 lower
    places = cut.loc[cut["method"] == "l1", ["dataset", "family", "repeat"]].reset_index(drop=True)
    return controls_table(cut, alone.assign(**places), 0.95)


def test_verdicts_against_one_control_at_one_step_are_a_family() -> None:
    table = studies(effect=0.6, number=1)
    for _, rows in table.groupby(QUESTION):
        assert rows["p_adjusted"].to_numpy() == pytest.approx(stats.false_discovery_control(rows["p"]))
    said = np.where(table["test_difference_points_low"] > 0, "better", "cannot tell")
    said[table["test_difference_points_high"] < 0] = "worse"
    assert table["verdict"].tolist() == said.tolist() and set(table["control"]) == {"random", "fresh", "nearest"}


def test_the_verdict_is_that_of_test_images() -> None:
    """On validation images the method is 2 points better, on test images 2 points worse."""
    method, lot = runs("l1", {}, 0.9 + NOISE), runs("lot", RANDOM, 0.88 + 0.9 * NOISE)
    method["test_finetuned"] -= 0.04
    row = controls_table(pd.concat([method, lot]), ALONE, 0.95).set_index("step").loc["finetuned"]
    assert row["difference_points_low"] > 0 and row["verdict"] == row["verdict_adjusted"] == "worse"
    assert row["p"] == pytest.approx(stats.ttest_rel(method["test_finetuned"], lot["test_finetuned"]).pvalue)


@pytest.mark.slow
@pytest.mark.parametrize("effect", [0.0, 1.5])
def test_without_an_effect_few_families_have_a_verdict_and_an_effect_is_found(effect: float) -> None:
    """Of 200 studies, whose families are judged study by study."""
    number = 200
    table = with_adjusted(studies(effect, number), 0.95, "cannot tell", family=["dataset", *QUESTION])
    said = table["verdict_adjusted"]
    if effect:
        told = (said == "better").groupby(table["control"]).mean()
        assert told["random"] >= 0.8 and told["fresh"] >= 0.8 and (said != "worse").all()
    else:
        some = (said != "cannot tell").groupby([table[name] for name in ["dataset", *QUESTION]]).any()
        assert (some.groupby(QUESTION).mean() <= stats.binom.ppf(0.995, number, 0.05) / number).all()
