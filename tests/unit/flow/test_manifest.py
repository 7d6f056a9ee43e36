"""A directory object is used only if it has the hash that names it and every path stays inside its directory."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minarch.errors import UserError
from minarch.flow import manifest

MD5 = "0123456789abcdef" * 2


def _named(text: bytes) -> str:
    return f"{hashlib.md5(text).hexdigest()}.dir"


def _listing(*relpaths: object, md5: object = MD5) -> bytes:
    return json.dumps([{"relpath": relpath, "md5": md5} for relpath in relpaths]).encode()


def test_an_honest_manifest_is_read():
    paths = ["item-1/item.json", "item-1/inner/weights.bin", "index-1.json", "cats/Screenshot 10.00\u202fAM.png"]
    text = _listing(*paths)
    assert manifest.parse(text, _named(text)) == dict.fromkeys(paths, MD5)
    assert manifest.outside(text) == []


@given(st.integers(0, 200), st.integers(1, 255))
def test_any_byte_counts(position, other):
    text = _listing("item-1/item.json", "item-1/inner/weights.bin", "index-1.json")
    forged = text[:position] + bytes([text[position] ^ other]) + text[position + 1 :]
    with pytest.raises(UserError, match="forged or damaged"):
        manifest.parse(forged, _named(text))


CLIMBING = [
    "../x",
    "a/../../x",
    "a/..",
    "..",
    ".",
    "./x",
    "/x",
    "a//x",
    "",
    "a/",
    "a\\..\\x",
    "a\nb",
    "a\0b",
    "\x1b[2J",
]


@pytest.mark.parametrize("relpath", CLIMBING)
def test_a_path_that_leaves_the_directory_or_hides_is_refused(relpath):
    text = _listing("item-1/item.json", relpath)
    with pytest.raises(UserError, match="not a path inside its directory"):
        manifest.parse(text, _named(text))
    assert manifest.outside(text) == [relpath]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"7",
        b'"text"',
        b"{}x",
        b"\xff",
        b"[1]",
        b"[" * 100_000,
        b'[{"relpath": "x"}]',
        _listing(3),
        _listing("x", md5=None),
        _listing("x", "x"),
        _listing("x", "x/y"),
        _listing("x", md5="../../../etc/passwd"),
        _listing("x", md5=f"{MD5}.dir"),
        _listing("x", md5=MD5.upper()),
    ],
)
def test_what_is_no_list_of_files_is_refused_and_shows_no_paths(text):
    with pytest.raises(UserError):
        manifest.parse(text, _named(text))
    assert manifest.outside(text) == []
