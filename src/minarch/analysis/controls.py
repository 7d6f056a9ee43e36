"""Pruning methods against their controls: differences of accuracy in points, positive: the method is better.

Three controls (our inference). "random": other units go, chosen by lot. "fresh": the cut architecture, initialised
again and trained with the full budget. "nearest": the sweep's own architecture that is nearest in size. The first two
are paired by repeat, as both start from the same trained network; the last is not. Verdicts are those of test images,
which nothing is chosen by; those against one control at one step are a family (minarch.analysis.multiplicity).
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from minarch.analysis.complexity import CANNOT_TELL, verdict
from minarch.analysis.intervals import of_mean, with_intervals
from minarch.analysis.multiplicity import (
    P_ADJUSTED,
    P_VALUE,
    VERDICT,
    adjusted_name,
    of_column,
    of_samples,
    with_adjusted,
)
from minarch.analysis.records import MODEL

HOW = ["importance", "scope", "target", "heads", "residual", "schedule", "weights"]  # what a method is, beside its name
SAME = ["target", "heads", "residual"]  # in what a method and its control must agree: else one level is not the other's
COMPARED_AT = {"random": ["pruned", "finetuned"], "fresh": ["finetuned"]}  # control -> steps of minarch.pruning.STEPS
CONTROLS = [*COMPARED_AT, "nearest"]
DIFFERENCES = {"validation": "difference_points", "test": "test_difference_points"}
DIFFERENCE = of_mean(DIFFERENCES["test"])
FINAL_ACCURACY = {split: f"final_{split}_accuracy" for split in DIFFERENCES}  # of a trained network
KEY = [*MODEL, "method", "level", "control", "against", "step"]
OTHERS = "against_parameters"  # the control's mean; beside it "parameters" is the method's
COLUMNS = [*KEY, "parameters", OTHERS, "n", "n_against"]
COLUMNS += [column for name in DIFFERENCES.values() for column in of_mean(name)]
COLUMNS += [P_VALUE, P_ADJUSTED, VERDICT, adjusted_name()]
QUESTION = ["control", "step"]  # cases that ask the same: a family of verdicts


def accuracy_at(split: str, step: str) -> str:
    """The column of a pruned network's accuracies on `split` at one of minarch.pruning.STEPS."""
    return f"{split}_{step}"


def is_control(runs: pd.DataFrame) -> pd.Series:
    """Mask of the rows whose method is itself a control."""
    return (runs["importance"] == "random") | (runs["weights"] == "fresh")


