"""What decides the items of later stages may have been pulled: any other shape is one line."""

import json
import os

import pytest

from minarch.errors import UserError
from minarch.flow.decision import LARGEST_BYTES
from minarch.flow.stages import STAGES

DECISIONS = [stage.decides for stage in STAGES.values() if stage.decides]
SIZES, REPRESENTATIVES, FINALISTS = DECISIONS


def test_a_decision_is_read(tmp_path):
    path = tmp_path / REPRESENTATIVES.name
    path.write_text(json.dumps([{"items": ["a", "b"], "role": "minimal", "parameters": 3}]))
    assert REPRESENTATIVES.read(tmp_path) == [{"items": ["a", "b"]}]
    path.rename(tmp_path / FINALISTS.name)
    assert FINALISTS.read(tmp_path) == [{"items": ["a", "b"]}]
    path = tmp_path / SIZES.name
    path.write_text(json.dumps([{"dataset": "digits", "family": "dnn", "knobs": {"depth": 1, "width": 3}}]))
    assert SIZES.read(tmp_path)[0]["knobs"] == {"depth": 1, "width": 3}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[" * 100_000,
        b'{"items": 3}',
        b'[{"model": 1}]',
        b'[{"items": [1, null]}]',
        b'[{"items": "text"}]',
        b'[{"dataset": "digits", "family": "dnn", "knobs": []}]',
        b"7",
        b"NaN",
        b"\xff\0",
    ],
)
@pytest.mark.parametrize("decision", DECISIONS)
def test_another_shape_is_one_line(tmp_path, content, decision):
    path = tmp_path / decision.name
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        decision.read(tmp_path)
    assert str(error.value).startswith(f"{path}: is no decision of its stage (") and "\n" not in str(error.value)


def test_a_decision_of_gigabytes_is_not_read(tmp_path):
    path = tmp_path / SIZES.name
    with path.open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    with pytest.raises(UserError, match="larger than"):
        SIZES.read(tmp_path)


def test_a_fifo_is_not_waited_for(tmp_path):
    path = tmp_path / SIZES.name
    os.mkfifo(path)
    with pytest.raises(UserError, match="not a file"):
        SIZES.read(tmp_path)


def test_a_decision_that_is_missing_is_one_line(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        SIZES.read(tmp_path)
