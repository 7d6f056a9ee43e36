"""Routes: the ways that lead to a small network, and which of them leads to the smallest (docs/methods.md 1.5).

A route is what was done to come to a network: it was trained as small as it is, cut after training, grown, or pruned
while it was trained. The model of a route has the fewest bytes within some points of the best of the whole study by
validation accuracy; test accuracy is compared at the end.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.complexity import CANNOT_TELL, JUDGED, verdict
from minarch.analysis.controls import welch
from minarch.analysis.front import recommend, smallest_within, worthwhile
from minarch.analysis.intervals import TEST, VALIDATION, of_mean
from minarch.analysis.multiplicity import P_VALUE, VERDICT, of_samples, with_adjusted
from minarch.analysis.precision import VARIANT
from minarch.analysis.reliability import Reliability

TRAIN_SMALL, IN_TRAINING = "train small", "prune in training"
STORED = [*VARIANT, "quantization", "precision"]  # one final model
PRICE = ["training_macs", "route_macs"]
PLACE = ["dataset", "route", "precision", "within_points"]
COLUMNS = [*PLACE, "family", "model", "parameters", "macs", "bytes", "file_format", *VALIDATION, *TEST, "n", *PRICE]
DIFFERENCE = of_mean("test_difference_points")
FIRST = ["route", "precision", "model", "bytes", "route_macs"]
SECOND = [f"second_{name}" for name in FIRST]
VERDICTS = ["dataset", "within_points", *FIRST, *SECOND, "times", *DIFFERENCE, *JUDGED]


def grow_by(method: str) -> str:
    """The route of a search for depth."""
    return f"grow: {method}"


def prune_by(method: str, origin: str) -> str:
    """The route of what a method cuts out of networks to which another route led."""
    return f"prune: {method}" if origin == TRAIN_SMALL else f"{origin}, prune: {method}"


def in_order(routes: Iterable[str]) -> list[str]:
    """The routes as tables and figures list them: trained small, cut after training, all others."""
    return sorted(set(routes), key=lambda route: (route != TRAIN_SMALL, not route.startswith("prune:"), route))


def smallest_of_routes(
    models: pd.DataFrame,
    routes: pd.DataFrame,
    *,
    precisions: Sequence[tuple[str, str]],
    within: Sequence[float],
    reliability: Reliability,
) -> pd.DataFrame:
    """The rows of the models table that routes lead to: of each data set, route, precision and bound `within_points`
    the one of fewest bytes. A route of which none is so good has a row without a model.

    Args:
        models: with the columns `route`, and `failed` of `repeats`.
        routes: `dataset` and `route` of what was trained, exported or not.
        precisions: (quantization, precision) of the columns of these names.
        within: percentage points of mean validation accuracy below the best of the data set.
    """
    rows = []
    for dataset, of_data in models.groupby("dataset"):
        fit = reliability.reliable(of_data)
        if fit.empty:
            continue
        best = fit.loc[recommend(fit, 0)[1], VALIDATION.value]
        fit = worthwhile(fit)
        for route, stored in product(in_order(routes.loc[routes["dataset"] == dataset, "route"]), precisions):
            of_route = fit[(fit["route"] == route) & (fit[["quantization", "precision"]] == stored).all(axis=1)]
            for points in within:
                place = dict(zip(PLACE, (dataset, route, stored[1], points), strict=True))
                chosen = smallest_within(of_route, best, points)
                rows.append(place if chosen is None else fit.loc[chosen].to_dict() | place)
    return pd.DataFrame(rows, columns=[*dict.fromkeys([*PLACE, *models.columns])])


def verdicts(chosen: pd.DataFrame, tests: Mapping[Any, np.ndarray], confidence: float) -> pd.DataFrame:
    """Which route leads to the smallest network: one row of VERDICTS per data set and bound.

    The second is the smallest of the other routes, `times` as large. Bytes are exact; whether the two networks are
    equally accurate is judged by Welch's interval of the difference of their test accuracies, first less second; the
    data sets at one bound are a family of verdicts.

    Args:
        chosen: of `smallest_of_routes`.
        tests: test accuracies (fractions) of the repeats of each final model, by its values of STORED.
    """
    rows = []
    for (dataset, points), of_bound in chosen[chosen["model"].notna()].groupby(["dataset", "within_points"]):
        ordered = of_bound.sort_values(["bytes", VALIDATION.value, "route"], ascending=[True, False, True])
        first = ordered.iloc[0]
        row: dict[str, Any] = {"dataset": dataset, "within_points": points} | dict(first[FIRST])
        others = ordered[ordered["route"] != first["route"]]
        if len(others):
            second = others.iloc[0]
            row |= dict(zip(SECOND, second[FIRST], strict=True)) | {"times": second["bytes"] / first["bytes"]}
            ours, theirs = (100 * tests[tuple(model[STORED])] for model in (first, second))
            row |= dict(zip(DIFFERENCE, welch(ours, theirs, confidence), strict=True))
            row |= {P_VALUE: of_samples(ours, theirs), VERDICT: verdict(row[DIFFERENCE.low], row[DIFFERENCE.high])}
        rows.append(row)
    return with_adjusted(pd.DataFrame(rows, columns=VERDICTS), confidence, CANNOT_TELL, family=["within_points"])
