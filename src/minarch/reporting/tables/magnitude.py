"""The tables of unstructured pruning: curves of accuracy with their phases, and what they say of redundancy."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.multiplicity import P_ADJUSTED, P_VALUE, adjusted_name, with_adjusted
from minarch.analysis.phases import (
    REDUNDANCY,
    find_phases,
    p_of_drops,
    p_of_share,
    plateau_end,
    surely_redundant,
)
from minarch.analysis.records import MODEL
from minarch.analysis.reliability import Reliability
from minarch.analysis.retention import AREA, PLATEAU_END, RETENTION, area

CURVE = [*MODEL, "scope", "finetuned"]  # one curve of unstructured pruning
PHASE, SIXTY = "phase", "sixty"  # of a level; whether the curve's plateau reaches SHARE
SURELY, SIXTY_TEST = "redundancy_test", "sixty_test"  # the share that can surely go; whether it reaches SHARE
MEASURED = [*CURVE, "repeat", "measure", "validation", "test"]
SHARE = 0.6  # of redundant parameters, as the paper finds
SIXTY_DROP = "sixty_test_drop_points"
REACHES, FALLS_SHORT, OPEN = "yes", "no", "open"
NOT_SHOWN = "not shown"
LEVELS = 3  # a fine-tuned curve with fewer says nothing of phases
FINDINGS = [*CURVE, "n", "base_validation", *REDUNDANCY, "collapse", SIXTY, SURELY]
FINDINGS += [P_VALUE, P_ADJUSTED, SIXTY_TEST, adjusted_name(SIXTY_TEST)]


def unpruned(curves: pd.DataFrame) -> pd.DataFrame:
    """The rows of level 0, one per model, scope and repeat; they are in the curves without fine-tuning."""
    return curves[~curves["finetuned"].astype(bool) & (curves["level"] == 0)]


def whole_curves(curves: pd.DataFrame, fewest: int = LEVELS) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """CURVE and accuracies [repeats x (split, level)] of each curve, level 0 first.

    A fine-tuned curve starts at the unpruned network, which was not trained on; with less than `fewest` levels of its
    own it is left out.
    """
    bases = unpruned(curves)
    for key, rows in curves.groupby(CURVE):
        curve = dict(zip(CURVE, key, strict=True))
        if curve["finetuned"]:
            rows = rows[rows["level"] > 0]
            if rows["level"].nunique() < fewest:
                continue
            of_curve = (bases[[*MODEL, "scope"]] == [curve[name] for name in [*MODEL, "scope"]]).all(axis=1)
            rows = pd.concat([bases[of_curve], rows])
        wide = rows.pivot(index="repeat", columns="level", values=["validation", "test"]).astype(float).dropna()
        if len(wide):
            yield curve, wide


def learned_of(wide: pd.DataFrame, classes: int, reliability: Reliability) -> pd.DataFrame:
    """The rows of `whole_curves` whose unpruned network did not fail: the others have nothing to lose."""
    return wide[wide["validation", 0.0] >= reliability.lowest(classes)]


def sixty(low: float, high: float) -> str:
    """REACHES, FALLS_SHORT or OPEN: does the plateau reach SHARE of the weights, by its interval?"""
    return REACHES if low >= SHARE else FALLS_SHORT if high < SHARE else OPEN


def magnitude_tables(
    curves: pd.DataFrame, classes: pd.Series, bootstrap: Bootstrap, reliability: Reliability
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mean curves of unstructured pruning with their phases, and what they say: redundancy, collapse and retention.

    Phases are of validation images; SURELY, SIXTY_TEST and the retention are of test images, which nothing is chosen
    by, and of the repeats that learned: a network that guesses loses nothing. The p-value is that of SHARE of the
    weights costing a point or more; the curves of one kind are a family of verdicts.

    Args:
        curves: of read.read_magnitude.
        classes: of each data set, by its name.
    """
    labels, rows = [pd.DataFrame(columns=[*CURVE, "level", PHASE])], []
    drops = [pd.DataFrame(columns=[*CURVE, SIXTY_DROP])]
    for curve, wide in whole_curves(curves):
        accuracy = wide["validation"]
        levels = accuracy.columns.to_numpy(float)
        phases = find_phases(levels, accuracy.to_numpy(), 1 / classes[curve["dataset"]], bootstrap)
        labels.append(pd.DataFrame({"level": levels, PHASE: phases.labels}).assign(**curve))
        learned = learned_of(wide, classes[curve["dataset"]], reliability)
        share, p = phases.redundancy, p_of_drops(learned["test"].to_numpy())
        drops.append(pd.DataFrame({SIXTY_DROP: drops_at_share(levels, learned["test"].to_numpy())}).assign(**curve))
        row = {"n": len(wide), "base_validation": accuracy[0].mean(), "collapse": phases.collapse}
        row |= dict(zip(REDUNDANCY, (share.value, share.low, share.high), strict=True))
        surely = surely_redundant(levels, p, bootstrap.confidence)
        row |= {SIXTY: sixty(share.low, share.high), SURELY: surely, P_VALUE: p_of_share(levels, p, SHARE)}
        rows.append(curve | row | {SIXTY_TEST: REACHES if surely >= SHARE else NOT_SHOWN})
    findings = pd.DataFrame(rows, columns=FINDINGS)
    findings = with_adjusted(
        findings, bootstrap.confidence, NOT_SHOWN, family=["scope", "finetuned"], verdict=SIXTY_TEST
    )
    areas = curve_measures(curves, classes, reliability).query(f"measure == '{AREA}'")
    areas = areas.rename(columns={"test": "retention"}).astype({"retention": float})
    retained = with_intervals(areas, CURVE, ["retention"], bootstrap.confidence).rename(columns={"n": "retention_n"})
    findings = findings.merge(retained[[*CURVE, "retention_n", *RETENTION]], on=CURVE, how="left")
    at_share = with_intervals(pd.concat(drops[1:] or drops), CURVE, [SIXTY_DROP], bootstrap.confidence)
    findings = findings.merge(at_share.drop(columns="n"), on=CURVE, how="left")
    accuracies = with_intervals(curves, [*CURVE, "level"], ["validation", "test"], bootstrap.confidence, ACCURACY)
    by_level = pd.concat(labels[1:] or labels)
    return accuracies.merge(by_level, on=[*CURVE, "level"], how="left"), findings