def counterparts(methods: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    """Triples (method, "random" or "fresh", the control's name) from a table with one row of `method` and HOW each.

    A control agrees with its method in SAME; of several those count that share most of its other settings.
    """
    fresh = methods["weights"] == "fresh"
    pools = {"random": methods[~fresh & (methods["importance"] == "random")], "fresh": methods[fresh]}
    for _, method in methods[~is_control(methods)].iterrows():
        for control, pool in pools.items():
            pool = pool[(pool[SAME] == method[SAME]).all(axis=1)]
            shared = (pool[HOW] == method[HOW]).sum(axis=1)
            for name in pool.loc[shared == shared.max(), "method"]:
                yield method["method"], control, name


def paired(runs: pd.DataFrame, confidence: float) -> list[pd.DataFrame]:
    """Rows for the controls that are methods themselves, paired by repeat (Student t)."""
    tables = []
    for name, control, against in counterparts(runs[["method", *HOW]].drop_duplicates("method")):
        method, other = (runs[runs["method"] == method_name] for method_name in (name, against))
        pairs = method.merge(other, on=[*MODEL, "level", "repeat"], suffixes=("", "_against"))
        pairs = pairs.assign(control=control, against=against).rename(columns={"parameters_against": OTHERS})
        for step in COMPARED_AT[control]:
            for split, difference in DIFFERENCES.items():
                accuracy = accuracy_at(split, step)
                pairs[difference] = 100 * (pairs[accuracy] - pairs[f"{accuracy}_against"])
            measured = pairs.dropna(subset=list(DIFFERENCES.values())).assign(step=step)
            sizes = measured.groupby(KEY)[["parameters", OTHERS]].mean().reset_index()
            differences = with_intervals(measured, KEY, list(DIFFERENCES.values()), confidence)
            differences[P_VALUE] = of_column(differences, DIFFERENCE, confidence)
            tables.append(sizes.merge(differences, on=KEY).assign(n_against=lambda table: table["n"]))
    return tables


def welch(ours: np.ndarray, theirs: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Difference of means and its interval by Welch's t (unequal variances); NaN ends with fewer than two of either."""
    difference = float(ours.mean() - theirs.mean())
    if min(len(ours), len(theirs)) < 2:
        return difference, np.nan, np.nan
    parts = np.array([values.var(ddof=1) / len(values) for values in (ours, theirs)])
    if parts.sum() == 0:
        return difference, difference, difference
    freedom = parts.sum() ** 2 / (parts**2 / np.array([len(ours) - 1, len(theirs) - 1])).sum()
    half = float(stats.t.ppf((1 + confidence) / 2, freedom) * np.sqrt(parts.sum()))
    return difference, difference - half, difference + half


def nearest(runs: pd.DataFrame, sweep: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Rows for the sweep's own architectures ; of equally near ones the smaller is taken."""
    sizes = sweep[[*MODEL, "parameters"]].drop_duplicates().sort_values(["parameters", "architecture"])
    rows = []
    for key, cut in runs[~is_control(runs)].groupby([*MODEL, "method", "level"]):
        row = dict(zip([*MODEL, "method", "level"], key, strict=True))
        cut = cut.dropna(subset=[accuracy_at(split, "finetuned") for split in DIFFERENCES])
        family = (sizes["dataset"] == row["dataset"]) & (sizes["family"] == row["family"])
        others = sizes[family & (sizes["architecture"] != row["architecture"])]
        if cut.empty or others.empty:
            continue
        mean = cut["parameters"].mean()
        near = others.iloc[int(np.abs(np.log(others["parameters"] / mean)).to_numpy().argmin())]
        trained = sweep[(sweep[MODEL] == near[MODEL]).all(axis=1)]
        trained = trained.dropna(subset=list(FINAL_ACCURACY.values()))
        if trained.empty:
            continue
        row |= {"control": "nearest", "against": near["architecture"], "step": "finetuned", "parameters": mean}
        row |= {OTHERS: float(near["parameters"]), "n": len(cut), "n_against": len(trained)}
        for split, difference in DIFFERENCES.items():
            ours, theirs = cut[accuracy_at(split, "finetuned")], trained[FINAL_ACCURACY[split]]
            samples = 100 * ours.to_numpy(float), 100 * theirs.to_numpy(float)
            row |= dict(zip(of_mean(difference), welch(*samples, confidence), strict=True))
            if split == "test":
                row[P_VALUE] = of_samples(*samples)
        rows.append(row)
    return pd.DataFrame(rows)


def controls_table(runs: pd.DataFrame, sweep: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row per model, method that is no control, level, control and step, with intervals.

    Args:
        runs: one row per cut repeat: MODEL, method, level, HOW, repeat, removed_share, parameters, and the accuracies
            (fractions) validation_ and test_ of pruned and finetuned. Where nothing was removed a row is left out.
        sweep: one row per trained repeat: MODEL, parameters, final_validation_accuracy, final_test_accuracy.

    `against` names the control: a method, or the nearest architecture. n counts pairs; for "nearest", which has none,
    the cut networks, and n_against the others.
    """
    runs = runs[runs["removed_share"] > 0]
    tables = [table for table in [*paired(runs, confidence), nearest(runs, sweep, confidence)] if len(table)]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(tables).sort_values(KEY, ignore_index=True)
    ends = zip(table[DIFFERENCE.low], table[DIFFERENCE.high], strict=True)
    table[VERDICT] = [verdict(low, high) for low, high in ends]
    return with_adjusted(table, confidence, CANNOT_TELL, family=QUESTION)[COLUMNS]
