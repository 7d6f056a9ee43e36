"""python client.py MODULE ARGUMENTS...: run a module in the fork server, or plainly where there is none (on a cluster).

Standard library only and few of its modules: this starts once per job.
"""

import os
import socket
import sys


def main() -> None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(os.environ["MINARCH_WORKER"])
    except (KeyError, OSError):
        os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])  # noqa: S606
    request = "\0".join([os.getcwd(), *sys.argv[1:]]).encode()
    socket.send_fds(connection, [len(request).to_bytes(4, "big") + request], [1, 2])
    try:
        code = connection.recv(1)
    except KeyboardInterrupt:
        code = b"\x82"  # 130, as a shell says of an interrupted command
    sys.exit(code[0] if code else f"{sys.argv[1]}: the job was killed (out of memory?)")


if __name__ == "__main__":
    main()
