"""How far a run is: items done of all, and the time left, for the stage at work."""

import os
import sys
import threading
import time

from minarch.flow.plan import STAGES, Plan
from minarch.flow.seal import RECORD


class Progress(threading.Thread):
    """Prints a line whenever a stage has moved on, at most every `interval` seconds; ends with its process."""

    def __init__(self, plan: Plan, interval: float = 5.0) -> None:
        super().__init__(daemon=True)
        self.plan, self.interval = plan, interval
        self._began: dict[str, tuple[float, int]] = {}
        self._shown: dict[str, int] = {}

    def run(self) -> None:
        while True:
            for stage in STAGES:
                if self.plan.ready(stage):
                    self._tell(stage)
            time.sleep(self.interval)

    def _tell(self, stage: str) -> None:
        items = self.plan.items(stage)
        done = sum(os.path.exists(self.plan.folder(i.path) / RECORD) for i in items.values())
        now = time.monotonic()
        since, at_start = self._began.setdefault(stage, (now, done))
        if stage not in self._shown or done <= at_start:
            self._began[stage], self._shown[stage] = (now, done), done  # what was there before the run is no progress
            return
        if len(items) == 1 or done == self._shown[stage]:
            return
        self._shown[stage] = done
        left = (now - since) / (done - at_start) * (len(items) - done)
        print(f"{stage}: {done} of {len(items)} items, {_duration(left)} left", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
