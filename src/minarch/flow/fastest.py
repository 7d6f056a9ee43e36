"""What jobs decide by timing, and what they compile, kept in the workspace for the code as it is now: of decisions one
file per type of processor.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

from minarch.flow.digest import code, short
from minarch.training.answers import Answers

FOLDER, COMPILED = Path(".minarch/fastest"), Path(".minarch/compiled")


def folder() -> Path:
    """Where the files of the present training code lie: other code has other ways, or other seconds."""
    return FOLDER / short(json.dumps(code("minarch.training.strategy")).encode())


def share() -> None:
    """Let this process, if it trains, go by the workspace's decisions and compiled steps, and add to them."""
    if tuning := sys.modules.get("minarch.training.tuning"):
        tuning.keep(folder())
    share_compiled()


def share_compiled() -> None:
    """Let this process, if it trains, take the workspace's compiled steps and add to them."""
    if available := sys.modules.get("minarch.training.fused.available"):
        compiled = [code(f"minarch.training.fused.{module}") for module in ("steps", "perceptron", "transformer")]
        available.keep(COMPILED / short(json.dumps(compiled).encode()))


def told() -> list[str]:
    """A line per type of processor."""
    lines = []
    for path in sorted(folder().glob("*.jsonl")):
        answers, last = Answers(path), datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        answers.read()
        lines.append(
            f"fastest ways on {path.stem}: {len(answers.known)} decided, the last on {last:%Y-%m-%d %H:%M}; to measure"
            f" again: rm {path}"
        )
    return lines
