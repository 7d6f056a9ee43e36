"""What parsing told is remembered of a module's present text only, and is what parsing tells."""

from pathlib import Path

import pytest

from minarch.flow import digest, memo
from minarch.flow.seal import write_sealed

SOURCE = '"""A module."""\nimport late\n\nx = 1\n'


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user's in a workspace."""
    monkeypatch.chdir(tmp_path)
    Path(".minarch").mkdir()
    Path("asked.py").write_text(SOURCE)
    Path("late.py").write_text("y = 2\n")
    yield Path("asked.py")
    _begin_anew()


def _begin_anew():
    """What a new process knows: nothing but what lies in the workspace."""
    digest._read.cache_clear()
    memo._parsed.clear()
    memo._remembered.cache_clear()


def _code():
    return digest.code.__wrapped__("asked", Path.cwd())


def test_the_next_process_is_told_the_same(module):
    _begin_anew()
    parsed = _code()
    memo.keep()
    _begin_anew()
    assert _code() == parsed and set(parsed) == {"asked", "late"}
    assert not memo._parsed  # nothing was parsed again


@pytest.mark.parametrize("text", ["import late\nx = 3\n", "import late as early\nx = 1\n", "x = 1\n"])
def test_an_edited_module_is_parsed_again(module, text):
    _begin_anew()
    before = _code()
    memo.keep()
    _begin_anew()
    module.write_text(text)
    assert _code() != before
    assert set(memo._parsed) == {"asked"}


def test_what_another_parser_told_is_parsed_again(module, monkeypatch):
    """Else a pull that changes what enters a digest would leave old workspaces with other keys than fresh clones."""
    _begin_anew()
    _code()
    memo.keep()
    _begin_anew()
    read = digest.sources.read
    changed = Path(digest.__file__)
    monkeypatch.setattr(digest.sources, "read", lambda path: read(path) + b"\n" * (path == changed))
    _code()
    assert set(memo._parsed) == {"asked", "late"}


def test_what_is_noted_later_is_kept_with_what_was_before(module):
    _begin_anew()
    _code()
    memo.keep()
    _begin_anew()
    module.write_text(SOURCE + "z = 3\n")
    after = _code()
    memo.keep()
    _begin_anew()
    assert _code() == after and not memo._parsed


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"modules": {"asked": ["", ["0", []]]}}'])
def test_a_damaged_memory_is_no_memory(module, damage):
    _begin_anew()
    parsed = _code()
    memo.MEMO.write_bytes(damage)
    _begin_anew()
    assert _code() == parsed


def test_a_process_that_parsed_nothing_writes_nothing(module):
    write_sealed(memo.MEMO, {"modules": {}})
    before = memo.MEMO.stat().st_mtime_ns
    _begin_anew()
    memo.keep()
    assert memo.MEMO.stat().st_mtime_ns == before
