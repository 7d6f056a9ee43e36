"""Stage representatives: which models go on to pruning and quantization. The rule is minarch.analysis.choice; no test data."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from minarch.analysis.choice import choose
from minarch.analysis.records import read_runs
from minarch.flow.job import run_stage


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write representatives.json, one entry per data set, family and role; `items` are the model's sweep items.

    Raises UserError if a role finds no model.
    """
    sizes = pd.read_csv(inputs["convergence"] / "sizes.csv")
    minimal = pd.read_csv(inputs["convergence"] / "minimal.csv")
    minimal = minimal[minimal["depth"].astype(str) == "all"].set_index(["dataset", "family"])
    items = read_runs(inputs["sweep"]).groupby(["dataset", "family", "architecture"])["item"].unique()
    entries = []
    for (dataset, family), rows in sizes.groupby(["dataset", "family"]):
        for chosen in choose(rows, minimal.loc[(dataset, family), "p_min"], config["roles"]):
            blocks = sorted(items.loc[(dataset, family, chosen.architecture)])
            entries.append({"dataset": dataset, "family": family, **asdict(chosen), "items": blocks})
    (out / "representatives.json").write_text(json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    run_stage("representatives", work)
