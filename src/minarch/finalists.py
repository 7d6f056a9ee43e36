"""Stage finalists: which networks are exported besides the representatives, because they can be the study's answer."""

from pathlib import Path
from typing import Any

from minarch.analysis.finalists import FINALIST, are_finalists, candidates, read_repeats
from minarch.analysis.precision import VARIANT
from minarch.analysis.reliability import Reliability
from minarch.files import read_json, write_json
from minarch.flow.job import run_stage


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write finalists.json, an entry per model with its `items`; repeats.csv, a row per network that could be chosen;
    and candidates.csv, a row per model with whether it is a finalist.
    """
    records = [read_json(item / "record.json") for item in inputs["data"]]
    reliability = Reliability.of(config)
    classes = {record["dataset"]: record["classes"] for record in records}
    repeats = read_repeats(inputs["networks"], classes, reliability)
    models = reliability.with_proof(candidates(repeats, config["confidence"]), config["confidence"])
    models[FINALIST] = are_finalists(models, reliability, config["within_points"])
    named = [*VARIANT, "stage", "parameters", "validation_mean"]
    chosen = models[models[FINALIST]]
    entries = chosen[named].to_dict("records")
    items = ([str(name) for name in names] for names in chosen["items"])
    write_json(out / "finalists.json", [entry | {"items": names} for entry, names in zip(entries, items, strict=True)])
    repeats.to_csv(out / "repeats.csv", index=False)
    models.drop(columns="items").to_csv(out / "candidates.csv", index=False, float_format="%.10g")


if __name__ == "__main__":
    run_stage("finalists", work)
