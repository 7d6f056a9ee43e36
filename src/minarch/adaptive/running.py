"""Running a study by Snakemake, as a user would."""

import signal
import subprocess
import sys
from math import isfinite
from pathlib import Path

from minarch.errors import UserError

GRACE_S = 10.0  # in which Snakemake ends its jobs


def run(study: Path, *targets: str, within_s: float) -> bool:
    """Make the targets of a study (none: all); whether they are made, or the time was over before.

    What is finished stays in both cases.

    Raises:
        UserError: a job failed, of which Snakemake has said which and why, or somebody stopped it.
    """
    command = [sys.executable, "-m", "snakemake", *targets, "--quiet", "all", "--config", f"study={study}"]
    process = subprocess.Popen(command)
    try:
        status = process.wait(within_s if isfinite(within_s) else None)
    except subprocess.TimeoutExpired:
        _stop(process)
        return False
    except KeyboardInterrupt:
        _stop(process)
        raise UserError(f"stopped; what is finished of {study} is kept, and the same command goes on") from None
    if status:
        raise UserError(f"the study {study} failed, as said above; what is finished is kept")
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let Snakemake end its jobs, and do without it if that takes long."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
