import pandas as pd

from minarch.reporting.findings.shape import explained


def test_the_largest_share_is_named() -> None:
    shares = {"parameters": 0.2, "shape": 0.1, "repeats": 0.7}
    scope = {"dataset": "digits", "family": "dnn", "scope": "all sizes", "architectures": 4, "runs": 12}
    table = pd.DataFrame([scope | {"source": name, "share": share} for name, share in shares.items()])
    (row,) = explained(table)
    assert row["largest"] == "repeats" and row["shape"]["share"] == 0.1 and row["runs"] == 12
