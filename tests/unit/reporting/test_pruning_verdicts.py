import numpy as np
import pandas as pd
import pytest

from minarch.reporting.pruning_verdicts import against_controls, bearing, headline, methods_of, reaching

MODEL = {"dataset": "digits", "family": "dnn", "architecture": "dnn-8", "role": "minimal"}
HOW = {"importance": "L1", "scope": "layer", "target": "units", "heads": False, "schedule": "one-shot"}
HOW |= {"weights": "trained"}


def test_models_that_reach_sixty_per_cent_are_counted_per_curve() -> None:
    about = MODEL | {"scope": "global", "finetuned": False}
    rows = [("yes", 0.7, 5), ("no", 0.2, 5), ("no", 0.3, 4), ("open", 0.6, 5)]
    table = pd.DataFrame([about | dict(zip(["sixty", "redundancy", "n"], row, strict=True)) for row in rows])
    first, second = reaching(pd.concat([table, table.head(1).assign(finetuned=True)]))
    assert [first[name] for name in ("finetuned", "models", "yes", "no", "open")] == [False, 4, 1, 2, 1]
    assert (first["lowest"], first["highest"], first["fewest"], first["most"]) == (0.2, 0.7, 4, 5)
    assert second["finetuned"] and second["models"] == 1


@pytest.mark.parametrize(("scopes", "chosen"), [(["layer", "global"], "global"), (["layer"], "layer")])
def test_one_curve_stands_for_a_model(scopes: list[str], chosen: str) -> None:
    table = pd.DataFrame([MODEL | {"scope": s, "finetuned": f} for s in scopes for f in (False, True)])
    assert headline(table)[["scope", "finetuned"]].to_numpy().tolist() == [[chosen, False]]


def test_what_can_go_is_the_largest_cut_within_the_margin() -> None:
    def model(name: str, *levels: tuple[float, float, float]) -> list[dict[str, object]]:
        common = MODEL | HOW | {"architecture": name, "method": "l1", "macs_before": 100.0}
        common |= {"validation_base_mean": 0.9, "failed": 0}
        columns = ["macs", "validation_finetuned_mean", "removed_share"]
        return [common | dict(zip(columns, level, strict=True)) for level in levels]

    rows = [
        *model("a", (75, 0.91, 0.25), (50, 0.89, 0.5), (25, 0.7, 0.75)),
        *model("b", (100, 0.95, 0.0), (40, 0.8, 0.6)),
    ]
    (found,) = methods_of(pd.DataFrame(rows), 1.0)
    assert (found["lowest"], found["median"], found["highest"], found["models"]) == (0.0, 0.25, 0.5, 2)
    assert found["method"] == "l1" and found["weights"] == "trained"


def test_cases_are_better_worse_or_open_by_their_interval() -> None:
    about = MODEL | {"method": "l1", "control": "random", "step": "finetuned", "n": 5}
    rows = [(3.0, 1.0, 5.0), (2.0, -1.0, 5.0), (-2.0, -3.0, -1.0), (1.0, np.nan, np.nan)]
    columns = [f"difference_points_{part}" for part in ("mean", "low", "high")]
    table = pd.DataFrame([about | dict(zip(columns, row, strict=True)) for row in rows])
    after = table.head(1).assign(step="pruned")
    nearest = table.head(1).assign(control="nearest")
    first, second, third = against_controls(pd.concat([nearest, table, after]))
    assert (first["control"], first["finetuned"], second["finetuned"], third["control"]) == (
        "random",
        False,
        True,
        "nearest",
    )
    assert [second[name] for name in ("cases", "better", "worse", "open")] == [4, 1, 1, 2]
    assert (second["median"], second["lowest"], second["highest"]) == (1.5, -2.0, 3.0)


def layers(*rows: tuple[str, float, float, int]) -> pd.DataFrame:
    """(group, level, mean drop, units removed); intervals of two points to each side."""
    found = []
    for group, level, drop, removed in rows:
        ends = {"drop_points_mean": drop, "drop_points_low": drop - 2, "drop_points_high": drop + 2}
        found.append(MODEL | {"group": group, "level": level, "removed": removed} | ends)
    return pd.DataFrame(found)


def test_the_group_that_costs_most_at_the_middle_level_is_named() -> None:
    groups = ["first", "inner", "last"]
    levels = {0.25: [0, 0, 9], 0.5: [9, 3, 6], 0.75: [9, 99, 9]}
    table = layers(
        *[(g, level, drop, 2) for level, drops in levels.items() for g, drop in zip(groups, drops, strict=True)]
    )
    (found,) = bearing(table)
    assert (found["most"]["group"], found["least"]["group"], found["place"]) == ("first", "inner", "first")
    assert found["level"] == 0.5 and found["groups"] == 3 and found["apart"]


def test_a_group_that_lost_no_unit_bears_nothing() -> None:
    table = layers(("first", 0.5, 9, 4), ("tiny", 0.5, 0, 0), ("last", 0.5, 8, 4))
    (found,) = bearing(table)
    assert found["least"]["group"] == "last" and not found["apart"]
    assert bearing(layers(("first", 0.5, 9, 4), ("tiny", 0.5, 0, 0))) == []
