import pandas as pd

from minarch.reporting.findings.structured import methods_of

MODEL = {"dataset": "digits", "family": "dnn", "role": "minimal", "method": "l1", "macs_before": 100.0}
HOW = {"importance": "L1", "scope": "layer", "target": "units", "heads": False, "residual": False}
HOW |= {"schedule": "one-shot", "weights": "trained"}


def test_what_can_go_is_the_largest_cut_within_the_margin() -> None:
    def model(name: str, *levels: tuple[float, float, float]) -> list[dict[str, object]]:
        common = MODEL | HOW | {"architecture": name, "validation_base_mean": 0.9, "failed": 0}
        columns = ["macs", "validation_finetuned_mean", "removed_share"]
        return [common | dict(zip(columns, level, strict=True)) for level in levels]

    rows = [
        *model("a", (75, 0.91, 0.25), (50, 0.89, 0.5), (25, 0.7, 0.75)),
        *model("b", (100, 0.95, 0.0), (40, 0.8, 0.6)),
    ]
    (method,) = methods_of(pd.DataFrame(rows), 1.0)
    assert (method["lowest"], method["median"], method["highest"], method["models"]) == (0.0, 0.25, 0.5, 2)
    assert method["method"] == "l1" and method["weights"] == "trained"
