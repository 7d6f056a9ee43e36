"""Constructed studies whose models in fewer bits are known."""

import pandas as pd
import pytest
from pruned_study import write_study

from minarch.analysis.minimal import Bootstrap
from minarch.files import read_json
from minarch.reporting.tables.quantization import precision_tables


@pytest.fixture(scope="session")
def quantized_study(tmp_path_factory):
    """Stage -> the items of a study of two data sets, one of them with two families."""
    return write_study(tmp_path_factory.mktemp("study"), {"digits": ["dnn", "cnn"], "mnist": ["dnn"]})[1]


@pytest.fixture(scope="session")
def simulated(quantized_study):
    """The tables of what was simulated."""
    models = pd.DataFrame([read_json(item / "results.json") for item in quantized_study["sweep"]])
    bootstrap = Bootstrap(resamples=100, confidence=0.95, seed=0)
    return precision_tables(
        quantized_study["quantize"], models, models.groupby("dataset")["classes"].first(), 1.0, bootstrap
    )
