"""Stage similarity: how far apart the weights of good and poor networks lie, and what goes with accuracy.

Our inference (docs/methods.md 2.3): good and poor seeds are compared within architectures, where only training makes
them differ; where that cannot be done, good and poor networks of a family once size is regressed out. The same networks
before training stand beside both. Networks that are not finite are left out before. Nothing depends on the order of
rows nor on names: networks are put in order by what they are before any are drawn. Test data is never opened.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from scipy import stats

from minarch.analysis.intervals import grid_interval
from minarch.analysis.records import FINAL_VALIDATION, MODEL, read_runs
from minarch.files import read_json
from minarch.flow.job import run_stage
from minarch.statistics import COMPARED, QUANTILES
from minarch.statistics.comparisons import Values, compare
from minarch.statistics.labels import FAMILY, label_within_architectures, label_within_families
from minarch.statistics.verdicts import BY_SIZE, TRAINED, UNTRAINED, WITHIN, blocks_table, verdicts_table

STATISTICS = ["std", "skewness", "kurtosis", "near_zero", "fluctuation"]
PART = 1_000_000  # values ranked at a time, or a large study would need gigabytes
IDENTITY = [*MODEL, "repeat"]
FILES = {TRAINED: "quantiles.safetensors", UNTRAINED: "untrained.safetensors"}


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write architectures.csv and networks.csv (those compared), blocks.csv (distances between them), verdicts.csv, and
    correlations.csv (of all repeats).
    """
    described, values = read_weights(inputs["weights"])
    runs = read_runs(inputs["sweep"]).rename(columns={FINAL_VALIDATION: "validation"})
    networks = described.merge(runs[[*IDENTITY, "validation"]], on=IDENTITY)
    finite = networks["validation"].notna() & np.isfinite(values[TRAINED]["weights"][networks["row"]]).all(axis=1)
    networks = networks[finite].sort_values(["parameters", "validation", "mean", *STATISTICS], ignore_index=True)
    within, architectures = label_within_architectures(networks, config)
    labelled = {WITHIN: within, BY_SIZE: label_within_families(networks, config)}
    compared = list(compare(networks, labelled, values, config))
    rows = pd.concat([rows.assign(comparison=name) for name, rows in labelled.items()])
    columns = ["statistic", "spearman", "low", "high", "n"]
    tables = {
        "architectures": architectures.sort_values(MODEL),
        "networks": rows[["comparison", *IDENTITY, "parameters", "validation", "group"]].sort_values(
            ["comparison", *IDENTITY]
        ),
        "blocks": blocks_table(compared, config["confidence"]),
        "verdicts": verdicts_table(compared, config["confidence"]),
        "correlations": pd.DataFrame(correlation_rows(networks, config), columns=[*FAMILY, *columns]),
    }
    for name, table in tables.items():
        table.to_csv(out / f"{name}.csv", index=False, float_format="%.10g")


def read_weights(items: Iterable[Path]) -> tuple[pd.DataFrame, Values]:
    """One row per network with the statistics of all its weights; quantiles before and after training, by column "row".

    fluctuation is the mean over the hidden node layers. What a network does not have is NaN.
    """
    tables = list[pd.DataFrame]()
    parts: dict[str, dict[str, list[np.ndarray]]] = {state: {name: [] for name in COMPARED} for state in FILES}
    for path in sorted(path for item in items for path in item.rglob("record.json")):
        record = read_json(path)
        layers = pd.read_csv(path.with_name("layers.csv"))
        nodes = pd.read_csv(path.with_name("strengths.csv"), dtype={"std": float})
        hidden = [layer["name"] for layer in record["node_layers"]][1:-1]  # between input and output
        fluctuation = nodes[nodes["layer"].isin(hidden)].groupby("repeat")["std"].mean()
        table = layers[layers["kind"] == "all"].set_index("repeat").assign(fluctuation=fluctuation)
        table = table.reindex(record["repeats"])[["mean", *STATISTICS]].reset_index()
        tables.append(table.assign(**{name: record[name] for name in [*MODEL, "parameters"]}))
        nothing = np.full((len(table), QUANTILES), np.nan)
        for state, file in FILES.items():
            quantiles = load_file(path.with_name(file))
            for quantity, name in COMPARED.items():
                parts[state][quantity].append(quantiles.get(name, nothing))
    networks = pd.concat(tables, ignore_index=True)
    values = {state: {name: np.concatenate(of) for name, of in by.items()} for state, by in parts.items()}
    return networks.assign(row=networks.index), values


def correlation_rows(networks: pd.DataFrame, config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of correlations.csv: Spearman's with validation accuracy; none for a constant or fewer than 3 networks."""
    for group, rows in networks.groupby(FAMILY):
        for statistic in STATISTICS:
            pairs = rows[[statistic, "validation"]].dropna().to_numpy()  # [n, 2]
            if len(pairs) < 3 or np.isnan(measured := spearman(pairs)):
                continue
            generator = np.random.default_rng(config["seed"])
            drawn = generator.integers(len(pairs), size=(config["permutations"], len(pairs)))
            parts = np.array_split(drawn, drawn.size // PART + 1)
            samples = np.concatenate([spearman(pairs[part]) for part in parts])
            low, high = grid_interval(samples[~np.isnan(samples)], config["confidence"])
            row = dict(zip([*FAMILY, "statistic"], [*group, statistic], strict=True))
            yield row | {"spearman": float(measured), "low": low, "high": high, "n": len(pairs)}


def spearman(pairs: np.ndarray) -> np.ndarray:
    """Rank correlation [...] of `pairs` [..., n, 2]; NaN where either is constant."""
    ranks = stats.rankdata(pairs, axis=-2) - (pairs.shape[-2] + 1) / 2
    products = np.einsum("...ni,...nj->...ij", ranks, ranks)
    with np.errstate(invalid="ignore"):
        return products[..., 0, 1] / np.sqrt(products[..., 0, 0] * products[..., 1, 1])


if __name__ == "__main__":
    run_stage("similarity", work)