def drops_at_share(levels: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Points that each repeat of `accuracy` [R, L] loses [R] at the first level of at least SHARE; none where there is
    no such level.
    """
    return 100 * (accuracy[:, 0] - accuracy[:, levels >= SHARE][:, 0]) if levels.max() >= SHARE else np.empty(0)


def curve_measures(curves: pd.DataFrame, classes: pd.Series, reliability: Reliability) -> pd.DataFrame:
    """One row of MEASURED per curve, repeat and measure: the area under the repeat's own retained share, and the end of
    its own plateau; of a fine-tuned curve with less than LEVELS levels the area alone.

    The area of a fine-tuned curve is over the levels that were fine-tuned. Repeats that failed (below the accuracy of
    `reliability` on validation images) have nothing to retain: they are left out.
    """
    tables = [pd.DataFrame(columns=MEASURED)]
    for curve, wide in whole_curves(curves, fewest=1):
        wide = learned_of(wide, classes[curve["dataset"]], reliability)
        levels = wide["test"].columns.to_numpy(float)
        if wide.empty or len(levels) < 2:
            continue
        on = {
            split: measures_of(levels, wide[split].to_numpy(), curve["finetuned"], 1 / classes[curve["dataset"]])
            for split in ("validation", "test")
        }
        for measure in on["test"]:
            shares = {split: measures[measure] for split, measures in on.items()}
            tables.append(pd.DataFrame({"repeat": wide.index, "measure": measure, **shares}).assign(**curve))
    return pd.concat(tables[1:] or tables)[MEASURED]


def measures_of(levels: np.ndarray, accuracy: np.ndarray, finetuned: bool, chance: float) -> dict[str, np.ndarray]:
    """The measures [R] of curves `accuracy` [R, L] by their names; see `curve_measures`."""
    pruned = slice(1 if finetuned else 0, None)
    measures = {AREA: area(levels[pruned], accuracy[:, pruned], accuracy[:, 0], chance)}
    if not finetuned or len(levels) > LEVELS:
        measures[PLATEAU_END] = plateau_end(levels, accuracy)
    return measures
