"""python server.py SOCKET: the fork server. It ends when its standard input closes, so with the run that started it.

Three generations: the server imports nothing heavy; for each module asked for it forks one nursery, which imports that
module once; the nursery forks one child per job. Modules that need contradicting settings (NNCF's tracing modes) thus never
meet in one process. Results are the same bytes as from a plain process.
"""

import importlib
import os
import runpy
import signal
import socket
import sys
import threading
import traceback


def serve(path: str) -> None:
    """Accept jobs for ever, handing each connection to the nursery of its module."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1024)
    nurseries: dict[str, socket.socket] = {}
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listener.accept()
        size, descriptors, _, _ = socket.recv_fds(connection, 4, 2)
        length = int.from_bytes(size, "big")
        request = b""
        while len(request) < length:
            request += connection.recv(length - len(request))
        module = request.split(b"\0")[1].decode()
        if module not in nurseries:
            here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            if os.fork() == 0:
                listener.close()
                connection.close()
                for other in (here, *nurseries.values()):
                    other.close()
                _nursery(module, there)
            there.close()
            nurseries[module] = here
        socket.send_fds(nurseries[module], [request], [connection.fileno(), *descriptors])
        for descriptor in descriptors:
            os.close(descriptor)
        connection.close()


def _nursery(module: str, requests: socket.socket) -> None:
    """Import the module, then fork one child per request."""
    try:
        importlib.import_module(module)
    except BaseException:  # the job's own import will show the same error, in the job's log
        traceback.print_exc()
    sys.modules.pop(module, None)  # its job runs it as __main__
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, 65536, 3)
        if not request:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            _job(request.decode().split("\0"), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _job(words: list[str], connection: int, out: int, err: int) -> None:
    os.setpgid(0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.chdir(words[0])
    client = socket.socket(fileno=connection)
    threading.Thread(target=_end_with, args=(client,), daemon=True).start()
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


def _end_with(client: socket.socket) -> None:
    """Whoever asked is gone (Snakemake was interrupted): nobody wants the result."""
    client.recv(1)
    os.killpg(0, signal.SIGKILL)


def _end_with_run() -> None:
    """The run that started the server is over or was killed: so are the server, its nurseries and their jobs."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_run, daemon=True).start()
    serve(sys.argv[1])
