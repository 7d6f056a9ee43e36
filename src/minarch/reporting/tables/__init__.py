"""The tidy tables of a study, one CSV each; every mean has n and a Student-t interval beside it.

Accuracies are fractions, columns ending in _points percentage points; bytes, parameters and MACs are means over the
repeats.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import pandas as pd

Tables = dict[str, pd.DataFrame]  # by the names of Table, and of those that findings make


class Table(StrEnum):
    """Names of the tables that several findings or figures read, each with what one row of it is about."""

    DATA = "data"  # a data set
    SWEEP = "sweep"  # a trained repeat
    SIZES = "sizes"  # an architecture of the sweep
    MINIMAL = "minimal"  # a depth of a family, or (depth "all") the family
    SENSITIVITY = "sensitivity"  # a family's regimes with one threshold moved
    TREND = "trend"  # a parameter count at an epoch
    EARLY = "early"  # a family at an epoch
    ORDER = "order"  # the regimes of a family along the parameter count
    SHAPE = "shape"  # a source of variance
    SHAPE_POINTS = "shape_points"  # a range of sizes in which shapes are compared, in points
    EQUIVALENCE = "equivalence"  # a group of shapes of equal size
    REPRESENTATIVES = "representatives"  # a model that goes on to pruning and quantization
    WEIGHTS = "weights"  # an architecture of the sweep
    LAYERS = "layers"  # a representative's layer
    NETWORKS = "networks"  # a good or a poor network
    MAGNITUDE = "magnitude"  # a level of unstructured pruning of a representative
    REDUNDANCY = "redundancy"  # a curve of unstructured pruning
    DEPTHS = "depths"  # a depth of a network, trained alone
    ODN = "odn"  # a way to a depth
    PUBLISHED = "published"  # a method, beside the paper's
    COMPLEXITY = "complexity"  # a point of a curve of complexity-aware training, or one of its controls
    TRADEOFF = "tradeoff"  # a curve of complexity-aware training, and what it is compared with
    DEPTH = "depth"  # a family, scope of pruning and size that is held equal
    PRUNING = "pruning"  # a level of structured pruning of a model that goes on
    CONTROLS = "controls"  # a level of structured pruning, and what it is compared with
    LAYERWISE = "layerwise"  # a level of pruning of one group of units
    QUANTIZATION = "quantization"  # a model in fewer bits
    PRECISION = "precision"  # a model at a simulated precision
    FEWEST = "fewest"  # a model and a scheme of simulated precision
    FRAGILE = "fragile"  # a pruned model at a simulated precision
    HURT = "hurt"  # what size or difficulty adds to a loss at a simulated precision, in a family or all
    CANDIDATES = "candidates"  # a model that could be the answer
    MODELS = "models"  # a model that the study ends with
    FRONT = "front"  # a model of the front of its data set
    FRONT_C = "front_c"  # a model of the front in bytes as C
    ANSWERS = "answers"  # a data set's answer, and how narrow the choice is
    CLASSES = "classes"  # a class of a data set, as its answer knows it
    ROUTES = "routes"  # a way to a small network
    ROUTE_VERDICTS = "route_verdicts"  # a bound: which way leads to the smallest


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain dicts, which templates and drawing code read."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def in_listed_order(tables: Tables, datasets: Sequence[str]) -> Tables:
    """The tables with their rows in the order in which the study lists its `datasets`, within each as they were."""
    rank = {name: i for i, name in enumerate(datasets)}
    return {
        name: table.sort_values("dataset", key=lambda column: column.map(rank), kind="stable", ignore_index=True)
        if "dataset" in table
        else table
        for name, table in tables.items()
    }
