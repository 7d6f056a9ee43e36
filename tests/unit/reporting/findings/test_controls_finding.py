import numpy as np
import pandas as pd

from minarch.reporting.findings.controls import against_controls

CASE = {"dataset": "digits", "family": "dnn", "architecture": "dnn-8", "role": "minimal"}
CASE |= {"method": "l1", "control": "random", "step": "finetuned", "n": 5}


def test_cases_are_better_worse_or_open_by_their_interval() -> None:
    rows = [(3.0, 1.0, 5.0), (2.0, -1.0, 5.0), (-2.0, -3.0, -1.0), (1.0, np.nan, np.nan)]
    columns = [f"difference_points_{part}" for part in ("mean", "low", "high")]
    table = pd.DataFrame([CASE | dict(zip(columns, row, strict=True)) for row in rows])
    after = table.head(1).assign(step="pruned")
    nearest = table.head(1).assign(control="nearest")
    first, second, third = against_controls(pd.concat([nearest, table, after]))
    assert (first["control"], first["finetuned"]) == ("random", False)
    assert (second["control"], second["finetuned"]) == ("random", True)
    assert third["control"] == "nearest"
    assert [second[name] for name in ("cases", "better", "worse", "open")] == [4, 1, 1, 2]
    assert (second["median"], second["lowest"], second["highest"]) == (1.5, -2.0, 3.0)
