import numpy as np
import pandas as pd
import pytest

from minarch.reporting.findings.similarity import as_ratios, in_blocks, summed_up
from minarch.statistics.verdicts import BLOCK_TABLE, COUNTS, TABLE, WITHIN

HOW = {"comparison": WITHIN} | dict.fromkeys(COUNTS, 8)


def verdicts(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=TABLE)


def test_verdicts_are_counted_with_their_comparison_and_ratios() -> None:
    of_one = {"scope": "one", "quantity": "weights", "untrained_log_ratio": 0.0, "difference": 0.1, **HOW}
    table = [
        of_one | {"verdict": "holds", "log_ratio": np.log(2)},
        of_one | {"verdict": "holds", "log_ratio": np.log(3)},
        of_one | {"verdict": "not shown", "log_ratio": 0.0},
        of_one | {"verdict": "not shown", "log_ratio": 0.0, "quantity": "strengths"},
        {"scope": "other", "quantity": "weights", "verdict": "cannot tell", "comparison": ""}
        | dict.fromkeys(COUNTS, 0),
    ]
    weights, strengths, other = summed_up(verdicts(table))
    assert (weights["scope"], weights["measures"], weights["verdicts"]) == ("one", 3, {"holds": 2, "not shown": 1})
    assert weights["comparison"] == WITHIN and weights["networks"] == 8 and weights["told"]
    assert weights["log_ratio"] == pytest.approx([1, 3]) and weights["untrained_log_ratio"] == [1, 1]
    assert strengths["quantity"] == "strengths" and not other["told"] and other["verdicts"] == {"cannot tell": 1}
    assert summed_up(verdicts([])) == []


def test_logarithms_are_shown_as_ratios() -> None:
    row = {"log_ratio": np.log(2), "log_ratio_low": 0.0, "log_ratio_high": np.log(4), "detectable": np.log(1.5)}
    shown = as_ratios(verdicts([row])).iloc[0]
    assert shown[["log_ratio", "log_ratio_low", "log_ratio_high", "detectable"]].tolist() == pytest.approx(
        [2, 1, 4, 1.5]
    )
    assert np.isnan(shown["difference"])


def test_blocks_of_a_case_stand_in_one_row() -> None:
    case = {"scope": "one", "quantity": "weights", "distance": "js", "scaled": True, "comparison": WITHIN}
    case |= {"ratio": 2.0, "ratio_low": 1.0, "ratio_high": 3.0, "p_value": 0.1}
    rows = [
        case | {"networks": networks, "block": block, "mean": mean}
        for networks in ("trained", "untrained")
        for block, mean in (("good-good", 1.0), ("good-poor", 1.5), ("poor-poor", 2.0))
    ]
    trained, untrained = in_blocks(pd.DataFrame(rows, columns=BLOCK_TABLE))
    assert (trained["networks"], untrained["networks"]) == ("trained", "untrained")
    assert trained["poor-poor"]["mean"] == 2 and trained["ratio"] == 2 and trained["p_value"] == 0.1
