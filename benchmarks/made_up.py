"""`python benchmarks/made_up.py` in a checkout: finishes its default study with made-up items, which have the files of
a trained one and about their sizes: what commands take with many items does not depend on what was trained.
"""

import json
from pathlib import Path
from typing import Any

from minarch.flow.close import close
from minarch.flow.job import make
from minarch.flow.plan import Plan
from minarch.flow.stages import STAGES

BYTES = {"results.json": 1_000, "curves.csv": 200, "weights.safetensors": 8_000, "test.json": 250, "timing.json": 1_500}


def write(stage: str, config: dict[str, Any], out: Path) -> None:
    """Write the files of an item: its configuration, and blanks. What decides something, decides for nothing."""
    text = json.dumps({"config": config})
    for name, size in BYTES.items():
        (out / name).write_text(f"{text:{size}}")
    if decision := STAGES[stage].decides:
        (out / decision.name).write_text("[]")
    if STAGES[stage].published:
        (out / "metrics.json").write_text("{}")


def finish(plan: Plan) -> None:
    """Make every item of a study and close every stage."""
    for stage in STAGES:
        (plan.root / stage).mkdir(parents=True, exist_ok=True)
        for item in plan.items(stage).values():
            make(plan, item, lambda config, inputs, out, stage=stage: write(stage, config, out))
        close(plan, stage)


if __name__ == "__main__":
    finish(Plan())
