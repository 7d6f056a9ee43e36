import pandas as pd

from minarch.reporting.findings.controls import against_controls

CASE = {"dataset": "digits", "family": "dnn", "architecture": "dnn-8", "role": "minimal"}
CASE |= {"method": "l1", "control": "random", "step": "finetuned", "n": 5}
COLUMNS = ["test_difference_points_mean", "verdict", "verdict_adjusted"]


def test_cases_are_counted_by_their_adjusted_verdicts_and_judged_alone() -> None:
    rows = [(3.0, "better", "better"), (2.0, "better", "cannot tell"), (-2.0, "worse", "worse")]
    rows.append((1.0, "cannot tell", "cannot tell"))
    table = pd.DataFrame([CASE | dict(zip(COLUMNS, row, strict=True)) for row in rows])
    after = table.head(1).assign(step="pruned")
    nearest = table.head(1).assign(control="nearest")
    first, second, third = against_controls(pd.concat([nearest, table, after]))
    assert (first["control"], first["finetuned"]) == ("random", False)
    assert (second["control"], second["finetuned"]) == ("random", True)
    assert third["control"] == "nearest"
    assert [second[name] for name in ("cases", "better", "worse", "open")] == [4, 1, 1, 2]
    assert (second["better_alone"], second["worse_alone"]) == (2, 1)
    assert (second["median"], second["lowest"], second["highest"]) == (1.5, -2.0, 3.0)
