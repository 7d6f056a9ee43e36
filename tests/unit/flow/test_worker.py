"""The fork server: what a job prints, returns and leaves is what a plain process would; nothing kills the server."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minarch.worker

WORKER = Path(minarch.worker.__file__).parent
MODULE = """
import os, sys, time
print("imported by", os.environ.get("IMPORTER", "?"))
counter = []

def main():
    what, *rest = sys.argv[1:]
    counter.append(1)
    if what == "say":
        print(os.path.basename(os.getcwd()), *rest, len(counter), __name__)
        print("to stderr", file=sys.stderr)
    elif what == "exit":
        sys.exit(int(rest[0]))
    elif what == "line":
        sys.exit("one line")
    elif what == "raise":
        raise RuntimeError("a bug")
    elif what == "die":
        os.kill(os.getpid(), 9)
    elif what == "parent":
        print(os.getppid())
    elif what == "loaded":
        print(*(name in sys.modules for name in rest))
    elif what == "wait":
        open(rest[0], "w").write(str(os.getpid()))
        time.sleep(60)

if __name__ == "__main__":
    main()
"""


class Server:
    """A running server, and clients of it."""

    def __init__(self, folder: Path) -> None:
        (folder / "jobs_of_test.py").write_text(MODULE)
        self.folder, self.socket = folder, folder / "s"
        self.environment = {"PYTHONPATH": f"{WORKER.parents[1]}:{folder}", "MINARCH_WORKER": str(self.socket)}
        command = [sys.executable, "-P", str(WORKER / "server.py"), str(self.socket)]
        self.process = subprocess.Popen(command, cwd=folder, env=self.environment, stdin=subprocess.PIPE)
        _wait_for(self.socket.exists)

    def start(self, *words: str, **environment: str) -> subprocess.Popen:
        command = [sys.executable, "-S", str(WORKER / "client.py"), "jobs_of_test", *words]
        environment = self.environment | environment
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        with self.start(*words, **environment) as client:
            out, err = client.communicate(timeout=30)
        return client.returncode, out, err

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=10)


def _wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("w"))
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture
def nobody(server):
    """The same module where no server listens."""
    return {"MINARCH_WORKER": str(server.folder / "nobody")}


@pytest.mark.parametrize("words", [("say", "a b", "é"), ("exit", "0"), ("exit", "3"), ("line",), ("raise",)])
def test_a_job_is_what_a_plain_process_is(server, nobody, words):
    code, out, err = server.run(*words)
    plain_code, plain_out, plain_err = server.run(*words, **nobody)
    assert code == plain_code
    assert out.splitlines()[-1:] == plain_out.splitlines()[-1:] or words[0] != "say"
    assert err.splitlines()[-1:] == plain_err.splitlines()[-1:]


def test_each_job_begins_afresh(server):
    for _ in range(2):
        assert server.run("say")[1].splitlines()[-1] == f"{server.folder.name} 1 __main__"


def test_jobs_come_from_one_nursery(server):
    assert server.run("parent")[1] == server.run("parent")[1]


def test_what_most_stages_import_is_there_when_a_job_begins(server, nobody):
    words = ("loaded", "torch", "pandas", "nncf")
    assert server.run(*words)[1].splitlines()[-1] == "True True False"
    assert server.run(*words, **nobody)[1].splitlines()[-1] == "False False False"


def test_a_killed_job_is_told_in_one_line(server):
    code, _, err = server.run("die")
    assert code == 1
    assert err == "jobs_of_test: the job was killed (out of memory?)\n"
    assert server.run("exit", "0")[0] == 0


def test_a_job_ends_with_the_client_that_asked(server):
    note = server.folder / "pid"
    with server.start("wait", str(note)) as client:
        _wait_for(lambda: note.exists() and note.read_text())
        job = int(note.read_text())
        assert _alive(job)
        client.kill()
    _wait_for(lambda: not _alive(job))


def test_jobs_run_beside_each_other(server):
    clients = [server.start("say", str(i)) for i in range(8)]
    for i, client in enumerate(clients):
        assert f" {i} " in client.communicate(timeout=30)[0]
        assert client.returncode == 0


@pytest.mark.parametrize("words", [b"", b"\0\0\0\x05ab", b"\0\0\0\0", b"\0\0\0\x03abc"])
def test_a_client_that_is_killed_before_it_asked_harms_nobody(server, words):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(server.socket))
        connection.sendall(words)
    assert server.run("exit", "0")[0] == 0


def test_a_killed_nursery_fails_one_job_at_most(server):
    nursery = int(server.run("parent")[1].splitlines()[-1])
    os.kill(nursery, signal.SIGKILL)
    _wait_for(lambda: not _alive(nursery))
    server.run("exit", "0")
    assert server.run("exit", "0")[0] == 0
    assert int(server.run("parent")[1].splitlines()[-1]) != nursery


def test_a_module_that_is_not_there_is_the_jobs_own_error(server):
    command = [sys.executable, "-S", str(WORKER / "client.py"), "no_such_module_here"]
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert "no_such_module_here" in done.stderr


def test_all_end_with_the_run(tmp_path):
    running = Server(tmp_path)
    nursery = int(running.run("parent")[1].splitlines()[-1])
    running.stop()
    assert running.process.returncode == 0
    _wait_for(lambda: not _alive(nursery))
