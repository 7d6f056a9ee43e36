"""The lock ends with its process, however that ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minarch.errors import UserError
from minarch.flow import dvc, lock

HOLD = "from minarch.flow import lock; import time; print(lock.acquire('run'), flush=True); time.sleep(60)"
ADD = """
from minarch.flow import lock
import time
with lock.of_cache():
    print(1, flush=True)
    time.sleep(1)
    open("ended", "w")
"""


@pytest.fixture(autouse=True)
def unheld(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(lock.__file__).parents[2]))
    monkeypatch.setattr(lock, "_held", [])
    dvc.cache_folder.cache_clear()
    yield
    for file in lock._held:
        file.close()


@pytest.fixture
def other():
    """Another process that holds the lock."""
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_one_at_a_time(other):
    assert not lock.acquire("run")
    assert not lock.acquire("look")
    assert lock.holder() == other.pid
    other.kill()
    other.wait()
    assert lock.holder() is None
    assert lock.acquire("run")


def test_who_only_looks_is_waited_for():
    looking = f"{HOLD.replace('run', 'look').replace('60', '1')}"
    with subprocess.Popen([sys.executable, "-c", looking], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "True\n"
        assert lock.holder() is None
        assert lock.acquire("run")
        assert process.wait() == 0


def test_runs_add_to_the_cache_one_after_the_other(tmp_path, capfd):
    """Also where the cache is not there yet, and its first user allows others less."""
    before = os.umask(0o077)
    with subprocess.Popen([sys.executable, "-c", ADD], stdout=subprocess.PIPE) as process:
        os.umask(before)
        assert process.stdout.readline() == b"1\n"
        with lock.of_cache():
            assert Path("ended").exists()
    assert "waiting for another run" in capfd.readouterr().err
    assert (tmp_path / ".dvc/cache/minarch.lock").stat().st_mode & 0o777 == 0o666


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/cache").write_text("a file in its place")
    with pytest.raises(UserError, match="cannot be locked"), lock.of_cache():
        pass


def test_it_can_be_released():
    assert lock.acquire("look")
    lock.release()
    assert lock.acquire("run")
    assert lock.LOCK.read_text() == f"run {os.getpid()}"


def test_nobody_holds_a_lock_that_never_was():
    assert lock.holder() is None
