"""What every network and every route took, on constructed items whose costs are closed forms."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from complexity_study import DNN as GATED
from complexity_study import EPOCHS, write_complexity
from constructed import PARAMS, write_sweep
from depth_study import RESNET, write_depths
from pruned_study import HOW

from minarch.analysis.precision import VARIANT
from minarch.reporting.tables.spent import read_spent, routes_cost, spent_table

IMAGES, REPEATS, FINE_TUNED = 100, 3, 2
TRAINED = 3 * 2 * 400 * IMAGES * 4  # of a network of 400 parameters and twice as many MACs, 4 epochs
PARAMETERS = 400


def write_cut(root: Path, method: str, level: float, macs: list[int | None], **how: Any) -> Path:
    model = {"dataset": "digits", "family": "dnn", "architecture": "dnn-400", "method": method, "level": level}
    item = root / "prune" / f"{method}-{level}-{len(list(root.rglob('results.json')))}"
    item.mkdir(parents=True)
    repeats = [{"repeat": r, "macs": count} for r, count in enumerate(macs)]
    (item / "results.json").write_text(json.dumps(model | {"kind": "structured", "how": HOW | how, "repeats": repeats}))
    return item


@pytest.fixture
def inputs(tmp_path) -> dict[str, Any]:
    """A data set of 100 training images, a trained architecture, towers and gates."""
    data = tmp_path / "data/digits-x"
    data.mkdir(parents=True)
    (data / "record.json").write_text(json.dumps({"dataset": "digits", "counts": {"train": IMAGES}}))
    swept = write_sweep(tmp_path / "sweep/x", "digits", "dnn", PARAMETERS, (0.9, 0.9))
    return {
        "data": [data],
        "sweep": [swept],
        "depth": write_depths(tmp_path / "depth", "digits", [RESNET]),
        "complexity": write_complexity(tmp_path / "complexity", "digits", [GATED]),
        "prune": [],
    }


PARAMS = PARAMS | {"prune": {"finetune": {"epochs": FINE_TUNED}}}


def tables(
    inputs: dict[str, Any], *candidates: tuple[Any, ...]
) -> tuple[dict[tuple[str, str, float], float], dict[str, float]]:
    """(architecture, method, level) -> MACs of one; route -> MACs of all."""
    spent = read_spent(inputs, PARAMS, pd.DataFrame(candidates, columns=[*VARIANT, "stage"]))
    one, all_ = spent_table(spent), routes_cost(spent)
    key = zip(one["architecture"], one["method"], one["level"], strict=True)
    return dict(zip(key, one["training_macs"], strict=True)), dict(zip(all_["route"], all_["route_macs"], strict=True))


def test_a_training_takes_three_passes_per_image_and_epoch(inputs) -> None:
    one, of_route = tables(inputs | {"depth": [], "complexity": []})
    assert one == {("dnn-400", "original", 0): TRAINED}
    assert of_route == {"train small": REPEATS * TRAINED}


def test_a_pruned_network_takes_what_it_was_cut_out_of_too_and_the_route_all_that_it_cut(inputs, tmp_path) -> None:
    plain = inputs | {"depth": [], "complexity": []}
    blocks = [write_cut(tmp_path, "l1", 0.5, macs) for macs in ([300, 500], [400, None])]
    other = write_cut(tmp_path, "l1", 0.75, [100] * 3)
    one, of_route = tables(plain | {"prune": [*blocks, other]})
    step = 3 * IMAGES * FINE_TUNED
    assert one["dnn-400", "l1", 0.5] == TRAINED + 400 * step
    assert one["dnn-400", "l1", 0.75] == TRAINED + 100 * step
    assert of_route["prune: l1"] == REPEATS * TRAINED + (300 + 500 + 400 + 3 * 100) * step


@pytest.mark.parametrize(("weights", "rewind", "epochs"), [("fresh", 0, 4), ("rewound", 1, 3), ("rewound", 0, 4)])
def test_what_is_not_fine_tuned_is_trained_for_what_is_left_of_the_epochs(inputs, tmp_path, weights, rewind, epochs):
    cut = write_cut(tmp_path, "again", 0.5, [400] * 3, weights=weights, rewind=rewind)
    one, _ = tables(inputs | {"prune": [cut]})
    assert one["dnn-400", "again", 0.5] == TRAINED + 3 * IMAGES * 400 * epochs


def test_an_iterative_level_takes_the_levels_before_in_any_order_and_block(inputs, tmp_path) -> None:
    step = {"schedule": "iterative"}
    cuts = [write_cut(tmp_path, "step", level, [macs] * 2, **step) for level, macs in ((0.75, 100), (0.25, 600))]
    cuts += [write_cut(tmp_path, "step", level, [macs], **step) for level, macs in ((0.25, 600), (0.75, 100))]
    one, _ = tables(inputs | {"prune": cuts})
    assert one["dnn-400", "step", 0.25] == TRAINED + 3 * IMAGES * FINE_TUNED * 600
    assert one["dnn-400", "step", 0.75] == TRAINED + 3 * IMAGES * FINE_TUNED * 700


def test_a_search_takes_no_validation_and_its_route_what_set_the_target(inputs) -> None:
    records = [json.loads((item / "results.json").read_text()) for item in inputs["depth"]]
    own = {
        record["architecture"]: [sum(run["cost"].values()) - run["cost"]["validation"] for run in record["repeats"]]
        for record in records
    }
    one, of_route = tables(inputs)
    searched, full = own[f"{RESNET.name}-odn"], own[f"{RESNET.name}-alone-8"]
    assert one[f"{RESNET.name}-odn", "original", 0] == pytest.approx(sum(searched) / len(searched))
    assert of_route["grow: odn"] == sum(searched) + sum(full)
    alone = [sum(macs) for name, macs in own.items() if "-alone-" in name]
    whole = 5 * GATED.training(EPOCHS)["training"]
    assert of_route["train small"] == REPEATS * TRAINED + sum(alone) + whole


def test_controls_of_gates_are_on_no_route(inputs) -> None:
    one, of_route = tables(inputs)
    assert {name for name, *_ in one if name.startswith(f"{GATED.name}-")} == {
        f"{GATED.name}-full",
        *(f"{GATED.name}-nu{nu:g}-alpha0.5-beta0" for nu in GATED.nus),
    }
    gated = [json.loads((item / "results.json").read_text()) for item in inputs["complexity"]]
    spent = [run["cost"]["training"] for record in gated if record["way"] == "gated" for run in record["repeats"]]
    assert of_route["prune in training"] == sum(spent)


def test_what_a_stage_of_the_users_own_trains_is_a_route_whose_cost_is_not_known(inputs, tmp_path) -> None:
    cut = write_cut(tmp_path, "l1", 0.5, [400] * 3)
    own, known = ("digits", "dnn", "dnn-own", "original", 0.0), ("digits", "dnn", "dnn-400", "original", 0.0)
    one, of_route = tables(inputs | {"prune": [cut]}, (*own, "distilled"), (*known, "sweep"))
    assert one["dnn-400", "original", 0] == TRAINED
    assert math.isnan(one["dnn-own", "original", 0]) and math.isnan(of_route["distilled"])
