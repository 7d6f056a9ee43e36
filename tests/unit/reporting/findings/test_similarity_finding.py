import numpy as np
import pandas as pd
import pytest

from minarch.reporting.findings.similarity import resemblance

SCOPE = {"scope": "all networks", "quantity": "weights", "networks_good": 5, "networks_poor": 6}


def blocks(distances: dict[str, tuple[float, float, float]]) -> pd.DataFrame:
    """Distance -> mean of good-good, mean of poor-poor, p."""
    rows = []
    for name, (good, poor, p_value) in distances.items():
        row = SCOPE | {"distance": name, "scaled": False, "p_value": p_value}
        rows += [row | {"block": "good-good", "mean": good}, row | {"block": "poor-poor", "mean": poor}]
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
    (row,) = resemblance(blocks(distances), 0.95)
    assert (row["verdict"], row["wider"], row["shown"], row["distances"]) == (verdict, wider, shown, 2)
    assert row["p_value"] == max(p for *_, p in distances.values())


def test_without_two_blocks_there_is_no_verdict() -> None:
    table = blocks({"js": (0.1, 0.3, np.nan)})
    assert resemblance(table[table["block"] == "good-good"], 0.95) == []
