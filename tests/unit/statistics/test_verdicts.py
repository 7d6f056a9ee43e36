"""Verdicts on similarity: on simulated studies whose truth is known, and what the table says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control
from studies import simulate

from minarch.statistics.contrast import Contrast
from minarch.statistics.verdicts import (
    BY_SIZE,
    FAILS,
    HOLDS,
    NEITHER,
    OPEN,
    WITHIN,
    Compared,
    blocks_table,
    verdicts_table,
)

SEEDS: dict[str, dict[str, Any]] = {
    "many repeats": {"architectures": 3, "repeats": 24},
    "few repeats": {"architectures": 12, "repeats": 5, "accuracy": 3.0},
}
COMPARISON = {"many repeats": WITHIN, "few repeats": BY_SIZE}
NOTHING = {  # what makes no difference by training; in all of them larger networks are more alike
    "nothing": {},
    "untrained networks differ alike": {"untrained": 0.3},
}


def rate(studies: int, verdict: str, **truth: Any) -> float:
    """How often any row of a simulated study has the verdict."""
    return float(np.mean([(simulate(seed, **truth)["verdict"] == verdict).any() for seed in range(studies)]))


@pytest.mark.slow
@pytest.mark.parametrize("study", SEEDS)
@pytest.mark.parametrize("nothing", NOTHING)
def test_without_an_effect_hardly_any_study_says_that_it_holds(study: str, nothing: str) -> None:
    verdicts = [simulate(seed, **SEEDS[study], **NOTHING[nothing]) for seed in range(200)]
    for verdict in (HOLDS, FAILS):
        assert np.mean([(table["verdict"] == verdict).any() for table in verdicts]) <= 0.05
    told = pd.concat(verdicts).query("verdict != @NEITHER")
    assert set(told["comparison"]) == {COMPARISON[study]} and len(told) >= 0.5 * sum(map(len, verdicts))


@pytest.mark.slow
def test_an_effect_is_told() -> None:
    """Poor networks that training leaves 1.3 times as far away, with six good and six poor ones of 12 architectures."""
    tables = [simulate(seed, **SEEDS["many repeats"], trained=np.log(1.3)) for seed in range(50)]
    held = pd.concat(tables).groupby("scope", sort=False)["verdict"].agg(lambda verdicts: (verdicts == HOLDS).mean())
    assert (held >= 0.8).all(), held
    tables = [simulate(seed, **SEEDS["few repeats"], trained=np.log(3)) for seed in range(30)]
    held = pd.concat(tables).query("comparison == @BY_SIZE").groupby("scope", sort=False)["verdict"]
    assert (held.agg(lambda verdicts: (verdicts == HOLDS).mean()) >= 0.8).all(), held
    tables = [simulate(seed, **SEEDS["many repeats"], trained=-np.log(1.3)) for seed in range(10)]
    assert (pd.concat(tables)["verdict"] == FAILS).mean() >= 0.8
