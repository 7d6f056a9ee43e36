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
        UserError: a job failed; Snakemake has said which and why.
    """
    if not Path("Snakefile").is_file():
        raise UserError("there is no Snakefile here; allowed: the folder of a checkout of minarch")
    command = [sys.executable, "-m", "snakemake", *targets, "--quiet", "all", "--config", f"study={study}"]
    process = subprocess.Popen(command)
    try:
        status = process.wait(within_s if isfinite(within_s) else None)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return False
    if status:
        raise UserError(f"the study {study} failed, as said above; what is finished is kept")
    return True
