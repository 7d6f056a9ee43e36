"""The networks whose weights the figures show, and the pictures of them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pruned_study import write_study
from safetensors.numpy import load_file, save_file

from minarch.reporting.figures.images import mosaic
from minarch.reporting.tables import Table
from minarch.reporting.tables.make import make_tables
from minarch.reporting.tables.shown import as_images, shown_networks


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """(config, inputs) of three families, one of them unknown."""
    return write_study(tmp_path_factory.mktemp("networks"), {"digits": ["dnn", "mine:Own", "vit"]}, broken=True)


def test_every_table_is_made(study) -> None:
    assert set(make_tables(*study)) == set(Table)


def test_representatives_are_shown_and_the_poorest_network(study) -> None:
    config, inputs = study
    shown = shown_networks(make_tables(config, inputs), inputs)
    roles = ["minimal", "near-best", "overfitting", "poorest"]
    assert [(network.family, network.role) for network in shown] == [
        (f, r) for f in ("dnn", "mine:Own", "vit") for r in roles
    ]
    for network in shown:
        assert len(network.quantiles["weights.all"]) == (1 if network.role == "poorest" else 3)
        assert network.images is None if network.family == "mine:Own" else network.images.shape[0] == 4
        assert (network.attention is not None) == (network.family == "vit")
        assert network.node_layers == ([] if network.family == "mine:Own" else ["input", "first", "last", "output"])
    poorest = pd.read_csv(inputs["similarity"] / "networks.csv").query("group == 'poor'")["validation"].min()
    assert poorest < 0.2 and {network.parameters for network in shown if network.role == "poorest"} <= {50, 60}


def test_blocks_of_repeats_are_one_architecture(study, tmp_path: Path) -> None:
    config, inputs = study
    whole = shown_networks(make_tables(config, inputs), inputs)[0]
    (item,) = (item for item in inputs["weights"] if item.name.startswith("digits-dnn-400"))
    (folder,) = item.iterdir()
    sweep = next(item for item in inputs["sweep"] if item.name == folder.name)
    parts = {"weights": [], "sweep": []}
    for name, kept in {"a": [0, 1], "b": [2]}.items():
        for stage, source in {"weights": folder, "sweep": sweep}.items():
            parts[stage].append(split(source, tmp_path / stage / name, kept))
    inputs = {**inputs, "weights": [*(i for i in inputs["weights"] if i != item), tmp_path / "weights"]}
    inputs["sweep"] = [*(i for i in inputs["sweep"] if i != sweep), *parts["sweep"]]
    tables = make_tables(config, inputs)
    again = shown_networks(tables, inputs)[0]
    assert np.array_equal(again.quantiles["weights.all"], whole.quantiles["weights.all"])
    assert np.array_equal(again.images, whole.images)
    assert tables["weights"].set_index("architecture").at["dnn-400", "n"] == 3


def split(source: Path, target: Path, kept: list[int]) -> Path:
    """A weights folder or a sweep item with some of its repeats only."""
    target.mkdir(parents=True)
    for path in source.iterdir():
        if path.suffix == ".csv":
            pd.read_csv(path).query("repeat in @kept").to_csv(target / path.name, index=False)
        elif path.name in ("quantiles.safetensors", "untrained.safetensors"):
            save_file({name: rows[kept] for name, rows in load_file(path).items()}, target / path.name)
        elif path.suffix == ".safetensors":
            stored = load_file(path)
            save_file({n: v for n, v in stored.items() if int(n.split(".")[0]) in kept}, target / path.name)
        else:
            body = json.loads(path.read_text())
            runs = body.get("repeats", [])
            body["repeats"] = [run for run in runs if (run if isinstance(run, int) else run["repeat"]) in kept]
            (target / path.name).write_text(json.dumps(body))
    return target


@pytest.mark.parametrize(
    ("weights", "images"),
    [((5, 12), (5, 3, 2, 2)), ((5, 3, 4, 4), (5, 3, 4, 4)), ((5, 11), None), ((5, 3, 2), None)],
)
def test_a_first_layer_is_pictures_if_it_sees_the_image(weights, images) -> None:
    pictures = as_images(np.arange(np.prod(weights)).reshape(weights), (3, 2, 2))
    assert pictures is None if images is None else pictures.shape == images


def test_tiles_lie_row_by_row_with_gaps_between() -> None:
    whole = mosaic(np.arange(1.0, 4.0)[:, None, None, None] * np.ones((3, 16, 16, 1)), down=2, across=2)[..., 0]
    assert whole.shape == (66, 66)
    assert (whole[:32, :32] == 1).all() and (whole[:32, 34:] == 2).all() and (whole[34:, :32] == 3).all()
    assert np.isnan(whole[34:, 34:]).all() and np.isnan(whole[32:34]).all() and np.isnan(whole[:, 32:34]).all()
