"""The tables of pruning from rows whose findings are known."""

import numpy as np
import pandas as pd
import pytest
from constructed import RELIABILITY
from scipy import stats

from minarch.analysis.minimal import Bootstrap
from minarch.reporting.tables.magnitude import curve_measures, magnitude_tables, sixty
from minarch.reporting.tables.pruning import layerwise_table, on_front

BOOTSTRAP = Bootstrap(resamples=100, confidence=0.95, seed=0)
MODEL = {"dataset": "digits", "family": "dnn", "architecture": "dnn-8"}
CLASSES = pd.Series({"digits": 10})


def curve(
    accuracies: dict[float, float], scope: str = "global", finetuned: bool = False, repeats=range(3)
) -> pd.DataFrame:
    rows = [
        {"repeat": r, "level": level, "validation": a, "test": a} for r in repeats for level, a in accuracies.items()
    ]
    return pd.DataFrame(rows).assign(**MODEL, scope=scope, finetuned=finetuned)


PLAIN = curve({0.0: 0.9, 0.5: 0.9, 0.7: 0.8, 0.9: 0.1})


def test_a_finetuned_curve_starts_at_the_unpruned_network() -> None:
    tuned = curve({0.5: 0.9, 0.7: 0.895, 0.9: 0.7}, finetuned=True)
    magnitude, redundancy = magnitude_tables(pd.concat([PLAIN, tuned]), CLASSES, BOOTSTRAP, RELIABILITY)
    curves = redundancy.set_index("finetuned")
    assert curves["redundancy"].to_dict() == {False: 0.5, True: 0.7}
    assert curves["base_validation"].tolist() == pytest.approx([0.9, 0.9])
    assert curves["sixty"].to_dict() == {False: "no", True: "yes"}
    assert curves["collapse"].isna().tolist() == [False, True]
    phases = magnitude[magnitude["finetuned"].astype(bool)].set_index("level")["phase"]
    assert phases.to_dict() == {0.5: "plateau", 0.7: "plateau", 0.9: "degradation"}


def test_few_finetuned_levels_have_accuracies_but_no_phases() -> None:
    tuned = curve({0.5: 0.9, 0.7: 0.895}, finetuned=True)
    magnitude, redundancy = magnitude_tables(pd.concat([PLAIN, tuned]), CLASSES, BOOTSTRAP, RELIABILITY)
    assert redundancy["finetuned"].tolist() == [False]
    rows = magnitude[magnitude["finetuned"].astype(bool)]
    assert rows["validation_mean"].tolist() == pytest.approx([0.9, 0.895]) and rows["phase"].isna().all()


def test_scopes_are_curves_of_their_own() -> None:
    whole = pd.concat([PLAIN, curve({0.0: 0.9, 0.5: 0.5, 0.7: 0.4, 0.9: 0.1}, scope="layer")])
    _, redundancy = magnitude_tables(whole, CLASSES, BOOTSTRAP, RELIABILITY)
    assert redundancy.set_index("scope")["redundancy"].to_dict() == {"global": 0.5, "layer": 0.0}
    ends = curve_measures(whole, CLASSES, RELIABILITY).query("measure == 'plateau end'")
    assert ends.groupby("scope")["test"].unique().map(list).to_dict() == {"global": [0.5], "layer": [0.0]}
    assert len(ends) == 6


def test_a_repeat_that_lacks_a_level_is_left_out_of_the_phases() -> None:
    whole = PLAIN[(PLAIN["repeat"] > 0) | (PLAIN["level"] < 0.9)]
    assert magnitude_tables(whole, CLASSES, BOOTSTRAP, RELIABILITY)[1]["n"].tolist() == [2]


def test_a_network_that_guesses_has_nothing_redundant() -> None:
    guessing = curve({0.0: 0.1, 0.5: 0.1, 0.7: 0.1, 0.9: 0.1}, repeats=range(3, 6))
    _, alone = magnitude_tables(guessing, CLASSES, BOOTSTRAP, RELIABILITY)
    assert alone["redundancy_test"].isna().all() and alone["sixty_test_adjusted"].tolist() == ["not shown"]
    _, plain = magnitude_tables(PLAIN, CLASSES, BOOTSTRAP, RELIABILITY)
    _, both = magnitude_tables(pd.concat([PLAIN, guessing]), CLASSES, BOOTSTRAP, RELIABILITY)
    assert both["redundancy_test"].tolist() == plain["redundancy_test"].tolist() == [0.5]
    assert both["p"].tolist() == plain["p"].tolist(), "of the repeats that learned"


