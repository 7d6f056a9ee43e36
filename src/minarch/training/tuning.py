"""Which of several equivalent ways is fastest on this machine: measured once, kept in a file of the user's cache.

The answer stays the same from then on, so that the same item gives the same bytes on the same machine.
"""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch

ROUNDS = 3  # the least of these counts: noise only ever adds time

_answers: dict[str, str] = {}
_read = 0  # bytes of the file already in _answers


def fastest(question: str, ways: Mapping[str, Callable[[], float]]) -> str:
    """The name of the fastest way; each is called to measure itself and returns seconds."""
    _read_answers()
    if question not in _answers:
        seconds = {name: float("inf") for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                seconds[name] = min(seconds[name], way())
        answer = min(seconds, key=seconds.__getitem__)
        try:
            path = table()
            path.parent.mkdir(parents=True, exist_ok=True)
            line = json.dumps({"question": question, "answer": answer, "seconds": seconds}) + "\n"
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            os.write(descriptor, line.encode())  # one write: lines of several processes never mix
            os.close(descriptor)
            _read_answers()  # another process may have answered first: the file's first answer stands
        except OSError:  # no home to write to: each process asks for itself
            pass
        _answers.setdefault(question, answer)
    return _answers[question]


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds of one call, after one that does not count."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@cache
def table() -> Path:
    """The file of answers for this processor and these versions: one JSON object per line."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "minarch")
    try:
        described = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines()
        processor = [line for line in described if line.startswith(("vendor_id", "cpu family", "model", "flags"))]
    except OSError:
        processor = [platform.machine(), platform.processor()]
    text = "\n".join([*processor, torch.__version__, np.__version__])
    return folder / f"fastest-{hashlib.sha256(text.encode()).hexdigest()[:12]}.jsonl"


def _read_answers() -> None:
    global _read
    try:
        with table().open("rb") as file:
            file.seek(_read)
            new = file.read()
    except OSError:
        return
    whole = new[: new.rfind(b"\n") + 1]
    _read += len(whole)
    for line in whole.splitlines():
        try:
            entry = json.loads(line)
            _answers.setdefault(str(entry["question"]), str(entry["answer"]))
        except (ValueError, KeyError, TypeError):  # a damaged line is no answer
            continue
