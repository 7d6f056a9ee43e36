"""Representatives on constructed size tables."""

import numpy as np
import pandas as pd
import pytest

from minarch.analysis.choice import choose_representatives
from minarch.errors import UserError

ROLES = ["minimal", "near-best", "overfitting"]


def table(*rows: tuple[int, str, bool]) -> pd.DataFrame:
    sizes = pd.DataFrame(rows, columns=["parameters", "regime", "near_best"]).assign(repeats=5)
    return sizes.assign(dataset="digits", family="dnn", architecture=[f"net-{p}" for p in sizes["parameters"]])


FULL = table(
    (10, "unstable", False),
    (100, "learning", False),
    (200, "learning", False),
    (500, "learning", True),
    (1000, "overfitting", True),
    (2000, "overfitting", True),
)


def chosen(sizes: pd.DataFrame, p_min: float, roles: list[str] = ROLES) -> dict[str, int]:
    return {chosen.role: chosen.parameters for chosen in choose_representatives(sizes, p_min, roles)}


def test_just_above_the_minimum_near_the_best_and_deep_in_overfitting() -> None:
    assert chosen(FULL, 100) == {"minimal": 100, "near-best": 500, "overfitting": 2000}


def with_best(sizes: pd.DataFrame, *accuracies: float) -> pd.DataFrame:
    return sizes.assign(final_validation_accuracy=accuracies)


def test_the_best_model_has_a_role_of_its_own() -> None:
    roles = [*ROLES, "best"]
    sizes = with_best(FULL, 0.99, 0.8, 0.9, 0.95, 0.97, 0.96)
    assert chosen(sizes, 100, roles) == {"minimal": 100, "near-best": 500, "overfitting": 2000, "best": 1000}
    assert chosen(sizes, 100, ["best"]) == {"best": 1000}, "not the unstable one"


def test_the_best_model_keeps_the_role_that_it_has_and_of_equally_good_ones_the_smaller_is_best() -> None:
    roles = ["minimal", "best"]
    assert chosen(with_best(FULL, 0.1, 0.97, 0.9, 0.9, 0.9, 0.9), 100, roles) == {"minimal": 100}
    assert chosen(with_best(FULL, 0.1, 0.9, 0.9, 0.95, 0.95, 0.95), 100, roles) == {"minimal": 100, "best": 500}


def test_a_best_model_that_has_a_role_leaves_it_to_no_other() -> None:
    sizes = with_best(table((100, "learning", True), (200, "unstable", True)), 0.9, 0.99)
    assert chosen(sizes, 100, ["minimal", "best"]) == {"minimal": 100}


def test_only_the_roles_that_were_asked_for() -> None:
    assert chosen(FULL, 100, ["overfitting"]) == {"overfitting": 2000}


def test_an_unstable_model_above_the_minimum_is_passed_over() -> None:
    sizes = table((100, "unstable", False), (100, "learning", False), (500, "unstable", True), (600, "learning", True))
    sizes["architecture"] = ["a", "b", "c", "d"]
    assert chosen(sizes, 100, ["minimal", "near-best"]) == {"minimal": 100, "near-best": 600}


def test_near_best_moves_on_when_the_minimal_model_is_near_the_best() -> None:
    sizes = table(
        (100, "learning", True), (200, "overfitting", True), (300, "learning", True), (400, "overfitting", True)
    )
    assert chosen(sizes, 100) == {"minimal": 100, "near-best": 300, "overfitting": 400}


def test_a_role_without_a_model_of_its_own_is_dropped() -> None:
    sizes = table((100, "learning", True), (200, "overfitting", True))
    assert chosen(sizes, 100) == {"minimal": 100, "overfitting": 200}
    assert chosen(table((100, "overfitting", True)), 100) == {"minimal": 100}


@pytest.mark.parametrize(
    ("sizes", "p_min", "role"),
    [
        (FULL, np.nan, "minimal"),
        (table((100, "learning", False)), 100, "near-best"),
        (table((100, "learning", True)), 100, "overfitting"),
        (with_best(table((100, "unstable", True)), 0.9), np.nan, "best"),
    ],
)
def test_a_role_that_finds_nothing_says_where_and_what_to_do(sizes: pd.DataFrame, p_min: float, role: str) -> None:
    with pytest.raises(
        UserError, match=rf"representatives\.roles: '{role}' finds no model for digits/dnn: .*(sweep|epochs)"
    ) as e:
        choose_representatives(sizes, p_min, [role])
    assert "\n" not in str(e.value)


def test_a_size_with_too_few_trainings_plays_no_reliable_role() -> None:
    sizes = with_best(FULL, 0.1, 0.8, 0.9, 0.95, 0.97, 0.96).assign(repeats=[10, 2, 10, 10, 2, 10])
    reliable = choose_representatives(sizes, 100, [*ROLES, "best"], trainings=10)
    assert {chosen.role: chosen.parameters for chosen in reliable} == {
        "minimal": 200,
        "near-best": 500,
        "overfitting": 2000,
    }, "of those trained often enough the best has a role already"
    with pytest.raises(UserError, match="'minimal' finds no model"):
        choose_representatives(sizes, 100, ROLES, trainings=11)


def test_without_roles_only_what_is_named_goes_on() -> None:
    assert choose_representatives(FULL, 100, []) == []
    assert [chosen.role for chosen in choose_representatives(FULL, 100, [], ["net-500"])] == ["further"]
