import pandas as pd

from minarch.reporting.findings.sensitivity import swings


def test_a_minimum_that_leaves_the_grid_has_no_highest() -> None:
    sizes = {"dataset": "digits", "family": "dnn", "unstable": 1, "learning": 2, "overfitting": 0}
    rows = [("as set", 1.0, 100, 0), ("loss_rise", 0.5, 100, 1), ("failure_share", 0.5, None, 2)]
    table = pd.DataFrame(
        [sizes | dict(zip(["threshold", "factor", "p_min", "changed"], row, strict=True)) for row in rows]
    )
    (swing,) = swings(table.astype({"p_min": "Int64"}))
    assert (swing["p_min"], swing["p_min_low"], swing["sizes"]) == (100, 100, 3) and pd.isna(swing["p_min_high"])
    assert (swing["threshold"], swing["factor"], swing["changed"]) == ("failure_share", 0.5, 2)
