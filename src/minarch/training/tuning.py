"""The fastest of several equivalent ways on this type of processor: measured once, and kept in the workspace.

A way is any value that can be a key; the workspace keeps its text. The ways differ by rounding. So that the same item
gives the same bytes, all jobs in a workspace whose processors are of one type go by the first answer; so that other
workspaces mostly come to the same one, the ways have an order, and a later one is taken only where it is clearly
faster.
"""

import hashlib
import platform
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from minarch.training.answers import Answers

MARGIN = 0.2  # share of time that an earlier way may take more than the fastest one
ROUNDS = 3, 9  # at least and at most; the least of them counts: noise only ever adds time
HOPELESS = 2.0  # times as long as the fastest: not measured again
LONG_S = 3.0  # seconds after which the fewest rounds will do
ENOUGH_S = 1e-3  # seconds that one measurement of a short call takes
OF_TYPE = ("vendor_id", "cpu family", "model", "cache size", "CPU implementer", "CPU part")  # in /proc/cpuinfo

Way = TypeVar("Way")

_answers = Answers()


def keep(folder: Path) -> None:
    """Take answers from a file in this folder from now on and leave them there; until then this process
    measures for itself. The file is named after the type of the processor; to forget its answers, remove it.
    """
    global _answers
    path = folder / f"{processor()}.jsonl"
    if _answers.path != path:
        _answers = Answers(path)
    _answers.read()


def fastest(question: str, timers: Mapping[Way, Callable[[], float]]) -> Way:
    """The first way that takes at most MARGIN longer than the fastest.

    Args:
        timers: way -> what measures it and returns seconds, in order of preference. Their texts must differ.
    """
    ways = {str(way): way for way in timers}
    if len(ways) == 1:
        return next(iter(timers))
    question += f": {', '.join(ways)}"
    answer = _answers.find(question, ways)
    if answer is None:
        _answers.read()  # what other processes have answered meanwhile
        answer = _answers.find(question, ways)
    if answer is None:
        seconds = _measured({str(way): timer for way, timer in timers.items()})
        longest = (1 + MARGIN) * min(seconds.values())
        answer = _answers.add(question, next(text for text in ways if seconds[text] <= longest), seconds)
    return ways[answer]


def _measured(timers: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """Seconds of each way, by its text."""
    seconds, started = dict.fromkeys(timers, float("inf")), time.perf_counter()
    for number in range(1, ROUNDS[1] + 1):
        for text, timer in timers.items():  # in turn, so that a slow moment of the machine meets all
            seconds[text] = min(seconds[text], timer())
        if number >= ROUNDS[0]:
            timers = {t: timer for t, timer in timers.items() if seconds[t] <= HOPELESS * min(seconds.values())}
            if len(timers) == 1 or time.perf_counter() - started > LONG_S:
                break
    return seconds


def seconds_of(call: Callable[[], object]) -> float:
    """Seconds of one call, from as many as take a millisecond."""
    started = time.perf_counter()
    call()
    count = min(100, max(1, round(ENOUGH_S / (time.perf_counter() - started))))
    started = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - started) / count


@cache
def processor() -> str:
    """The type of this machine's processor: its name, and a digest of that, of its model, cache and instructions, of
    the versions of the libraries and of their number of threads.
    """
    try:
        described = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0]  # of the first core
    except OSError:
        described = ""
    fields = dict(re.findall(r"^(\w[\w ]*?)\s*: *(.*)$", described, re.MULTILINE))
    name = fields.get("model name") or platform.processor() or platform.machine()
    of_type = [fields.get(field) for field in OF_TYPE]
    # Not all flags: which of the others a kernel names depends on its version.
    flags = re.findall(r"\b(?:sse|avx|amx|fma|f16c|asimd|sve|sme|bf16|i8mm)\w*", described)
    software = [torch.__version__, np.__version__, torch.get_num_threads()]
    with suppress(PackageNotFoundError):
        software.append(version("numba"))
    digest = hashlib.sha256(repr([name, of_type, sorted(flags), platform.machine(), software]).encode()).hexdigest()
    return f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}-{digest[:12]}"
