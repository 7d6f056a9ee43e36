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
    folders = {
        item: item.parent.name  # sizes that were refined are read as those of the sweep
        for given in inputs.values()
        for item in ([given] if isinstance(given, Path) else given)
        if (item / "timing.json").is_file()
    }
    rows = []
    for stage in dict.fromkeys(folders.values()):
        timings = [read_json(item / "timing.json") for item, its_stage in folders.items() if its_stage == stage]
        processors = {name for timing in timings if (name := processor_of(timing))}
        seconds = sum(seconds_of(timing["seconds"]) for timing in timings)
        rows.append((stage, len(timings), seconds, "; ".join(sorted(processors))))
    return pd.DataFrame(rows, columns=COLUMNS)


def seconds_of(measured: float | list[float]) -> float:
    """Of an item, or of its repeats in turn."""
    return sum(measured) if isinstance(measured, list) else measured


def processor_of(timing: Mapping[str, Any]) -> str | None:
    """The name of what computed an item, None where it says no more than "cpu"."""
    if timing.get("device") not in (None, "cpu"):
        return str(timing["device"])
    return timing.get("processor")
