"""Repeats: each as if trained alone, the same bytes each time; a training that fails is a result."""

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from minarch.data.tensors import Split
from minarch.sweep import work
from minarch.training.evaluate import evaluate
from minarch.training.loop import train
from minarch.training.repeats import COLUMNS, derive_seed, train_repeat

SPEC = {"family": "dnn", "shape": [1, 8, 8], "classes": 10, "hidden": [8]}
CONFIGURATION = {"dataset": "digits", "seed": 0}
OPTIONS = {"epochs": 3, "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-2, "weight_decay": 0.0}


@pytest.fixture(scope="module")
def splits():
    """400 digits to train on and 200 to validate."""
    bunch = load_digits()
    images, labels = torch.tensor(bunch.images).to(torch.uint8)[:, None], torch.tensor(bunch.target)
    pixels = images[:400].float()
    mean, std = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3))
    return tuple(Split(images[part], labels[part], mean, std) for part in (slice(400), slice(400, 600)))


def _train(splits, repeat=0, **changes):
    return train_repeat(SPEC, CONFIGURATION, repeat, splits, OPTIONS | changes)


def _bytes(network):
    return b"".join(t.numpy().tobytes() for t in network.state_dict().values())


def _outcome(result):
    return (
        {n: _bytes(network) for n, network in result.networks.items()},
        repr(result.curve),
        result.status,
        result.seed,
    )


@given(st.dictionaries(st.text(), st.integers(), max_size=4), st.integers(0, 10_000))
def test_a_seed_fits_a_generator_and_depends_on_content_only(configuration, repeat):
    seed = derive_seed(configuration, repeat)
    assert 0 <= seed < 2**63
    torch.Generator().manual_seed(seed)
    assert seed == derive_seed(dict(reversed(configuration.items())), repeat)
    assert seed != derive_seed(configuration, repeat + 1)
    assert seed != derive_seed(configuration | {"more": 1}, repeat)


def test_the_same_repeat_is_the_same_bytes(splits):
    assert _outcome(_train(splits)) == _outcome(_train(splits))


def test_a_repeat_does_not_see_which_others_ran_before_it(splits):
    alone = _outcome(_train(splits, 2))
    torch.manual_seed(99)
    torch.rand(7)
    _train(splits, 0)
    _train(splits, 1)
    assert _outcome(_train(splits, 2)) == alone


def test_repeats_differ(splits):
    first, second = _train(splits, 0), _train(splits, 1)
    assert first.seed != second.seed
    assert _bytes(first.networks["final"]) != _bytes(second.networks["final"])


def test_records_every_epoch_and_the_best_one(splits):
    result = _train(splits, epochs=6)
    assert len(result.curve) == 6 and all(len(row) == len(COLUMNS) for row in result.curve)
    accuracies = [row[3] for row in result.curve]
    assert accuracies[result.best_epoch - 1] == max(accuracies)
    assert evaluate(result.networks["best"], splits[1]).accuracy == max(accuracies)
    assert evaluate(result.networks["final"], splits[1]).accuracy == accuracies[-1]
    assert result.status == "ok" and max(accuracies) > 0.7


def test_a_diverging_training_is_an_unstable_result(splits):
    result = _train(splits, optimizer="sgd", learning_rate=10)
    assert result.status == "unstable"
    text = json.dumps([result.metrics(epoch) for epoch in (1, 2, 3)], allow_nan=False)
    assert set(json.loads(text)[0]) == set(COLUMNS)
    assert set(result.networks) == {"final", "best"}


def test_a_loss_that_is_not_finite_becomes_null(splits):
    result = _train(splits)
    result.curve[0] = (math.nan, 0.1, math.inf, 0.1)
    assert result.metrics(1) == dict(zip(COLUMNS, (None, 0.1, None, 0.1), strict=True))


def test_no_better_than_chance_is_unstable(splits):
    assert _train(splits, epochs=1, learning_rate=1e-9).status == "unstable"


def test_a_batch_larger_than_the_data_is_one_step(splits):
    result = _train(splits, batch_size=10_000, epochs=30)
    assert result.status == "ok" and len(result.curve) == 30


def test_a_last_batch_may_be_smaller(splits):
    steps = []
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    model.register_forward_hook(lambda _m, given, _o: steps.append(len(given[0])))
    options = OPTIONS | {"epochs": 1, "batch_size": 150}
    train(model, splits[0], **options, generator=torch.Generator().manual_seed(0))
    assert steps == [150, 150, 100]


def test_evaluation_leaves_the_mode_and_does_not_depend_on_the_batch(splits):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    for mode in (True, False):
        model.train(mode)
        whole, parts = evaluate(model, splits[1]), evaluate(model, splits[1], batch_size=7)
        assert model.training == mode
        assert parts.loss == pytest.approx(whole.loss)
        assert parts.predictions.equal(whole.predictions)
        assert whole.accuracy == (whole.predictions == splits[1].labels).double().mean().item()


def test_an_item_that_diverged_is_whole_and_holds_no_nan(data_item, tmp_path):
    recipe = OPTIONS | {"optimizer": "sgd", "learning_rate": 10.0, "seed": 0}
    config = {"dataset": "digits", "family": "dnn", "knobs": {"depth": 2, "width": 16}, "repeats": [0], "train": recipe}
    work(config, {"data": data_item}, tmp_path)
    results = json.loads((tmp_path / "results.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    json.loads((tmp_path / "test.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert results["repeats"][0]["status"] == "unstable"


def test_an_items_blocks_are_the_repeats_of_the_whole(data_item, tmp_path):
    """However the repeats are cut into items, each is the same."""
    found = {}
    for block in ([0, 1], [1]):
        out = tmp_path / str(len(block))
        out.mkdir()
        recipe = OPTIONS | {"epochs": 1, "seed": 0}
        config = {
            "dataset": "digits",
            "family": "dnn",
            "knobs": {"depth": 1, "width": 4},
            "repeats": block,
            "train": recipe,
        }
        work(config, {"data": data_item}, out)
        found[len(block)] = [r for r in json.loads((out / "results.json").read_text())["repeats"] if r["repeat"] == 1]
    assert found[1] == found[2]
