"""A SLURM of one node on this machine, without accounting: the daemons are children and end with the test."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import gethostname, socket

import psutil
import pytest

from .test_interruptions import wait_for

# Jobs look for it there: the plugin takes SLURM_CONF out of their environment.
PLACE = Path("/etc/slurm/slurm.conf")
OURS = "minarch-slurm-"  # how the folder begins that the link there leads to
CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdTimeout=10
SchedulerParameters=sched_interval=2,batch_sched_delay=0
PropagateResourceLimits=NONE
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory={megabytes} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """The two daemons of a cluster of one node."""

    def __init__(self, folder: Path) -> None:
        """Start them; skips with the reason where they do not come up."""
        self._folder = folder
        self._controller = self._start("slurmctld")
        try:
            self.start_node()
        except AssertionError:
            self.stop()
            logs = [(folder / f"{name}.log").read_text()[-300:] for name in ("slurmctld", "slurmd")]
            pytest.skip(f"SLURM does not start here: {logs}")

    def _start(self, daemon: str) -> "subprocess.Popen[bytes]":
        with (self._folder / f"{daemon}.log").open("ab") as log:
            return subprocess.Popen([daemon, "-D"], stdout=log, stderr=log, start_new_session=True)

    @property
    def node(self) -> str:
        """The state of the node, as its controller knows it."""
        return _said("sinfo", "--noheader", "--format=%T").rstrip("*")

    def jobs(self, field: str) -> list[str]:
        """What SLURM says of its jobs, in the order in which they were submitted."""
        lines = _said("scontrol", "--oneliner", "show", "job").splitlines()
        jobs = [dict(word.partition("=")[::2] for word in line.split()) for line in lines]
        return [job[field] for job in sorted(jobs, key=lambda job: int(job.get("JobId", 0))) if field in job]

    def start_node(self) -> None:
        self._node = self._start("slurmd")
        wait_for(lambda: self.node == "idle", 60)

    def lose_node(self) -> None:
        """What a power cut does: all that runs on the node ends at once, and nobody is told."""
        self._node.kill()
        self._node.wait()
        for step in psutil.process_iter(["name"]):
            with suppress(psutil.Error):
                if step.info["name"] == "slurmstepd" and self._is_ours(step):
                    for process in [step, *step.children(recursive=True)]:
                        with suppress(psutil.Error):
                            process.kill()

    def _is_ours(self, step: psutil.Process) -> bool:
        """Whether the socket that a step listens at is in our folder; it is no child of the node's daemon."""
        return any(str(end.laddr).startswith(f"{self._folder}/") for end in step.net_connections("unix"))

    def stop(self) -> None:
        self.lose_node()
        self._controller.kill()
        self._controller.wait()


@contextmanager
def one_node() -> Iterator[Slurm]:
    """One SLURM at a time lives on this machine; skips with the reason where none can be."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("SLURM is started by root on Linux only")
    with Path(tempfile.gettempdir(), "minarch-slurm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install()
        if PLACE.is_symlink() and PLACE.readlink().parent.name.startswith(OURS):
            PLACE.unlink()  # of a test that was killed
        if os.path.lexists(PLACE):
            pytest.skip(f"this machine has a cluster of its own: {PLACE}")
        folder = Path(tempfile.mkdtemp(prefix=OURS))
        try:
            _configure(folder)
            slurm = Slurm(folder)
            try:
                yield slurm
            finally:
                slurm.stop()
        finally:
            PLACE.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)


def _install() -> None:
    if shutil.which("slurmctld") and shutil.which("slurmd"):
        return
    if not shutil.which("apt-get"):
        pytest.skip("SLURM is not installed, and there is no apt-get to install it")
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "slurm-wlm"]):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(["apt-get", *words], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"apt-get cannot install SLURM here: {done.stderr.strip()[-300:]}")


def _configure(folder: Path) -> None:
    """Write the configuration, with ports that are free, and put it where all look for it."""
    with socket() as first, socket() as second:
        for probe in (first, second):
            probe.bind(("127.0.0.1", 0))
        ports = [probe.getsockname()[1] for probe in (first, second)]
    megabytes = psutil.virtual_memory().total // 2**20 - 1000
    text = CONFIG.format(host=gethostname().split(".")[0], ports=ports, folder=folder, megabytes=megabytes)
    (folder / "slurm.conf").write_text(text)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    PLACE.parent.mkdir(exist_ok=True)
    PLACE.symlink_to(folder / "slurm.conf")


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
