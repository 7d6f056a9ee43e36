"""python server.py SOCKET: the fork server. It ends when its standard input closes, so with the run that started it.

Three generations: the server imports what most stages share (torch, pandas); for each module asked for it forks one
nursery, which imports that module and plans its study once; the nursery forks one child per job. Modules that need
contradicting settings (NNCF's tracing modes) thus never meet in one process. Results are the same bytes as from a plain
process.
"""

import contextlib
import gc
import importlib
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback

SHARED = ("minarch.flow.job", "minarch.worker.warm", "pandas", "scipy.stats")


def serve(path: str) -> None:
    """Accept jobs for ever, handing each connection to the nursery of its module."""
    running, held = os.pipe()  # `held` closes when this process ends, however it ends: its jobs see that
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1024)
    nurseries: dict[str, socket.socket] = {}
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the run's to handle; all here ends with it
    _share()  # who asks meanwhile waits in the queue
    while True:
        connection, _ = listener.accept()
        size, descriptors, _, _ = socket.recv_fds(connection, 4, 2)
        request = connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
        if words := request.decode().split("\0")[1:]:  # else the client was killed before it had asked
            module = words[0]
            if module not in nurseries:
                here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                if os.fork() == 0:
                    listener.close()
                    connection.close()
                    for other in (here, *nurseries.values()):
                        other.close()
                    for descriptor in descriptors:  # else whoever reads this job's output waits for the nursery
                        os.close(descriptor)
                    os.close(held)
                    _nursery(words, there, running)
                there.close()
                nurseries[module] = here
            try:
                socket.send_fds(nurseries[module], [request], [connection.fileno(), *descriptors])
            except OSError:  # the nursery was killed: this job fails, the next one gets a new nursery
                nurseries.pop(module).close()
        for descriptor in descriptors:
            os.close(descriptor)
        connection.close()


def _share() -> None:
    """Import what most stages import, and take torch's first steps."""
    with contextlib.suppress(BaseException):  # each job will meet the same error and show it in its log
        for name in SHARED:
            importlib.import_module(name)
        sys.modules["minarch.worker.warm"].warm_up()
    gc.freeze()


def _nursery(words: list[str], requests: socket.socket, running: int) -> None:
    """Import the module and do once what each of its jobs would do again, then fork one child per request."""
    with contextlib.suppress(BaseException):  # each job will meet the same error and show it in its log
        importlib.import_module(words[0])
        importlib.import_module("minarch.flow.job").prepare(words)
    sys.modules.pop(words[0], None)  # its job runs it as __main__
    gc.freeze()  # what a child never collects stays shared with it
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, 65536, 3)
        if not request:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            _job(request.decode().split("\0"), running, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _job(words: list[str], running: int, connection: int, out: int, err: int) -> None:
    os.setpgid(0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.chdir(words[0])
    client = socket.socket(fileno=connection)
    threading.Thread(target=_end_with, args=(client, running), daemon=True).start()
    sys.argv = words[1:]
    code = 0
    try:
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    client.sendall(bytes([code & 255]))
    os._exit(code & 255)


def _end_with(client: socket.socket, running: int) -> None:
    """End this job once its client or the whole run is gone (interrupted or killed): nobody wants the result."""
    select.select([client.fileno(), running], [], [])
    os.killpg(0, signal.SIGKILL)


def _end_with_run() -> None:
    """End the server, and with it its nurseries and their jobs, once the run that started it is over or killed."""
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_run, daemon=True).start()
    serve(sys.argv[1])
