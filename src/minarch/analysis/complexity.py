"""What can be said of complexity-aware training: against its controls, and of units against layers.

All differences are paired by repeat, in points of test accuracy, which is only reported: nothing is chosen by it. The
rules are our inference (docs/methods.md 4.3).
"""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd

from minarch.analysis.intervals import EDGE, of_mean, with_intervals
from minarch.analysis.multiplicity import P_ADJUSTED, P_VALUE, VERDICT, adjusted_name, of_column, with_adjusted
from minarch.analysis.search import FAILS, HOLDS, NOT_SHOWN
from minarch.complexity import FRESH, GATED, L1, SWEPT

CONTROLS = [L1, FRESH, SWEPT]
WHOLE = ["dataset", "family", "whole"]  # the network before anything is pruned
CURVE = [*WHOLE, "alpha", "beta"]  # its points differ in nu
POINT = [*CURVE, "nu"]
NETWORK = ["repeat", "status", "macs", "macs_share", "test"]  # of a repeat; accuracies are fractions
UNITS, LAYERS = 0.0, 1.0  # values of beta that prune one of the two alone
OK = "ok"  # the status of a network that was trained and can be compared
BETTER, WORSE, CANNOT_TELL = "better", "worse", "cannot tell"
FEWEST_NU = 5  # that a verdict over a curve takes
TEST_DIFFERENCE = "test_difference_points"
DIFFERENCE = of_mean(TEST_DIFFERENCE)
AT_EQUAL_NU, AT_EQUAL_MACS = "the same nu", "equal MACs"
JUDGED = [P_VALUE, P_ADJUSTED, VERDICT, adjusted_name()]
TRADEOFF = [*CURVE, "against", "compared_at", "nus", "n", *DIFFERENCE, "lowest_share", "highest_share", *JUDGED]

NOTHING = (np.nan, np.nan, np.nan)


def alone_at(beta: float) -> str:
    """What a beta is called as the other side of a comparison."""
    return f"beta {beta:g}"


def verdict(low: float, high: float) -> str:
    """BETTER if the whole interval of a difference is above 0, WORSE if it is below, else (and without) CANNOT_TELL."""
    return BETTER if low > 100 * EDGE else WORSE if high < -100 * EDGE else CANNOT_TELL


