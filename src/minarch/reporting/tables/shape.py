"""The tables of what shape does at equal size: how far it moves accuracy, and whether matched shapes are equivalent.

Both on validation and on test images, by the networks of the last epoch, which nothing chose.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.matched import DIFFERENCE, Pairs, groups, joined, pairs_of, verdict
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.multiplicity import adjust
from minarch.analysis.records import FINAL_VALIDATION, read_model_knobs
from minarch.analysis.shape import has_shape
from minarch.analysis.spread import SPREAD, range_of, spreads
from minarch.models.families import family as kind_of
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.edges import ALL
from minarch.reporting.tables.read import FINAL_TEST

SPLITS = {"validation": FINAL_VALIDATION, "test": FINAL_TEST}
PLACE = ["dataset", "family", "split", "range"]
POINTS = [*PLACE, "architectures", "runs", *SPREAD, "groups", "pairs", *DIFFERENCE]
ADJUSTED = {"p_equivalent": "p_equivalent_adjusted", "p_different": "p_different_adjusted"}
GROUP = [*PLACE, "parameters", "parameters_largest", "p_min_multiple", "shapes", "architectures", "runs", "pairs"]
GROUP += [*DIFFERENCE, "margin_points", *ADJUSTED, *ADJUSTED.values(), "verdict", "verdict_adjusted"]


def shape_tables(
    items: Iterable[Path], sweep: pd.DataFrame, minimal: pd.DataFrame, margin: float, bootstrap: Bootstrap
) -> Tables:
    """The tables SHAPE_POINTS and EQUIVALENCE; no rows of families that have no shape.

    Args:
        items: of the sweep.
        sweep: one row per trained repeat. One without a finite accuracy counts as one at chance.
        minimal: the table of minimal sizes.
        margin: points within which shapes are equivalent.
    """
    knobs = read_model_knobs(items)
    whole = minimal[minimal["depth"] == ALL].set_index(["dataset", "family"])["p_min"]
    p_mins = whole.astype(float).to_dict()  # NaN: beyond the grid
    points: list[dict[str, Any]] = []
    matched: list[dict[str, Any]] = []
    for (dataset, family), rows in sweep.groupby(["dataset", "family"]):
        rows = rows[rows.groupby("architecture")["repeat"].transform("size") > 1]
        counts = rows.groupby("architecture")["parameters"].first().sort_values(kind="stable")
        settings = [knobs[dataset, family, name] for name in counts.index]
        if not has_shape(counts.tolist(), settings):
            continue
        size = kind_of(str(family)).size
        shapes = [repr(sorted((knob, value) for knob, value in mine.items() if knob != size)) for mine in settings]
        p_min = p_mins[dataset, family]
        for split, column in SPLITS.items():
            filled = rows.assign(accuracy=rows[column].fillna(1 / rows["classes"]))
            by_name = {name: np.sort(values.to_numpy()) for name, values in filled.groupby("architecture")["accuracy"]}
            accuracies = [by_name[name] for name in counts.index]
            place = {"dataset": dataset, "family": family, "split": split}
            compared = list(_compared(counts.to_numpy(), shapes, accuracies, p_min))
            matched += [place | group | _judged(pairs, margin, bootstrap.confidence) for group, pairs in compared]
            for row in spreads(counts.to_numpy(), accuracies, p_min, bootstrap):
                inside = [pairs for group, pairs in compared if group["range"] == row["range"]]
                points.append(place | row | _largest(inside, bootstrap.confidence))
    return {
        Table.SHAPE_POINTS: pd.DataFrame(points, columns=POINTS),
        Table.EQUIVALENCE: _with_adjusted(pd.DataFrame(matched, columns=GROUP), bootstrap.confidence),
    }


def _compared(
    counts: np.ndarray, shapes: list[str], accuracies: list[np.ndarray], p_min: float
) -> Iterator[tuple[dict[str, Any], Pairs]]:
    """Groups of equal size, each with its pairs of shapes."""
    for members in groups(counts, shapes):
        values, names = [accuracies[i] for i in members], [shapes[i] for i in members]
        pairs, smallest = pairs_of(values, names), counts[members].min()
        yield (
            {
                "range": str(range_of(np.array([smallest]), p_min)[0]),
                "parameters": smallest,
                "parameters_largest": counts[members].max(),
                "p_min_multiple": smallest / p_min,
                "shapes": len(set(names)),
                "architectures": len(members),
                "runs": sum(map(len, values)),
                "pairs": len(pairs.difference),
            },
            pairs,
        )


def _largest(inside: list[Pairs], confidence: float) -> dict[str, Any]:
    """The largest difference of two shapes in the groups of a range, with its limits."""
    if not inside:
        return {"groups": 0, "pairs": 0}
    pairs = joined(inside)
    largest = dict(zip(DIFFERENCE, pairs.largest(confidence), strict=True))
    return {"groups": len(inside), "pairs": len(pairs.difference)} | largest


def _judged(pairs: Pairs, margin: float, confidence: float) -> dict[str, Any]:
    """What the tests say of one group alone."""
    p_values = dict(zip(ADJUSTED, pairs.p_values(margin), strict=True))
    row = dict(zip(DIFFERENCE, pairs.largest(confidence), strict=True)) | {"margin_points": margin}
    return row | p_values | {"verdict": verdict(*p_values.values(), confidence=confidence)}


def _with_adjusted(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The groups with p-values adjusted by Benjamini and Hochberg over all groups of a data set and split."""
    for name, adjusted in ADJUSTED.items():
        of_set = table.groupby(["dataset", "split"])[name]
        table[adjusted] = of_set.transform(adjust).astype(float) if len(table) else np.nan
    together = table[[*ADJUSTED.values()]].itertuples(index=False)
    return table.assign(verdict_adjusted=[verdict(*p_values, confidence=confidence) for p_values in together])