def test_the_drop_at_sixty_per_cent_is_paired_by_repeat_on_test_images() -> None:
    """At the first level of at least 60 %, with the interval of Student's t of the repeats' differences."""
    repeats = range(4)
    lost = np.array([0.01, 0.02, 0.03, 0.04])
    curves = curve({0.0: 0.9, 0.5: 0.9, 0.7: 0.9, 0.9: 0.3}, repeats=repeats)
    base = 0.9 + 0.01 * np.arange(4)  # repeats differ by more than they lose
    for level, drop in ((0.0, 0 * lost), (0.7, lost)):
        curves.loc[curves["level"] == level, "test"] = base - drop
    _, table = magnitude_tables(curves, CLASSES, BOOTSTRAP, RELIABILITY)
    mean, low, high = table.iloc[0][[f"sixty_test_drop_points_{end}" for end in ("mean", "low", "high")]].astype(float)
    half = stats.t.ppf((1 + BOOTSTRAP.confidence) / 2, 3) * 100 * lost.std(ddof=1) / 2
    assert (mean, low, high) == pytest.approx((2.5, 2.5 - half, 2.5 + half))
    _, short = magnitude_tables(curves[curves["level"] <= 0.5], CLASSES, BOOTSTRAP, RELIABILITY)
    assert short["sixty_test_drop_points_mean"].isna().all()


@pytest.mark.parametrize(("low", "high", "answer"), [(0.6, 0.8, "yes"), (0.4, 0.5, "no"), (0.5, 0.6, "open")])
def test_whether_sixty_per_cent_are_reached(low: float, high: float, answer: str) -> None:
    assert sixty(low, high) == answer


def pruned(*rows: tuple[float, float, float, int]) -> pd.DataFrame:
    """Rows of (MACs, fine-tuned validation, removed share, failed) of one model of 100 MACs with accuracy 0.9."""
    columns = ["macs", "validation_finetuned_mean", "removed_share", "failed"]
    table = pd.DataFrame(rows, columns=columns).assign(**MODEL, repeats=5, macs_before=100.0)
    return table.assign(validation_base_mean=0.9)


def test_the_front_is_of_networks_that_none_beats() -> None:
    table = pruned((50, 0.89, 0.5, 0), (50, 0.88, 0.5, 0), (25, 0.80, 0.75, 0), (30, 0.79, 0.7, 0))
    assert on_front(table, RELIABILITY).tolist() == [True, False, True, False]


def test_originals_what_lost_nothing_and_what_fails_are_not_beaten_by_chance() -> None:
    table = pruned((100, 0.89, 0.5, 0), (100, 0.95, 0.0, 0), (50, 0.85, 0.5, 1), (60, 0.84, 0.4, 0))
    assert on_front(table, RELIABILITY).tolist() == [False, False, False, True]


def test_each_data_set_has_its_front() -> None:
    table = pd.concat([pruned((50, 0.5, 0.5, 0)), pruned((50, 0.8, 0.5, 0)).assign(dataset="mnist")])
    assert on_front(table.reset_index(drop=True), RELIABILITY).all()


def test_what_a_layer_costs_is_paired_by_repeat_and_in_the_networks_order() -> None:
    base = curve({0.0: 0.0, 0.5: 0.1})
    for split in ("validation", "test"):
        base.loc[base["level"] == 0, split] = [0.9, 0.8, 0.7]
    rows = [
        MODEL
        | {"importance": "L1", "repeat": r, "group": group, "position": at, "units": 8, "level": 0.5, "removed": 4}
        | {"validation": 0.9 - 0.1 * r - drop, "test": 0.9 - 0.1 * r - drop / 2}
        for r in range(3)
        for at, (group, drop) in enumerate({"z": 0.05, "a": 0.02}.items())
    ]
    table = layerwise_table(pd.DataFrame(rows), base, 0.95)
    assert table["group"].tolist() == ["z", "a"] and table["n"].tolist() == [3, 3]
    for part in ("mean", "low", "high"):  # the repeats differ by ten points, what is lost does not
        assert table[f"drop_points_{part}"].to_numpy() == pytest.approx([5.0, 2.0])
        assert table[f"test_drop_points_{part}"].to_numpy() == pytest.approx([2.5, 1.0])
