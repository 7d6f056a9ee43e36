"""How far a run is: items done of all, and the time left, for the stage at work.

The time left counts what items cost, not how many they are: the long ones are first.
"""

import os
import sys
import threading
import time

from minarch.flow.plan import Plan
from minarch.flow.seal import RECORD
from minarch.flow.stages import STAGES


class Progress(threading.Thread):
    """Prints a line whenever a stage has moved on, at most every `interval` seconds; ends with its process."""

    def __init__(self, plan: Plan, interval: float = 5.0) -> None:
        super().__init__(daemon=True)
        self.plan, self.interval = plan, interval
        self._began: dict[str, tuple[float, float]] = {}
        self._shown: dict[str, int] = {}

    def run(self) -> None:
        while True:
            for stage in STAGES:
                if self.plan.ready(stage):
                    self._tell(stage)
            time.sleep(self.interval)

    def _tell(self, stage: str) -> None:
        items = self.plan.items(stage)
        costs = {name: item.resources.seconds for name, item in items.items()}
        folders = {name: self.plan.folder(item.path) for name, item in items.items()}
        done = [name for name, folder in folders.items() if os.path.exists(folder / RECORD)]
        now, spent = time.monotonic(), sum(costs[name] for name in done)
        since, at_start = self._began.setdefault(stage, (now, spent))
        at_work = sum(map(os.path.isdir, folders.values())) > len(done)
        # What was there before is no progress, and a stage has begun with its first item, not when that is done.
        if stage not in self._shown or (spent <= at_start and not at_work):
            self._began[stage], self._shown[stage] = (now, spent), len(done)
            return
        if len(items) == 1 or len(done) == self._shown[stage] or spent <= at_start:
            return
        self._shown[stage] = len(done)
        left = (now - since) / (spent - at_start) * (sum(costs.values()) - spent)
        print(f"{stage}: {len(done)} of {len(items)} items, {_duration(left)} left", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
