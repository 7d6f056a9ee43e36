"""Stage representatives: which models go on to pruning and quantization, by the rule of minarch.analysis.choice."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from minarch.analysis.choice import choose_representatives
from minarch.analysis.records import FINAL_VALIDATION, MODEL, read_runs
from minarch.files import write_json
from minarch.flow.job import run_stage


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write representatives.json, one entry per data set, family and role; `items` are the model's sweep items.

    Raises UserError if a role finds no model.
    """
    sizes = pd.read_csv(inputs["convergence"] / "sizes.csv")
    minimal = pd.read_csv(inputs["convergence"] / "minimal.csv", dtype={"depth": str}).query("depth == 'all'")
    p_min = minimal.set_index(["dataset", "family"])["p_min"].to_dict()
    runs = read_runs(inputs["sweep"])
    sizes = sizes.merge(runs.groupby(MODEL)[FINAL_VALIDATION].mean().reset_index(), on=MODEL)
    entries = []
    for (dataset, family), rows in sizes.groupby(["dataset", "family"]):
        further = config.get("further", {}).get(family, [])
        rules = {"roles": config["roles"], "further": further, "trainings": config.get("trainings", 1)}
        for chosen in choose_representatives(rows, p_min[dataset, family], **rules):
            of_model = (runs[MODEL] == [dataset, family, chosen.architecture]).all(axis=1)
            blocks = sorted(runs.loc[of_model, "item"].unique())
            entries.append({"dataset": dataset, "family": family, **asdict(chosen), "items": blocks})
    write_json(out / "representatives.json", entries)


if __name__ == "__main__":
    run_stage("representatives", work)
