"""What the paper publishes of its searches: its sizes are those of our families, and both ways differ."""

import pandas as pd
import pytest

from minarch.analysis.published import PUBLISHED_NUMBERS, RUNS, against_depth, against_test, published_table
from minarch.data.catalogue import CATALOGUE
from minarch.models.families import ResNet

ROW = {"dataset": "mnist", "family": "resnet", "way": "paper", "n": 3, "depths": "2 2 3", "full_depth": 8}
ROW |= {"test_mean": 0.99, "test_low": 0.98, "test_high": 0.992, "parameters_share_mean": 0.02, "restart": "warmup"}


@pytest.mark.parametrize(("dataset", "blocks"), RUNS)
def test_published_sizes_are_those_of_the_family(dataset, blocks):
    run, entry = RUNS[dataset, blocks], CATALOGUE[dataset]
    full = ResNet(depth=blocks)
    assert full.parameters(entry.shape, entry.classes) == run.parameters_full
    assert full.at_depth(run.depth).parameters(entry.shape, entry.classes) == run.parameters


@pytest.mark.parametrize(
    ("depths", "verdict"),
    [([2, 2], "as published"), ([3, 4], "deeper"), ([1, 1], "shallower"), ([1, 3], "around it"), ([2, 3], "around it")],
)
def test_depths_on_either_side_are_told(depths, verdict):
    assert against_depth(depths, 2) == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.994, 0.996, "higher"),
        (0.98, 0.99, "lower"),
        (0.99, 0.9931, "no difference shown"),
        (float("nan"), float("nan"), "cannot tell"),
    ],
)
def test_accuracies_on_either_side_are_told(low, high, verdict):
    assert against_test(low, high, 0.9931) == verdict


def test_methods_of_published_networks_have_a_row_whatever_their_width():
    towers = ["resnet-depth18-width64-stemcifar", "resnet-depth18-width4-stemcifar", "resnet-depth34-width64-stemcifar"]
    rows = [ROW | {"tower": tower} for tower in towers]
    rows += [rows[0] | {"dataset": "digits"}, rows[0] | {"way": "full depth", "restart": None}]
    table = published_table(pd.DataFrame(rows))
    assert list(table["tower"]) == towers[:2]
    assert set(table["depth_verdict"]) == {"around it"} and set(table["test_verdict"]) == {"lower"}
    assert list(table[PUBLISHED_NUMBERS].iloc[0]) == [2, 0.9931, 149_322 / 11_172_810]


def test_without_such_a_network_there_is_no_row():
    assert published_table(pd.DataFrame([ROW | {"dataset": "digits", "tower": "dnn-depth4-width16"}])).empty
