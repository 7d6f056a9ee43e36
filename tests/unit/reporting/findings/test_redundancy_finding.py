import pandas as pd
import pytest

from minarch.reporting.findings.redundancy import headline, reaching

MODEL = {"dataset": "digits", "family": "dnn", "architecture": "dnn-8", "role": "minimal"}


def test_models_that_reach_sixty_per_cent_are_counted_per_curve() -> None:
    curve = MODEL | {"scope": "global", "finetuned": False}
    rows = [("yes", 0.7, 5), ("no", 0.2, 5), ("no", 0.3, 4), ("open", 0.6, 5)]
    table = pd.DataFrame([curve | dict(zip(["sixty", "redundancy", "n"], row, strict=True)) for row in rows])
    table["redundancy_test"] = [0.7, 0.2, 0.6, 0.6]
    table["sixty_test"] = ["yes", "not shown", "yes", "yes"]
    table["sixty_test_adjusted"] = ["yes", "not shown", "not shown", "yes"]
    first, second = reaching(pd.concat([table, table.head(1).assign(finetuned=True)]))
    assert [first[name] for name in ("finetuned", "models", "yes", "no", "open")] == [False, 4, 1, 2, 1]
    assert (first["lowest"], first["highest"], first["fewest"], first["most"]) == (0.2, 0.7, 4, 5)
    assert (first["surely"], first["surely_alone"]) == (2, 3)
    assert (first["tested_lowest"], first["tested_highest"]) == (0.2, 0.7)
    assert second["finetuned"] and second["models"] == 1


@pytest.mark.parametrize(("scopes", "chosen"), [(["layer", "global"], "global"), (["layer"], "layer")])
def test_one_curve_stands_for_a_model(scopes: list[str], chosen: str) -> None:
    table = pd.DataFrame([MODEL | {"scope": s, "finetuned": f} for s in scopes for f in (False, True)])
    assert headline(table)[["scope", "finetuned"]].to_numpy().tolist() == [[chosen, False]]
