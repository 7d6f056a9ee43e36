"""Every mistake in a params file is one line: the file, the field, the value, what is allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minarch.errors import UserError
from minarch.flow.config import load
from minarch.flow.sections import Training

BAD = {
    "unknown section": ({"traning": {}}, "traning: unknown key; allowed: data, sweep, train,"),
    "unknown key": ({"train__epoch": 3}, "train.epoch: unknown key; allowed: epochs, batch_size,"),
    "unknown inner key": ({"prune__finetune__epoch": 3}, "prune.finetune.epoch: unknown key; allowed: epochs,"),
    "wrong type": ({"train__epochs": "thirty"}, "train.epochs: 'thirty' is not allowed; allowed: a valid integer"),
    "a list for a number": ({"train__epochs": [1]}, "train.epochs: [1] is not allowed; allowed: a valid integer"),
    "out of range": ({"train__epochs": 0}, "train.epochs: 0 is not allowed; allowed: greater than or equal to 1"),
    "a share of one": ({"data__validation": 1}, "data.validation: 1 is not allowed; allowed: less than 1"),
    "not finite": (
        {"convergence__spread_factor": float("inf")},
        "spread_factor: inf is not allowed; allowed: a finite",
    ),
    "not a number": ({"train__learning_rate": float("nan")}, "train.learning_rate: nan is not allowed"),
    "unknown choice": (
        {"train__optimizer": "lion"},
        "train.optimizer: 'lion' is not allowed; allowed: 'adam' or 'sgd'",
    ),
    "null section": ({"train": None}, "train: None is not allowed"),
    "empty list": ({"prune__levels": []}, "prune.levels: [] is not allowed; allowed: "),
    "bad entry": ({"prune__levels": [0.5, 1.0]}, "prune.levels.1: 1.0 is not allowed; allowed: less than 1"),
    "unknown data set": (
        {"data__datasets": ["imagenet"]},
        "data.datasets: 'imagenet' is no data set; allowed: digits,",
    ),
    "data set twice": (
        {"data__datasets": ["digits", "digits"]},
        "data.datasets: 'digits' is the name of two data sets",
    ),
    "empty folder": ({"data__datasets": ["folder:"]}, "data.datasets: 'folder:' is no data set"),
    "no family": ({"sweep__families": {}}, "sweep.families: {} is not allowed; allowed: "),
    "unknown family": ({"sweep__families": {"rnn": {"width": 1}}}, "sweep.families: family: 'rnn' is not known"),
    "unknown knob": (
        {"sweep__families": {"dnn": {"depth": 1, "wide": 1}}},
        "sweep.families: dnn.wide: 1 is not allowed",
    ),
    "bad knob": (
        {"sweep__families": {"dnn": {"depth": 1, "width": [4, 0]}}},
        "sweep.families: dnn.width: 0 is not allowed",
    ),
    "bad pattern": (
        {"sweep__families": {"shaped-dnn": {"depth": 2, "width": 4, "steps": "wider"}}},
        "sweep.families: shaped-dnn.steps: 'wider' is not allowed for depth 2, it must be all or 1 of grow,",
    ),
    "too many patterns": (
        {"sweep__families": {"shaped-dnn": {"depth": 30, "width": 4, "steps": "all"}}},
        "sweep.families: shaped-dnn.steps: 'all' is not allowed for depth 30, it must be",
    ),
    "heads": (
        {"sweep__families": {"vit": {"depth": 1, "width": [4, 6], "heads": 4, "patch": 4}}},
        "sweep.families: vit.width: 6 is not allowed, it must be a multiple of heads (4)",
    ),
    "unknown resnet": (
        {"sweep__families": {"resnet": {"depth": 50}}},
        "sweep.families: resnet.depth: 50 is not allowed, it must be 18 or 34",
    ),
    "empty grid": (
        {"sweep__families": {"dnn": {"depth": 1, "width": []}}},
        "lists no architecture; allowed: at least one",
    ),
    "patch": (
        {"sweep__families": {"vit": {"depth": 1, "width": 4, "heads": 2, "patch": 3}}},
        "vit.patch: 3 is not allowed, it must divide the image's 8x8 pixels",
    ),
}


@pytest.mark.parametrize(("changes", "expected"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_line(workspace, changes, expected):
    with pytest.raises(UserError) as error:
        load(workspace.write(**changes))
    lines = str(error.value).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("params.yaml: ")
    assert expected in lines[0]


def test_each_of_several_mistakes_has_its_line(workspace):
    with pytest.raises(UserError) as error:
        load(workspace.write(train__epochs=0, data__seed=-1))
    assert len(str(error.value).splitlines()) == 2


BOMB = [f"- &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
FILES = {
    "nothing": ("", "None is not allowed; allowed: the sections data, sweep"),
    "a list": ("- 1\n", "[1] is not allowed; allowed: the sections"),
    "not YAML": ("train: {epochs: 3\n", "not YAML: "),
    "not text": (b"\xff\xfe\x00", "not YAML: "),
    "a key twice": ("train: {epochs: 1}\ntrain: {epochs: 2}\n", "train: the key stands twice, line 1; allowed: once"),
    "a missing section": ("train: {epochs: 1}\n", "sweep: missing; it has no default"),
    "a key that is a list": ("? [1, 2]\n: 3\n", "not YAML: "),
    "too deep": ("[" * 100_000, "not YAML: "),
    "no date": ("train: 2001-13-45\n", "not YAML: "),
    "no number": ("1" * 5000, "not YAML: "),
    "gigabytes by aliases": ("\n".join(["- &a0 [x]", *BOMB]), "is not allowed; allowed: the sections"),
}


@pytest.mark.parametrize(("text", "expected"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_study_is_told_so(tmp_path, text, expected):
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as error:
        load(path)
    lines = str(error.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    assert any(expected in line for line in lines)


def test_a_study_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no such study; allowed: a params file"):
        load(tmp_path / "none.yaml")


def test_sections_do_not_change(workspace):
    study = load(workspace.write())
    with pytest.raises(ValueError, match="frozen"):
        study.train.epochs = 5


@given(st.floats(0, 10, exclude_min=True), st.integers(1, 1000))
def test_an_identity_is_what_was_asked_for(learning_rate, epochs):
    """Numbers written in another way are the same number."""
    asked = Training(epochs=epochs, learning_rate=learning_rate)
    assert Training(epochs=epochs, learning_rate=repr(learning_rate)).identity() == asked.identity()
    assert asked.identity()["learning_rate"] == learning_rate


def test_an_identity_leaves_out_what_only_lists_or_locates(workspace):
    study = load(workspace.write(data__root="/anywhere"))
    assert not {"datasets", "root"} & set(study.data.identity())
    assert "pruned" not in study.quantize.identity()
    assert "limit" not in study.data.identity()  # off: a new option keeps old keys
