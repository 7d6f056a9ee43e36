"""The signs of minimal sizes at the edge of what was run."""

import pandas as pd
import pytest

from minarch.contract import ORIGINAL
from minarch.reporting.findings.glance import at_a_glance
from minarch.reporting.tables import Table, in_listed_order
from minarch.reporting.tables.edges import minimal_rows


def study(depths: dict[str, list[int]], minimal: dict[str, tuple[object, object]]):
    """Tables of one family: the parameter counts of each depth, and P_min and P_near_best of each depth and of all."""
    of_family = {"dataset": "digits", "family": "dnn"}
    sizes = [
        of_family | {"depth": int(depth), "parameters": p, "repeats": 5}
        for depth, counts in depths.items()
        for p in counts
    ]
    rows = []
    for depth, (p_min, p_near_best) in minimal.items():
        row: dict[str, object] = of_family | {"depth": depth}
        for name, value in (("p_min", p_min), ("p_near_best", p_near_best)):
            row |= {name: value, f"{name}_low": value, f"{name}_high": value}
        rows.append(row)
    return {Table.SIZES: pd.DataFrame(sizes).astype({"depth": "Int64"}), Table.MINIMAL: pd.DataFrame(rows)}


@pytest.mark.parametrize(
    ("p_min", "p_near_best", "said"),
    [
        (200, 300, ("", 200, "", 300)),
        (100, 400, ("≤ ", 100, "≥ ", 400)),
        (400, 400, ("≥ ", 400, "≥ ", 400)),
        (pd.NA, pd.NA, ("> ", 400, "> ", 400)),
    ],
)
def test_a_number_at_the_edge_has_a_sign(p_min, p_near_best, said) -> None:
    rows = minimal_rows(study({"1": [100, 200, 300, 400]}, {"all": (p_min, p_near_best)}))
    (row,) = rows
    assert (row["p_min_sign"], row["p_min"], row["p_near_best_sign"], row["p_near_best"]) == said


def test_a_family_takes_the_sign_of_the_depth_that_its_number_comes_from() -> None:
    depths = {"1": [50, 100, 400], "2": [200, 300]}
    rows = minimal_rows(study(depths, {"1": (100, 400), "2": (200, 300), "all": (200, 300)}))
    assert [row["p_min_sign"] for row in rows] == ["", "≤ ", "≤ "]
    assert [row["p_near_best_sign"] for row in rows] == ["≥ ", "≥ ", ""]


def test_a_family_of_one_size_has_no_numbers() -> None:
    (row,) = minimal_rows(study({"1": [100]}, {"all": (100, 100)}))
    names = ("p_min", "p_min_low", "p_near_best", "p_near_best_high")
    assert all(pd.isna(row[name]) for name in names) and row["p_min_sign"] == row["p_near_best_sign"] == ""


def test_a_glance_at_families_has_the_signs_and_what_later_stages_say_of_each() -> None:
    model = {"dataset": "digits", "family": "dnn", "role": "minimal"}
    later = {
        Table.REDUNDANCY: [
            model | {"finetuned": False, "scope": "global"},
            model | {"finetuned": True, "scope": "global"},
        ],
        Table.QUANTIZATION: [model | {"method": ORIGINAL, "quantization": "int8", "precision": "int8"}],
        Table.SHAPE: [model | {"scope": "all sizes", "source": "size"}],
    }
    tables = study({"1": [100, 200]}, {"1": (100, 200), "all": (100, 200)})
    (row,) = at_a_glance(tables | {name: pd.DataFrame(rows) for name, rows in later.items()})
    assert (row["p_min_sign"], row["p_near_best_sign"], row["repeats"]) == ("≤ ", "≥ ", "5")
    assert [len(row[name]) for name in ("redundancy", "drops", "shape")] == [1, 1, 0]


def test_rows_follow_the_study_s_list_of_data_sets_and_keep_their_order_within() -> None:
    table = pd.DataFrame({"dataset": ["b", "a", "b", "a"], "row": [1, 2, 3, 4]})
    other = pd.DataFrame({"row": [3, 1]})
    ordered = in_listed_order({"one": table, "two": other}, ["b", "a"])
    assert ordered["one"]["row"].tolist() == [1, 3, 2, 4] and ordered["two"] is other