def pairs(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per point, control and repeat: TEST_DIFFERENCE, gated less control, and whether `both_ok`.

    Args:
        runs: one row per network: POINT, way, NETWORK. Without a test accuracy there is no difference: it is NaN.
    """
    columns = [*POINT, "repeat", "status", "test"]
    gated, controls = runs.loc[runs["way"] == GATED, columns], runs.loc[runs["way"].isin(CONTROLS), [*columns, "way"]]
    both = controls.merge(gated, on=[*POINT, "repeat"], suffixes=("", "_gated"), validate="many_to_one")
    difference = 100 * (both["test_gated"] - both["test"])
    return both.assign(
        **{TEST_DIFFERENCE: difference}, both_ok=(both["status"] == OK) & (both["status_gated"] == OK)
    ).drop(columns=["status_gated", "test_gated"])


def of_points(paired: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row per point and control: the mean of `pairs` with its Student-t interval, n of them, and JUDGED.

    The points against one control are a family of verdicts.
    """
    table = with_intervals(paired, [*POINT, "way"], [TEST_DIFFERENCE], confidence)
    return _judged(table, ["way"], confidence)


def of_curves(paired: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row of TRADEOFF per curve and control: the mean over nu of each repeat's differences, at the same nu.

    A repeat counts if at FEWEST_NU of them both networks are ok; `nus` says at how many a repeat was compared at most.
    """
    usable = paired[paired["both_ok"] & paired[TEST_DIFFERENCE].notna()]
    grouped = usable.groupby([*CURVE, "way", "repeat"])[TEST_DIFFERENCE].agg(["mean", "count"]).reset_index()
    known = paired[[*CURVE, "way"]].drop_duplicates()
    grouped = known.merge(grouped, on=[*CURVE, "way"], how="left")
    rows = grouped.assign(nus=grouped["count"].fillna(0)).rename(columns={"way": "against"})
    rows[TEST_DIFFERENCE] = rows["mean"].where(rows["nus"] >= FEWEST_NU)
    return _tradeoff(rows.assign(compared_at=AT_EQUAL_NU, lowest_share=np.nan, highest_share=np.nan), confidence)


def between_betas(runs: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row of TRADEOFF for each beta between 0 and 1 against UNITS and LAYERS, where the study has both: at equal
    MACs.

    A repeat counts if both of its curves have FEWEST_NU networks that are ok and span a common range of MACs.
    `lowest_share` and `highest_share` are the means of its ends, as shares of the whole network's MACs.

    Args:
        runs: one row per network: POINT, way, NETWORK.
    """
    compared = []
    key = [*WHOLE, "alpha", "repeat"]
    for values, networks in runs[runs["way"] == GATED].groupby(key):
        betas = [float(beta) for beta in sorted(networks["beta"].unique())]
        alone = [beta for beta in (UNITS, LAYERS) if beta in betas]
        for beta, single in product([beta for beta in betas if UNITS < beta < LAYERS], alone):
            usable = networks[networks["status"] == OK]
            curve, other = (_points(usable[usable["beta"] == value]) for value in (beta, single))
            nus = min(len(curve[0]), len(other[0]))
            difference, low, high = NOTHING if nus < FEWEST_NU else at_equal_macs(curve, other)
            row = dict(zip(key, values, strict=True)) | {"beta": beta, "against": alone_at(single), "nus": nus}
            row |= {TEST_DIFFERENCE: 100 * difference, "lowest_share": low, "highest_share": high}
            compared.append(row)
    columns = [*CURVE, "repeat", "nus", "against", TEST_DIFFERENCE, "lowest_share", "highest_share"]
    table = pd.DataFrame(compared, columns=columns)
    return _tradeoff(table.assign(compared_at=AT_EQUAL_MACS), confidence)


def at_equal_macs(
    curve: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> tuple[float, float, float]:
    """The mean difference, curve less other, over the range of MACs that both span, and the ends of that range.

    A curve is (shares of MACs [N], above 0; accuracies [N]): between its points accuracy is linear in log(share), of
    equal shares the mean is taken. Exact: the integral over the log of the share by its length. Without a common range
    all three are NaN.
    """
    (x, y), (x_other, y_other) = (_sorted(*points) for points in (curve, other))
    if not len(x) or not len(x_other):
        return NOTHING
    low, high = max(x[0], x_other[0]), min(x[-1], x_other[-1])
    if not low < high:
        return NOTHING
    knots = np.unique(np.concatenate([[low, high], x, x_other]))
    knots = knots[(knots >= low) & (knots <= high)]
    differences = np.interp(knots, x, y) - np.interp(knots, x_other, y_other)
    mean = float(np.trapezoid(differences, knots) / (high - low))
    return mean, float(np.exp(low)), float(np.exp(high))


def beats_either(against: Mapping[str, str]) -> str:
    """Whether units and layers together beat units alone and layers alone: HOLDS if they are better than both, FAILS if
    they are worse than one of them, else (and where the study lacks one) NOT_SHOWN.

    Args:
        against: what is pruned instead (`alone_at`) -> the verdict over the curves.
    """
    verdicts = [against.get(alone_at(beta), CANNOT_TELL) for beta in (UNITS, LAYERS)]
    return FAILS if WORSE in verdicts else HOLDS if set(verdicts) == {BETTER} else NOT_SHOWN


def _points(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return rows["macs_share"].to_numpy(float), rows["test"].to_numpy(float)


def _sorted(shares: np.ndarray, accuracies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A curve's points by log(share), of equal shares one with the mean accuracy."""
    x, place = np.unique(np.log(shares), return_inverse=True)
    return x, np.bincount(place, weights=accuracies) / np.bincount(place) if len(x) else accuracies


def _tradeoff(rows: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Rows of TRADEOFF from one row per repeat, whose TEST_DIFFERENCE is NaN where it does not count.

    The curves against one control are a family of verdicts, and so are all comparisons of betas.
    """
    key = [*CURVE, "against", "compared_at"]
    table = with_intervals(rows, key, [TEST_DIFFERENCE], confidence)
    shares = rows.groupby(key)[["lowest_share", "highest_share"]].mean()
    table = table.merge(shares.join(rows.groupby(key)["nus"].max().astype(int)).reset_index(), on=key)
    family = "compared_at" if (table["compared_at"] == AT_EQUAL_MACS).all() else "against"
    return _judged(table, [family], confidence).reindex(columns=TRADEOFF)


def _judged(table: pd.DataFrame, family: list[str], confidence: float) -> pd.DataFrame:
    """The table with JUDGED, from the interval of each row, which is missing where fewer than two repeats count."""
    table = table.copy()
    table[P_VALUE] = of_column(table, DIFFERENCE, confidence)
    ends = zip(table[DIFFERENCE.low], table[DIFFERENCE.high], strict=True)
    table[VERDICT] = [verdict(low, high) for low, high in ends]
    return with_adjusted(table, confidence, CANNOT_TELL, family=family)
