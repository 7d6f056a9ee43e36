"""Running a study by Snakemake, as a user would."""

import signal
import subprocess
import sys
from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from threading import Event, Thread

from minarch.errors import UserError

GRACE_S = 10.0  # in which Snakemake ends its jobs
EVERY_TIME = "Using workflow specific profile"  # what it says at every start, however quiet it is to be


def run(study: Path, *targets: str, within_s: float) -> bool:
    """Make the targets of a study (none: all); whether they are made, or the time was over before.

    What is finished stays in both cases.

    Raises:
        UserError: a job failed, of which Snakemake has said which and why, or somebody stopped it.
    """
    command = [sys.executable, "-m", "snakemake", *targets, "--quiet", "all", "--config", f"study={study}"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    stopped = Event()
    relay = Thread(target=_pass_on, args=[process.stderr, stopped], daemon=True)
    relay.start()
    try:
        status = process.wait(within_s if isfinite(within_s) else None)
        relay.join(GRACE_S)
    except subprocess.TimeoutExpired:
        stopped.set()
        _stop(process)
        return False
    except KeyboardInterrupt:
        stopped.set()  # from a terminal Snakemake is interrupted twice, of which it complains
        _stop(process)
        raise UserError(f"stopped; what is finished of {study} is kept, and the same command goes on") from None
    if status:
        raise UserError(f"the study {study} failed, as said above; what is finished is kept")
    return True


def _pass_on(lines: Iterable[str], stopped: Event) -> None:
    for line in lines:
        if not line.startswith(EVERY_TIME) and not stopped.is_set():
            sys.stderr.write(line)
            sys.stderr.flush()


def _stop(process: subprocess.Popen[str]) -> None:
    """Let Snakemake end its jobs, and do without it if that takes long."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
