"""The tables of the routes to a small network, and of which of them leads to the smallest."""

from typing import Any

import pandas as pd

from minarch.analysis.reliability import Reliability
from minarch.analysis.routes import COLUMNS, STORED, smallest_of_routes, verdicts
from minarch.quantization import FLOAT32
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.quantization import NO_METHOD


def bounds(config: dict[str, Any]) -> list[float]:
    """Within how many points of the best the smallest network of a route is sought: as the answer, and as finalists.

    With a target both may lie at any distance.
    """
    within = Reliability.of(config["params"]["convergence"]).within
    return sorted({within(config["max_drop_points"]), within(config["params"]["finalists"]["within_points"])})


def routes_tables(
    models: pd.DataFrame, routes: pd.DataFrame, cost: pd.DataFrame, exports: pd.DataFrame, config: dict[str, Any]
) -> Tables:
    """The tables ROUTES and ROUTE_VERDICTS, of float32 and of the study's first method of quantization.

    Args:
        models: with the columns `route` and `training_macs`.
        routes: `dataset` and `route` of every candidate.
        cost: `route_macs` of each data set and route.
        exports: one row per repeat of each final model.
    """
    settings, (method, how) = (
        config["params"]["convergence"],
        next(iter(config["params"]["quantize"]["methods"].items())),
    )
    chosen = smallest_of_routes(
        models,
        routes,
        precisions=[(NO_METHOD, FLOAT32), (method, how["precision"])],
        within=bounds(config),
        reliability=Reliability.of(settings),
    )
    chosen = chosen.merge(cost, on=["dataset", "route"], how="left")
    tests = {model: rows["test"].dropna().to_numpy(float) for model, rows in exports.groupby(STORED)}
    return {
        Table.ROUTES: chosen.reindex(columns=COLUMNS),
        Table.ROUTE_VERDICTS: verdicts(chosen, tests, settings["confidence"]),
    }
