"""Seals: any change of any byte of an item is seen."""

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minarch.flow.keys import canonical
from minarch.flow.seal import RECORD, damage, files, listed, md5, read_sealed, write_sealed

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


@pytest.fixture
def item(tmp_path):
    """A sealed item of three files."""
    folder = tmp_path / "thing-0123456789ab"
    (folder / "inner").mkdir(parents=True)
    (folder / "results.json").write_text('{"accuracy": 0.5}\n')
    (folder / "inner/weights.bin").write_bytes(bytes(range(40)))
    (folder / "empty.csv").write_bytes(b"")
    named = {str(p.relative_to(folder)): md5(p) for p in files(folder)}
    write_sealed(
        folder / RECORD, {"item": folder.name, "stage": "sweep", "identity": {"é": [1.5, None]}, "files": named}
    )
    return folder


def test_a_whole_item_is_whole(item):
    assert damage(item, item.name) is None


@SHARED
@given(st.data())
def test_any_byte_of_any_file_counts(item, data):
    """Of its record too, whitespace included: DVC compares bytes."""
    path = item / data.draw(st.sampled_from([RECORD, "results.json", "inner/weights.bin"]))
    truth = path.read_bytes()
    position = data.draw(st.integers(0, len(truth) - 1))
    other = data.draw(st.integers(1, 255))
    path.write_bytes(truth[:position] + bytes([truth[position] ^ other]) + truth[position + 1 :])
    assert damage(item, item.name)
    path.write_bytes(truth[:position])
    assert damage(item, item.name)
    path.write_bytes(truth + b"\n")
    assert damage(item, item.name)
    path.write_bytes(truth)
    assert damage(item, item.name) is None


def test_every_byte_of_the_record_counts_exhaustively(item):
    truth = (item / RECORD).read_bytes()
    for position, byte in enumerate(truth):
        for other in b" \n\r0":
            if other != byte:
                (item / RECORD).write_bytes(truth[:position] + bytes([other]) + truth[position + 1 :])
                assert read_sealed(item / RECORD) is None


def test_files_more_or_fewer_are_named(item):
    (item / "extra.txt").write_text("")
    assert damage(item, item.name) == "extra.txt is not part of it"
    (item / "extra.txt").unlink()
    (item / "inner/weights.bin").unlink()
    assert damage(item, item.name) == "inner/weights.bin is missing"


def test_a_link_to_a_folder_is_not_part_of_an_item(item, tmp_path):
    """DVC would follow it, and push what lies there."""
    (item / "mine").symlink_to(tmp_path)
    assert damage(item, item.name) == "mine is not part of it"


@pytest.mark.parametrize("body", [{}, {"files": 3}, {"files": {"a": 3}}])
def test_a_record_of_another_shape_lists_nothing(tmp_path, body):
    write_sealed(tmp_path / RECORD, body)
    assert listed(tmp_path) == {}


def test_an_item_under_another_name_is_damaged(item):
    other = item.with_name("thing-ba9876543210")
    shutil.copytree(item, other)
    assert damage(other, other.name) == "item.json was changed or damaged"


BODIES = st.dictionaries(
    st.text(),
    st.recursive(st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), st.lists),
)


@SHARED
@given(BODIES.filter(lambda body: "seal" not in body))
def test_what_is_written_is_read(tmp_path, body):
    write_sealed(tmp_path / "index.json", body)
    assert read_sealed(tmp_path / "index.json") == body
    assert [p.name for p in tmp_path.iterdir()] == ["index.json"]


@SHARED
@given(st.binary() | BODIES.map(lambda body: canonical(body).encode()))
def test_what_was_not_sealed_is_none_and_never_an_error(tmp_path, text):
    (tmp_path / "x.json").write_bytes(text)
    assert read_sealed(tmp_path / "x.json") is None


@pytest.mark.parametrize(
    "text", ["", "[]", "1", "null", '"seal"', '{"seal": NaN}', '{"a": NaN, "seal": 1}', "[" * 100_000]
)
def test_odd_json_is_none(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    assert read_sealed(tmp_path / "x.json") is None


def test_a_missing_file_and_a_folder_are_none(tmp_path):
    assert read_sealed(tmp_path / "none.json") is None
    assert read_sealed(tmp_path) is None


def test_what_cannot_be_sealed_leaves_the_old_file(tmp_path):
    write_sealed(tmp_path / "x.json", {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_sealed(tmp_path / "x.json", {"a": float("nan")})
    assert read_sealed(tmp_path / "x.json") == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_the_seal_is_readable_json(item):
    assert json.loads((item / RECORD).read_text())["item"] == item.name
