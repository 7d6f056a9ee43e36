"""Good and poor networks compared by every quantity and distance, in every scope."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.records import MODEL
from minarch.statistics import COMPARED
from minarch.statistics.cells import compare_within
from minarch.statistics.contrast import Contrast, enough, permuted_orders
from minarch.statistics.distances import distances, scaled
from minarch.statistics.labels import FAMILY, GOOD
from minarch.statistics.regression import compare_by_size
from minarch.statistics.verdicts import BY_SIZE, TRAINED, WITHIN, Compared

ONE = "within architecture"
DISTANCES = [(name, divided) for divided in (False, True) for name in ("kl", "js", "wasserstein")]
LEAST = 1e-6  # of the median distance: what is nearer counts as so far, as zero has no logarithm
Values = Mapping[str, Mapping[str, np.ndarray]]  # trained and untrained -> quantity -> [n, 512]


def compare(
    networks: pd.DataFrame, labelled: Mapping[str, pd.DataFrame], values: Values, config: dict[str, Any]
) -> Iterator[Compared]:
    """Every quantity in every scope that the study has, by each comparison.

    Args:
        networks: all of the study.
        labelled: comparison -> the networks that it compares, with "group".
        values: of the networks by their column "row".
        config: permutations, confidence, seed.
    """
    names = list(scopes(networks.drop_duplicates(MODEL)))
    there = [name for name in COMPARED if np.isfinite(values[TRAINED][name][networks["row"]]).any()]
    for comparison, rows in labelled.items():
        for quantity in there:
            states = [of[quantity][rows["row"]].astype(float) for of in values.values()]
            usable = np.all([np.isfinite(raw).all(axis=1) & (np.ptp(raw, axis=1) > 0) for raw in states], axis=0)
            if comparison == WITHIN:  # or an architecture might have more good networks than poor ones
                usable = rows.assign(usable=usable).groupby(MODEL)["usable"].transform("all").to_numpy(dtype=bool)
            matrices = [measure(raw[usable]) for raw in states] if usable.any() else []
            contrasts = CONTRASTS[comparison](rows[usable], np.concatenate(matrices), config) if matrices else {}
            for scope in names:
                yield Compared(
                    scope=scope,
                    quantity=quantity,
                    comparison=comparison,
                    distances=DISTANCES,
                    contrast=contrasts.get(scope),
                )


def scopes(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Masks [n, n] of the pairs of rows, networks or architectures, that are compared; of scopes that have any."""
    dataset, family = (np.equal.outer(codes, codes) for codes in (pd.factorize(frame[name])[0] for name in FAMILY))
    model = frame.groupby(MODEL).ngroup().to_numpy()
    masks = {
        ONE: np.equal.outer(model, model),
        "within data set and family": dataset & family,
        "across data sets": ~dataset & family,
        "across families": dataset & ~family,
        "across both": ~dataset & ~family,
    }
    return {name: mask for name, mask in masks.items() if mask.any()}


def measure(values: np.ndarray) -> np.ndarray:
    """Logarithms [6, n, n] of the DISTANCES between networks, given by their values [n, 512]."""
    measured = {divided: distances(scaled(values) if divided else values) for divided in (False, True)}
    return np.stack([logarithms(measured[divided][name]) for name, divided in DISTANCES])


def logarithms(distance: np.ndarray) -> np.ndarray:
    """Logarithms of distances [n, n], all zero if nothing lies apart."""
    apart = distance[distance > 0]
    return np.log(np.maximum(distance, LEAST * np.median(apart))) if len(apart) else distance


def contrasts_within(rows: pd.DataFrame, matrices: np.ndarray, config: dict[str, Any]) -> dict[str, Contrast]:
    """Scope -> contrast between the good and poor networks of the same architectures, where there are enough."""
    architectures = rows.groupby(MODEL, sort=False).ngroup().to_numpy()
    good = (rows["group"] == GOOD).to_numpy()
    orders = permuted_orders(architectures, config["permutations"], config["seed"])
    contrasts = {}
    for scope, cells in scopes(rows.drop_duplicates(MODEL)).items():
        there = np.isin(architectures, np.flatnonzero(cells.any(axis=1)))
        if enough(good[there], architectures[there], config["confidence"]):
            contrasts[scope] = compare_within(matrices, good, architectures, cells, orders)
    return contrasts


def contrasts_by_size(rows: pd.DataFrame, matrices: np.ndarray, config: dict[str, Any]) -> dict[str, Contrast]:
    """Scope -> contrast between good and poor networks once size is regressed out, where that can be done."""
    unit = rows.groupby([*MODEL, "group"], sort=False).ngroup().to_numpy()
    units = rows.drop_duplicates([*MODEL, "group"])
    members = np.bincount(unit)
    means = np.equal.outer(unit, np.arange(len(units))) / members  # [n, units]
    matrices = means.T @ matrices @ means
    good, sizes = (units["group"] == GOOD).to_numpy(), np.log(units["parameters"].to_numpy(dtype=float))
    architectures, strata = (units.groupby(by, sort=False).ngroup().to_numpy() for by in (MODEL, FAMILY))
    orders = permuted_orders(strata, config["permutations"], config["seed"])
    contrasts = {
        scope: compare_by_size(matrices, good, sizes, architectures, strata, mask, orders, members)
        for scope, mask in scopes(units).items()
        if scope != ONE and enough(good, strata, config["confidence"])  # in one architecture, they would hardly meet
    }
    return {scope: contrast for scope, contrast in contrasts.items() if contrast}


CONTRASTS = {WITHIN: contrasts_within, BY_SIZE: contrasts_by_size}
