import numpy as np
import pandas as pd
import pytest

from minarch.reporting.findings.similarity import as_ratios, by_scope, in_blocks
from minarch.statistics.verdicts import BLOCK_TABLE, BY_SIZE, COUNTS, TABLE, WITHIN

HOW = {"comparison": WITHIN} | dict.fromkeys(COUNTS, 8)


def verdicts(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=TABLE)


def test_verdicts_are_counted_by_scope_with_their_comparisons_and_ratios() -> None:
    ratios = {"untrained_log_ratio": 0.0, "difference": 0.1}
    told = [
        {"scope": "one", "verdict": "holds", "log_ratio": np.log(2), **HOW, **ratios},
        {"scope": "one", "verdict": "holds", "log_ratio": np.log(3), **HOW, **ratios},
        {"scope": "one", "verdict": "not shown", "log_ratio": 0.0, **HOW, **ratios, "comparison": BY_SIZE},
        {"scope": "other", "verdict": "cannot tell", "comparison": "", **dict.fromkeys(COUNTS, 0)},
    ]
    one, other = by_scope(verdicts(told))
    assert (one["scope"], one["measures"], one["verdicts"]) == ("one", 3, {"holds": 2, "not shown": 1})
    assert one["comparisons"] == [WITHIN, BY_SIZE] and one["networks"] == 8
    assert one["log_ratio"] == pytest.approx((1, 3)) and one["untrained_log_ratio"] == (1, 1)
    assert other["verdicts"] == {"cannot tell": 1} and other["comparisons"] == [] and other["log_ratio"] is None
    assert by_scope(verdicts([])) == []


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
