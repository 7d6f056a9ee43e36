"""What the stages of a study took, from the timing.json of their items."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from minarch.files import read_json

COLUMNS = ["stage", "items", "seconds", "processors"]


def run_table(inputs: Mapping[str, Any]) -> pd.DataFrame:
    """One row per stage whose items are timed: how many, the seconds of one core that they took, and on what.

    Args:
        inputs: stage -> the folders of its items; of a stage that has one item, its folder.
    """
    rows = []
    for stage, given in inputs.items():
        items = [given] if isinstance(given, Path) else given
        timings = [read_json(item / "timing.json") for item in items if (item / "timing.json").is_file()]
        if timings:
            rows.append(
                {
                    "stage": stage,
                    "items": len(timings),
                    "seconds": sum(seconds_of(timing["seconds"]) for timing in timings),
                    "processors": "; ".join(sorted({name for timing in timings if (name := processor_of(timing))})),
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def seconds_of(measured: float | list[float]) -> float:
    """Of an item, or of its repeats in turn."""
    return sum(measured) if isinstance(measured, list) else measured


def processor_of(timing: Mapping[str, Any]) -> str | None:
    """The name of what computed an item, None where it says no more than "cpu"."""
    if timing.get("device") not in (None, "cpu"):
        return str(timing["device"])
    return timing.get("processor")
