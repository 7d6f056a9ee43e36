"""P_min in metrics.json where no smaller size was tried."""

from types import SimpleNamespace

import pandas as pd
import pytest

from minarch.reporting.metrics import make_metrics


@pytest.mark.parametrize(("at_most", "name"), [(True, "p_min_at_most"), (False, "p_min")])
def test_the_name_says_whether_it_is_only_an_upper_bound(at_most: bool, name: str) -> None:
    of_family = {"dataset": "digits", "depth": "all"}
    rows = [
        of_family | {"family": "cnn", "p_min": 370, "p_min_at_most": at_most},
        of_family | {"family": "dnn", "p_min": 760, "p_min_at_most": not at_most},
        of_family | {"family": "vit", "p_min": None, "p_min_at_most": False},
        of_family | {"family": "dnn", "depth": "1", "p_min": 100, "p_min_at_most": False},
    ]
    tables = {
        "data": pd.DataFrame({"dataset": ["digits"]}),
        "minimal": pd.DataFrame(rows).astype({"p_min": "Int64"}),
        "front": pd.DataFrame(columns=["dataset", "recommended", "validation_mean"]),
        "quantization": pd.DataFrame(
            [("digits", "original", "int8", "int8", 1.5)],
            columns=["dataset", "method", "quantization", "precision", "test_drop_points_mean"],
        ),
    }
    metrics = make_metrics(SimpleNamespace(tables=tables))["digits"]
    assert metrics == {name: 370, "int8_drop_points": 1.5}
