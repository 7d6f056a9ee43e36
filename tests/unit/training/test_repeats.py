"""Repeats: each as if trained alone, the same bytes each time; a training that fails is a result."""

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minarch.errors import UserError
from minarch.sweep import work
from minarch.training.blocks import train_repeats
from minarch.training.evaluate import evaluate, evaluate_all
from minarch.training.loop import Recipe, train
from minarch.training.repeats import COLUMNS, derive_seed
from minarch.training.stacked.products import LIBRARIES, Products
from minarch.training.strategy import Strategy
from minarch.training.tuning import processor

OPTIONS = {"epochs": 3, "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-2, "weight_decay": 0.0}
ALONE = Strategy(0, Products(torch.device("cpu")))


@pytest.fixture(params=[ALONE, Strategy(1, Products(torch.device("cpu")))], ids=["sequential", "stacked"])
def trained(request, task):
    """Trains one repeat of a small DNN by each strategy."""

    def train_one(repeat=0, **changes):
        (result,) = train_repeats(task(**changes), [repeat], request.param)
        return result

    return train_one


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


def test_the_same_repeat_is_the_same_bytes(trained):
    assert _outcome(trained()) == _outcome(trained())


def test_a_repeat_does_not_see_which_others_ran_before_it(trained):
    alone = _outcome(trained(2))
    torch.manual_seed(99)
    torch.rand(7)
    trained(0)
    trained(1)
    assert _outcome(trained(2)) == alone


def test_repeats_differ(trained):
    first, second = trained(0), trained(1)
    assert first.seed != second.seed
    assert _bytes(first.networks["final"]) != _bytes(second.networks["final"])


def test_records_every_epoch_and_the_best_one(trained, splits):
    result = trained(epochs=6)
    assert len(result.curve) == 6 and all(len(row) == len(COLUMNS) for row in result.curve)
    accuracies = [row[3] for row in result.curve]
    assert accuracies[result.best_epoch - 1] == max(accuracies)
    assert evaluate(result.networks["best"], splits[1]).accuracy == max(accuracies)
    assert evaluate(result.networks["final"], splits[1]).accuracy == accuracies[-1]
    assert result.status == "ok" and max(accuracies) > 0.7


def test_a_diverging_training_is_an_unstable_result(trained):
    result = trained(optimizer="sgd", learning_rate=10)
    assert result.status == "unstable"
    text = json.dumps([result.metrics(epoch) for epoch in (1, 2, 3)], allow_nan=False)
    assert set(json.loads(text)[0]) == set(COLUMNS)
    assert set(result.networks) == {"final", "best"}


def test_a_loss_that_is_not_finite_becomes_null(trained):
    result = trained()
    result.curve[0] = (math.nan, 0.1, math.inf, 0.1)
    assert result.metrics(1) == dict(zip(COLUMNS, (None, 0.1, None, 0.1), strict=True))


def test_no_better_than_chance_is_unstable(trained):
    assert trained(epochs=1, learning_rate=1e-9).status == "unstable"


def test_a_recipe_is_what_a_section_says_of_the_training():
    section = OPTIONS | {"seed": 7, "device": "cpu", "strategy": "auto", "give_up_after": 2}
    assert Recipe.of(section) == Recipe(**OPTIONS, give_up_after=2)
    assert Recipe.of(OPTIONS).shared_batches is False
    with pytest.raises(TypeError, match="epochs"):
        Recipe.of({name: value for name, value in OPTIONS.items() if name != "epochs"})


def test_a_batch_larger_than_the_data_is_refused(trained):
    assert len(trained(batch_size=400).curve) == 3
    with pytest.raises(UserError, match="401 is not allowed, there are only 400 training images"):
        trained(batch_size=401)


def test_a_last_batch_may_be_smaller(splits):
    steps = []
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    model.register_forward_hook(lambda _m, given, _o: steps.append(len(given[0])))
    recipe = Recipe(**OPTIONS | {"epochs": 1, "batch_size": 150})
    train(model, splits[0], recipe, torch.Generator().manual_seed(0))
    assert steps == [150, 150, 100]


def test_evaluation_leaves_the_mode_and_does_not_depend_on_the_batch(splits):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    for mode in (True, False):
        model.train(mode)
        whole = evaluate(model, splits[1])
        assert model.training == mode
        with torch.no_grad():
            logits, labels = model(splits[1].batch(slice(None))), splits[1].labels
        assert whole.loss == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item())
        assert whole.accuracy == (logits.argmax(1) == labels).double().mean().item()
        loss, accuracy = evaluate_all([model.eval(), model], splits[1], batch_size=7)
        assert loss.tolist() == pytest.approx([whole.loss] * 2) and accuracy.tolist() == [whole.accuracy] * 2


def test_an_item_that_diverged_is_whole_and_holds_no_nan(data_item, tmp_path):
    recipe = OPTIONS | {"optimizer": "sgd", "learning_rate": 10.0, "seed": 0, "device": "cpu", "strategy": "auto"}
    config = {"dataset": "digits", "family": "dnn", "knobs": {"depth": 2, "width": 16}, "repeats": [0], "train": recipe}
    work(config, {"data": data_item}, tmp_path)
    results = json.loads((tmp_path / "results.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    json.loads((tmp_path / "test.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert results["repeats"][0]["status"] == "unstable"


@pytest.mark.parametrize("strategy", ["sequential", "stacked"])
def test_an_items_blocks_are_the_repeats_of_the_whole(data_item, tmp_path, strategy):
    """However the repeats are cut into items, each is the same: to the bit alone, up to rounding in a stack."""
    repeat_of = {}
    for block in ([0, 1, 2, 3], [1]):
        out = tmp_path / str(len(block))
        out.mkdir()
        recipe = OPTIONS | {"epochs": 2, "seed": 0, "device": "cpu", "strategy": strategy}
        config = {"dataset": "digits", "family": "dnn", "knobs": {"depth": 1, "width": 4}}
        work(config | {"repeats": block, "train": recipe}, {"data": data_item}, out)
        repeats = json.loads((out / "results.json").read_text())["repeats"]
        repeat_of[len(block)] = next(r for r in repeats if r["repeat"] == 1)
    whole, alone = repeat_of[4], repeat_of[1]
    if strategy == "sequential":
        assert alone == whole
    for name in ("final", "validation_accuracy"):
        assert alone.pop(name) == pytest.approx(whole.pop(name), abs=1e-4)
    assert alone == whole


def test_an_item_says_how_it_was_trained(data_item, tmp_path):
    recipe = OPTIONS | {"epochs": 1, "seed": 0, "device": "cpu"}
    for family, knobs, strategy in (
        ("dnn", {"depth": 1, "width": 4}, "stacked"),
        ("cnn", {"depth": 2, "channels": 2}, "sequential"),
        ("vit", {"depth": 1, "width": 4, "heads": 2, "patch": 4}, "sequential"),
    ):
        config = {"dataset": "digits", "family": family, "knobs": knobs, "repeats": [0, 1]}
        out = tmp_path / family
        out.mkdir()
        work(config | {"train": recipe | {"strategy": strategy}}, {"data": data_item}, out)
        timing = json.loads((out / "timing.json").read_text())
        assert (timing["device"], timing["processor"]) == ("cpu", processor()) and len(timing["seconds"]) == 2
        assert timing["strategy"] == strategy
        if strategy == "stacked":
            assert timing["at_once"] in (1, 2) and set(timing["products"].values()) <= set(LIBRARIES)
        else:
            assert timing["layout"] in ("contiguous", "channels_last")
