"""The lock ends with its process, however that ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minarch.flow import lock

HOLD = "from minarch.flow import lock; import time; print(lock.acquire('run'), flush=True); time.sleep(60)"


@pytest.fixture(autouse=True)
def unheld(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(lock.__file__).parents[2]))
    monkeypatch.setattr(lock, "_held", [])
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


def test_it_can_be_released():
    assert lock.acquire("look")
    lock.release()
    assert lock.acquire("run")
    assert lock.LOCK.read_text() == f"run {os.getpid()}"


def test_nobody_holds_a_lock_that_never_was():
    assert lock.holder() is None
