"""Stage finalists on real networks: what it decides is read by the plan, and is the same each time."""

import json

import pandas as pd
import pytest

from minarch.finalists import work
from minarch.flow.stages import STAGES

CONFIG = {"failure_share": 0.5, "confidence": 0.95, "within_points": 100.0}


@pytest.fixture
def decided(data_item, sweep_items, tmp_path):
    """Makes the item from the networks in an order, and returns its folder."""

    def make(*networks):
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        work(CONFIG, {"data": [data_item], "networks": list(networks)}, out)
        return out

    return make


def test_the_best_network_of_each_family_is_a_finalist_and_the_items_are_named(decided, sweep_items):
    out = decided(*sweep_items.values())
    decision = STAGES["finalists"].decides.read(out)
    assert sorted(name for model in decision for name in model["items"]) == sorted(i.name for i in sweep_items.values())
    entries = json.loads((out / "finalists.json").read_text())
    records = {item.name: json.loads((item / "results.json").read_text()) for item in sweep_items.values()}
    for entry in entries:
        record = records[entry["items"][0]]
        reached = [run["validation_accuracy"] for run in record["repeats"]]
        assert entry["validation_mean"] == pytest.approx(sum(reached) / len(reached))
        assert entry["parameters"] == record["parameters"]


def test_the_order_of_the_items_changes_no_byte(decided, sweep_items):
    one, other = decided(*sweep_items.values()), decided(*reversed(sweep_items.values()))
    assert {file.name: file.read_bytes() for file in one.iterdir()} == {f.name: f.read_bytes() for f in other.iterdir()}


def test_every_network_and_every_model_is_listed(decided, sweep_items):
    out = decided(*sweep_items.values())
    assert len(pd.read_csv(out / "repeats.csv")) == 2 * len(sweep_items)
    models = pd.read_csv(out / "candidates.csv")
    assert models["finalist"].all() and set(models["family"]) == set(sweep_items)
