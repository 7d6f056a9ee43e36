import numpy as np
import pandas as pd
import pytest

from minarch.reporting.verdicts import certain_epochs, explained, resemblance, swings

ABOUT = {"scope": "all networks", "quantity": "weights", "networks_good": 5, "networks_poor": 6}


def blocks(distances: dict[str, tuple[float, float, float]]) -> pd.DataFrame:
    """Distance -> mean of good-good, mean of poor-poor, p."""
    rows = []
    for name, (good, poor, p_value) in distances.items():
        about = ABOUT | {"distance": name, "scaled": False, "p_value": p_value}
        rows += [about | {"block": "good-good", "mean": good}, about | {"block": "poor-poor", "mean": poor}]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("distances", "verdict", "wider", "shown"),
    [
        ({"js": (0.1, 0.3, 0.01), "kl": (0.1, 0.2, 0.04)}, "holds", 2, 2),
        ({"js": (0.1, 0.3, 0.01), "kl": (0.1, 0.2, 0.06)}, "not shown", 2, 1),
        ({"js": (0.1, 0.3, 0.01), "kl": (0.3, 0.2, 0.7)}, "not shown", 1, 1),
        ({"js": (0.3, 0.1, 0.99), "kl": (0.3, 0.2, 0.7)}, "does not hold", 0, 0),
    ],
)
def test_good_networks_are_alike_if_every_distance_says_so(distances, verdict: str, wider: int, shown: int) -> None:
    (found,) = resemblance(blocks(distances), 0.95)
    assert (found["verdict"], found["wider"], found["shown"], found["distances"]) == (verdict, wider, shown, 2)
    assert found["p_value"] == max(p for *_, p in distances.values())


def test_without_two_blocks_there_is_no_verdict() -> None:
    table = blocks({"js": (0.1, 0.3, np.nan)})
    assert resemblance(table[table["block"] == "good-good"], 0.95) == []


def test_the_largest_share_is_named() -> None:
    shares = {"parameters": 0.2, "shape": 0.1, "repeats": 0.7}
    about = {"dataset": "digits", "family": "dnn", "scope": "all sizes", "architectures": 4, "runs": 12}
    table = pd.DataFrame([about | {"source": name, "share": share} for name, share in shares.items()])
    (found,) = explained(table)
    assert found["largest"] == "repeats" and found["shape"]["share"] == 0.1 and found["runs"] == 12


def test_the_certain_epoch_comes_after_the_last_false_alarm() -> None:
    alarms = [3, 0, 1, 0, 0]
    epochs = {"epoch": range(1, 6), "false_alarms": alarms, "missed": [0, 0, 0, 2, 0], "called_unstable": 4}
    table = pd.DataFrame(epochs).assign(dataset="digits", family="dnn", p_min=[9, 9, 9, 5, 7])
    (found,) = certain_epochs(table.sample(frac=1, random_state=0))
    assert (found["epoch"], found["missed"], found["budget"]) == (4, 2, 5)
    assert (found["p_min"], found["p_min_end"]) == (5, 7)


def test_a_minimum_that_leaves_the_grid_has_no_highest() -> None:
    sizes = {"dataset": "digits", "family": "dnn", "unstable": 1, "learning": 2, "overfitting": 0}
    rows = [("as set", 1.0, 100, 0), ("loss_rise", 0.5, 100, 1), ("failure_share", 0.5, None, 2)]
    table = pd.DataFrame(
        [sizes | dict(zip(["threshold", "factor", "p_min", "changed"], row, strict=True)) for row in rows]
    )
    (found,) = swings(table.astype({"p_min": "Int64"}))
    assert (found["p_min"], found["p_min_low"], found["sizes"]) == (100, 100, 3) and pd.isna(found["p_min_high"])
    assert (found["threshold"], found["factor"], found["changed"]) == ("failure_share", 0.5, 2)
