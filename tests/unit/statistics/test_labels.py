"""Good and poor networks: within architectures, and within families as before."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from minarch.statistics.labels import ALIKE, COMPARED, FEW, SURPLUS, label_within_architectures, label_within_families

CONFIG: dict[str, Any] = {"good_points": 1.0, "poor_share": 0.25, "networks": 5, "seed": 0}


def networks(architecture: str, validation: list[float], dataset: str = "a") -> pd.DataFrame:
    model = {"dataset": dataset, "family": "x", "architecture": architecture, "parameters": 100}
    return pd.DataFrame(model | {"validation": validation}, index=range(len(validation)))


def test_good_and_poor_of_a_family() -> None:
    validation = [0.9, 0.895, 0.89, 0.889, 0.5, 0.4, 0.1, 0.1]
    groups = label_within_families(networks("n", validation), CONFIG)["group"]
    assert groups.sort_index().to_dict() == {0: "good", 1: "good", 2: "good", 6: "poor", 7: "poor"}
    alike = label_within_families(networks("n", [0.9] * 8), CONFIG)["group"]
    assert alike.tolist() == ["good"] * 5  # at most five, and none that is good is poor


def test_good_and_poor_of_an_architecture_are_as_many() -> None:
    table = networks("n", list(np.linspace(0.5, 0.9, 16)))
    labelled, architectures = label_within_architectures(table, CONFIG)
    assert labelled["group"].value_counts().to_dict() == {"good": 4, "poor": 4}
    assert labelled.loc[labelled["group"] == "good", "validation"].min() == table["validation"][12]
    assert labelled.loc[labelled["group"] == "poor", "validation"].max() == table["validation"][3]
    (row,) = architectures.to_dict("records")
    assert (row["repeats"], row["good"], row["decided"]) == (16, 4, COMPARED)
    assert row["validation_good"] == pytest.approx(table["validation"][12:].mean())


@pytest.mark.parametrize(
    ("validation", "decided"),
    [
        (np.linspace(0.5, 0.9, 11), FEW),  # a quarter is two of each
        (np.linspace(0.5, 0.9, 12), COMPARED),
        (np.linspace(0.899, 0.9, 16), ALIKE),
        (np.full(16, 0.9), ALIKE),
    ],
)
def test_too_few_and_too_alike_repeats_are_left_out_and_said(validation: np.ndarray, decided: str) -> None:
    labelled, architectures = label_within_architectures(networks("n", list(validation)), CONFIG)
    assert architectures["decided"].tolist() == [decided] and labelled.empty == (decided != COMPARED)


def test_of_many_networks_some_are_drawn_and_of_many_architectures_the_widest_taken() -> None:
    spreads = [0.1, 0.4, 0.2, 0.3, 0.05]
    table = pd.concat(
        [
            networks(f"n{i}-{d}", list(np.linspace(0.9 - s, 0.9, 40)), d)
            for d in "ab"
            for i, s in enumerate(spreads[: 5 if d == "a" else 2])
        ],
        ignore_index=True,
    )
    labelled, architectures = label_within_architectures(table, CONFIG)
    assert architectures["good"].eq(5).all()  # of ten
    decided = dict(zip(architectures["architecture"], architectures["decided"], strict=True))
    assert [name for name, said in decided.items() if said == SURPLUS] == ["n0-a", "n4-a"]
    assert labelled.groupby(["architecture", "group"]).size().eq(5).all() and len(labelled) == 5 * 10


def test_equal_accuracies_are_no_reason_to_be_good() -> None:
    """Of ten equal networks those that are good are drawn, whatever their place."""
    table = networks("n", [0.5] * 4 + [0.8] * 10 + [0.9] * 2)
    drawn = [
        label_within_architectures(table, CONFIG | {"seed": seed})[0].query("group == 'good'").index
        for seed in range(40)
    ]
    assert set().union(*drawn) == set(range(4, 16)) and all({14, 15} < set(indices) for indices in drawn)


def test_nothing_to_label() -> None:
    labelled, architectures = label_within_architectures(networks("n", []), CONFIG)
    assert labelled.empty and architectures.empty and "group" in labelled
    assert label_within_families(networks("n", []), CONFIG).empty
