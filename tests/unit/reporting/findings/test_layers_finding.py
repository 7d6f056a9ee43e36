import pandas as pd

from minarch.reporting.findings.layers import bearing

MODEL = {"dataset": "digits", "family": "dnn", "architecture": "dnn-8", "role": "minimal"}


def layerwise(*rows: tuple[str, float, float, int]) -> pd.DataFrame:
    """(group, level, mean drop, units removed); intervals of two points to each side."""
    table = pd.DataFrame(rows, columns=["group", "level", "drop_points_mean", "removed"]).assign(**MODEL)
    mean = table["drop_points_mean"]
    return table.assign(drop_points_low=mean - 2, drop_points_high=mean + 2)


def test_the_group_that_costs_most_at_the_middle_level_is_named() -> None:
    groups = ["first", "inner", "last"]
    levels = {0.25: [0, 0, 9], 0.5: [9, 3, 6], 0.75: [9, 99, 9]}
    table = layerwise(
        *[(g, level, drop, 2) for level, drops in levels.items() for g, drop in zip(groups, drops, strict=True)]
    )
    (model,) = bearing(table)
    assert (model["most"]["group"], model["least"]["group"], model["place"]) == ("first", "inner", "first")
    assert model["level"] == 0.5 and model["groups"] == 3 and model["apart"]


def test_a_group_that_lost_no_unit_bears_nothing() -> None:
    table = layerwise(("first", 0.5, 9, 4), ("tiny", 0.5, 0, 0), ("last", 0.5, 8, 4))
    (model,) = bearing(table)
    assert model["least"]["group"] == "last" and not model["apart"]
    assert bearing(layerwise(("first", 0.5, 9, 4), ("tiny", 0.5, 0, 0))) == []
