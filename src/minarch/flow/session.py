"""One Snakemake run: what the Snakefile's hooks call."""

import atexit
import errno
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from minarch.errors import UserError
from minarch.flow import dvc, image, lock, memo, shadow, sources
from minarch.flow.commit import commit
from minarch.flow.digest import code
from minarch.flow.groups import Groups
from minarch.flow.noise import Noise
from minarch.flow.plan import DEFAULT, Plan
from minarch.flow.progress import Progress
from minarch.flow.reconcile import reconcile
from minarch.flow.seal import RECORD, read_sealed
from minarch.flow.stages import PUBLISHED, STAGES, reads, waits_for
from minarch.flow.storage import Storage
from minarch.flow.unfinished import not_listed, start_again, unfinished

SOURCE = Path(__file__).parents[2]


class Session:
    """The plan of a run, and what begins and ends with it."""

    def __init__(self, workflow: Any, config: dict[str, Any]) -> None:
        """Read the study and bring the workspace in line with it.

        Args:
            workflow: Snakemake's. In the jobs that a cluster executor starts, the run that submitted them did all this.
            config: Snakemake's configuration; only `study` is allowed in it, values stand in the params file.

        Exits with one line for a user's mistake.
        """
        if extra := sorted(set(config) - {"study"}):
            sys.exit(
                f"--config: {extra[0]} is not allowed here; allowed: study=FILE, values are changed in the params file"
            )
        # Jobs import the code of this checkout, also in the temporary workspaces of `dvc exp run`.
        # A family of the user's may lie in the project's folder or wherever PYTHONPATH says.
        places = [str(SOURCE), os.getcwd(), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(places))
        sys.path.extend(place for place in places if place not in sys.path)
        os.environ["PYTHONUTF8"] = "1"  # in jobs, whatever the locale
        os.environ["OMP_NUM_THREADS"] = "1"  # one thread per job, as many jobs as cores; two in each collapse
        try:
            if Path(".dvc").is_dir() and any(brace in os.getcwd() for brace in "{}"):
                raise UserError(f"{os.getcwd()}: braces in the path stop DVC; allowed: a checkout in a folder without")
            image.check(workflow)
            self.plan = Plan(str(config.get("study", DEFAULT)))
            self.study = Path(self.plan.study_file).read_bytes()
            self.under_dvc = "DVC_STAGE" in os.environ
            self.dry = workflow.output_settings.dryrun
            self.storage = Storage(workflow)
            if not workflow.is_main_process:
                self.storage.fetch_plan(self.plan)
            self.reconciled = workflow.is_main_process and self._look()
        except UserError as error:
            sys.exit(str(error))
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC):
                raise
            sys.exit(f"{error.filename}: cannot be written ({error.strerror}); allowed: a checkout that can be")
        self._in_line = [stage for stage in STAGES if self.plan.ready(stage)]
        logging.getLogger("snakemake.logging").addFilter(Noise(workflow))
        self.workflow = workflow
        self.groups = Groups(workflow, self.plan)
        self._server: subprocess.Popen[bytes] | None = None
        if self.dry:
            atexit.register(self._say_what_follows)  # at the end of what Snakemake prints, which calls no hook then
        self.began = time.time()

    def _look(self) -> bool:
        """Bring the workspace, or in a dry run its shadow, in line with the plan; whether no other run is using it."""
        if self.dry:
            if free := lock.holder() is None:
                for stage in STAGES:
                    if not waits_for(stage):
                        self.plan.items(stage)  # the study may name folders beside this one, which a shadow lacks
                shadow.enter()
                reconcile(self.plan, record=self._record, dry=True)
            return free
        if not lock.acquire("look"):
            return False
        lost = reconcile(self.plan, record=self._record)
        for declared in STAGES.values():
            code(declared.module)  # the rules ask for all; here it is kept for the processes that this run starts
        memo.keep()
        lock.release()
        order = list(STAGES)
        if self.under_dvc and lost and order.index(lost[0]) < order.index(os.environ["DVC_STAGE"]):
            raise UserError(
                f"{lost[0]}: items were not what they should be and have to be made again, but DVC took the stage for"
                " unchanged; run `dvc repro` again"
            )
        return True

    def go_on(self) -> None:
        """Bring the stages in line that a checkpoint has just decided: before it they could not be listed."""
        decided = [stage for stage in STAGES if stage not in self._in_line and self.plan.ready(stage)]
        if self.reconciled and decided:
            reconcile(self.plan, decided, record=self._record, dry=self.dry)
            self._in_line += decided

    @property
    def _record(self) -> bool:
        """Whether a run ends by telling DVC; under `dvc repro` DVC does that itself."""
        return self.tracked and not self.under_dvc

    @property
    def cores(self) -> int:
        """The cores that this run has; 1 where only a cluster knows."""
        return self.workflow.resource_settings.cores or 1

    @property
    def tracked(self) -> bool:
        """Whether DVC's stages describe this study: only the default one in a checkout, others are published with
        `dvc add`.
        """
        return self.plan.name == "default" and Path(".dvc").is_dir() and Path(".git").exists()

    def _say_what_follows(self) -> None:
        if line := not_listed(self.plan, self.workflow.dag_settings.targets):
            print(line, file=sys.stderr)

    def start(self) -> None:
        """Refuse a second run; start the fork server and the progress line."""
        try:
            free = self.reconciled and lock.acquire("run")
        except UserError as error:
            sys.exit(str(error))
        if not free:
            sys.exit(f"another run (process {lock.holder()}) is using this directory; wait for it or stop it")
        if self.workflow.local_exec:
            # The limit of jobs per second costs a look at every waiting job per second for every job that has run.
            self.workflow.scheduler.job_rate_limiter = None
        self.storage.send_answers()
        self._start_server()
        Progress(self.plan).start()

    def succeed(self) -> None:
        """Let DVC record what a plain `snakemake` finished, so that both tools say "up to date"; name the report."""
        self._refuse_edits()
        settings = self.workflow.dag_settings
        # Snakemake was seen to end well when a checkpoint was reached, without a look at what that listed.
        if not (settings.until or settings.omit_from) and (lacking := unfinished(self.plan, settings.targets)):
            forced = settings.forceall or settings.forcerun or settings.forcetargets
            start_again(lacking[0], possible=not forced and self.workflow.overwrite_workdir is None)
        if self._record:
            self._tell_dvc()
        for log in self._logs("close"):  # what was moved out of the way
            print(log.read_text(encoding="utf-8"), end="", file=sys.stderr)
        if read_sealed(self.plan.index(PUBLISHED)):
            print(f"report: {self.plan.reports / 'report.html'}", file=sys.stderr)

    def _tell_dvc(self) -> None:
        """`dvc commit` of the finished stages; dvc.lock stays as it was where that is not the whole truth."""
        finished: list[str] = []
        for stage in STAGES:  # DVC needs the lists of the stages before it, too
            if set(reads(stage)) <= set(finished) and self.plan.ready(stage) and read_sealed(self.plan.index(stage)):
                finished.append(stage)
        if not finished:
            return
        before = dvc.LOCK.read_bytes() if dvc.LOCK.exists() else None
        lock.let_dvc_in()
        # Stages named one by one make DVC read and write all of dvc.lock for each.
        targets = finished if len(finished) < len(STAGES) else ["dvc.yaml"]
        items = (self.plan.folder(item.path) for stage in finished for item in self.plan.items(stage).values())
        try:
            commit(targets, items)
        except UserError as error:
            sys.exit(f"the results are complete, but DVC does not know them: {error}")
        lost = dvc.not_cached(finished)  # with a full disk `dvc commit` exits with 0 as well
        if self._edited() or lost:
            dvc.LOCK.unlink() if before is None else dvc.LOCK.write_bytes(before)
        self._refuse_edits()
        if lost:
            sys.exit(
                f"the results are complete, but {len(lost)} file(s) did not get into DVC's cache, {lost[0]} for one"
                f" (is the disk of {dvc.cache_folder()} full?); run again when there is room"
            )

    def _refuse_edits(self) -> None:
        """DVC reads params.yaml and the code when it records: what was edited meanwhile must not be bound to older
        results.
        """
        if changed := self._edited():
            sys.exit(f"{changed[0]} was edited during the run: what is finished is kept; run again to take the edit in")

    def _edited(self) -> list[Path]:
        study = Path(self.plan.study_file)
        return [*([study] if study.read_bytes() != self.study else []), *sources.edited()]

    def fail(self) -> None:
        """Show what the failed jobs said: one line for a user's mistake, the traceback for a bug."""
        for log in self._logs("*"):
            finished = self.plan.root / log.parent.name / log.stem / RECORD
            if not finished.exists() and (text := log.read_text(encoding="utf-8").strip()):
                print(f"{text}\n(log: {log}; everything finished so far is kept)", file=sys.stderr)

    def _logs(self, name: str) -> list[Path]:
        """What jobs of this run have said."""
        logs = Path("logs", self.plan.name).glob(f"*/{name}.log")
        return sorted(log for log in logs if log.stat().st_mtime >= self.began)

    def serve(self) -> None:
        """On a node of a cluster: start the fork server for a group of items; a single one starts as fast without."""
        node = not self.workflow.is_main_process and self.workflow.local_exec
        if node and self._server is None and len(self.workflow.dag_settings.target_jobs) > 1:
            self._start_server()

    def _start_server(self) -> None:
        """A server whose standard input is ours: it ends with this process, however that ends."""
        if image.used(self.workflow):  # it would compute outside of it
            return
        long = len(tempfile.gettempdir()) > 80  # a socket's path has at most 107 characters
        folder = tempfile.TemporaryDirectory(prefix="minarch-", dir="/tmp" if long else None)  # noqa: S108
        atexit.register(folder.cleanup)
        socket = os.path.join(folder.name, "worker")
        server = SOURCE / "minarch/worker/server.py"
        self._server = subprocess.Popen([sys.executable, "-P", str(server), socket], stdin=subprocess.PIPE)
        for _ in range(500):
            if os.path.exists(socket):
                break
            time.sleep(0.01)
        os.environ["MINARCH_WORKER"] = socket
