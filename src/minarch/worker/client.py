"""python -S client.py MODULE ARGUMENTS...: run a module in the fork server, or plainly where there is none (on a
cluster).

This starts once per job, so it imports nothing that an interpreter has not loaded: `socket` alone would take as long as
the interpreter itself, so its C half does.
"""

import _socket
import os
import sys


def main() -> None:
    connection = _socket.socket(_socket.AF_UNIX)
    try:
        connection.connect(os.environ["MINARCH_WORKER"])
    except (KeyError, OSError):
        os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])  # noqa: S606
    request = "\0".join([os.getcwd(), *sys.argv[1:]]).encode()
    output = b"".join(descriptor.to_bytes(4, sys.byteorder) for descriptor in (1, 2))
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, output)]
    connection.sendmsg([len(request).to_bytes(4, "big") + request], rights)
    try:
        code = connection.recv(1)
    except KeyboardInterrupt:
        code = b"\x82"  # 130, as a shell says of an interrupted command
    sys.exit(code[0] if code else f"{sys.argv[1]}: the job was killed (out of memory?)")


if __name__ == "__main__":
    main()
