"""Stage similarity: how far apart the weights of good and poor networks lie, and what goes with accuracy.

Our inference (docs/methods.md 2.3): good is a repeat within good_points of the best validation accuracy
of its data set and family, poor one of the poor_share of them with the lowest, and not good. Networks that are not
finite are left out before. Nothing depends on the order of rows nor on names: networks are put in order by what they
are before any are drawn. Test data is never opened.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from scipy import stats

from minarch.analysis.intervals import EDGE, grid_interval
from minarch.analysis.records import FINAL_VALIDATION, MODEL, read_runs
from minarch.files import read_json
from minarch.flow.job import run_stage
from minarch.statistics import COMPARED, QUANTILES
from minarch.statistics.blocks import Block, blocks, resample_networks
from minarch.statistics.distances import distances, scaled

GROUP = ["dataset", "family"]
STATISTICS = ["std", "skewness", "kurtosis", "near_zero", "fluctuation"]
PART = 1_000_000  # values ranked at a time, or a large study would need gigabytes
IDENTITY = [*MODEL, "repeat"]
BLOCKS = ["scope", "quantity", "distance", "scaled", *list(Block.__dataclass_fields__)[1:], "permutations"]


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write networks.csv (those compared), blocks.csv (distances between them) and correlations.csv (all repeats)."""
    described, values = read_weights(inputs["weights"])
    runs = read_runs(inputs["sweep"]).rename(columns={FINAL_VALIDATION: "validation"})
    networks = described.merge(runs[[*IDENTITY, "validation"]], on=IDENTITY)
    finite = networks["validation"].notna() & np.isfinite(values["weights"][networks["row"]]).all(axis=1)
    networks = networks[finite].sort_values(["parameters", "validation", "mean", *STATISTICS], ignore_index=True)
    compared = choose_networks(networks, config)
    tables = {
        "networks": compared[[*IDENTITY, "parameters", "validation", "group"]].sort_values(IDENTITY),
        "blocks": pd.DataFrame(block_rows(compared, values, config), columns=BLOCKS),
        "correlations": pd.DataFrame(
            correlation_rows(networks, config), columns=[*GROUP, "statistic", "spearman", "low", "high", "n"]
        ),
    }
    for name, table in tables.items():
        table.to_csv(out / f"{name}.csv", index=False, float_format="%.10g")


def read_weights(items: Iterable[Path]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """One row per network with the statistics of all its weights; quantity -> quantiles [n, 512], by column "row".

    fluctuation is the mean over the hidden node layers. What a network does not have is NaN.
    """
    tables, values = [], dict[str, list[np.ndarray]]({quantity: [] for quantity in COMPARED})
    for path in sorted(path for item in items for path in item.rglob("record.json")):
        record = read_json(path)
        layers = pd.read_csv(path.with_name("layers.csv"))
        nodes = pd.read_csv(path.with_name("strengths.csv"), dtype={"std": float})
        hidden = [layer["name"] for layer in record["node_layers"]][1:-1]  # between input and output
        fluctuation = nodes[nodes["layer"].isin(hidden)].groupby("repeat")["std"].mean()
        table = layers[layers["kind"] == "all"].set_index("repeat").assign(fluctuation=fluctuation)
        table = table.reindex(record["repeats"])[["mean", *STATISTICS]].reset_index()
        tables.append(table.assign(**{name: record[name] for name in [*MODEL, "parameters"]}))
        quantiles = load_file(path.with_name("quantiles.safetensors"))
        nothing = np.full((len(table), QUANTILES), np.nan)
        for quantity, name in COMPARED.items():
            values[quantity].append(quantiles.get(name, nothing))
    networks = pd.concat(tables, ignore_index=True)
    return networks.assign(row=networks.index), {name: np.concatenate(parts) for name, parts in values.items()}


def choose_networks(networks: pd.DataFrame, config: dict[str, Any]) -> pd.DataFrame:
    """The good and the poor networks that are compared: at most config["networks"] of each per data set and family."""
    chosen = []
    for _, rows in networks.groupby(GROUP):
        validation = rows["validation"].to_numpy()
        good = validation >= validation.max() - config["good_points"] / 100 - EDGE
        poor = (validation <= np.quantile(validation, config["poor_share"], method="inverted_cdf")) & ~good
        for group, members in (("good", rows[good]), ("poor", rows[poor])):
            order = np.random.default_rng(config["seed"]).permutation(len(members))
            chosen.append(members.iloc[order[: config["networks"]]].assign(group=group))
    return pd.concat(chosen or [networks.assign(group="")]).sort_index()


def scopes(networks: pd.DataFrame) -> dict[str, np.ndarray]:
    """Masks [n, n] of the pairs of networks that are compared."""
    dataset, family = (np.equal.outer(codes, codes) for codes in (pd.factorize(networks[name])[0] for name in GROUP))
    return {
        "all networks": np.ones_like(dataset),
        "within data set and family": dataset & family,
        "across data sets": ~dataset & family,
        "across families": dataset & ~family,
        "across both": ~dataset & ~family,
    }


def block_rows(
    networks: pd.DataFrame, values: dict[str, np.ndarray], config: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Rows of blocks.csv, with as many bootstrap samples as permutations.

    A network without strengths, or whose values are all equal (they have no density), is left out of that quantity.
    """
    for quantity in COMPARED:
        raw = values[quantity][networks["row"]].astype(float)
        usable = np.isfinite(raw).all(axis=1) & (np.ptp(raw, axis=1) > 0)
        raw, rows = raw[usable], networks[usable]
        if rows.empty:
            continue
        good, strata = (rows["group"] == "good").to_numpy(), rows.groupby(GROUP).ngroup().to_numpy()
        resampled = resample_networks(good, strata, config["permutations"], config["seed"])
        measured = {divided: distances(scaled(raw) if divided else raw) for divided in (False, True)}
        for scope, pairs in scopes(rows).items():
            for divided, matrix in measured.items():
                case = {"scope": scope, "quantity": quantity, "scaled": divided}
                for block in blocks(matrix, pairs, resampled, config["confidence"]):
                    yield case | asdict(block) | {"permutations": config["permutations"]}


def correlation_rows(networks: pd.DataFrame, config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of correlations.csv: Spearman's with validation accuracy; none for a constant or fewer than 3 networks."""
    for group, rows in networks.groupby(GROUP):
        for statistic in STATISTICS:
            pairs = rows[[statistic, "validation"]].dropna().to_numpy()  # [n, 2]
            if len(pairs) < 3 or np.isnan(measured := spearman(pairs)):
                continue
            generator = np.random.default_rng(config["seed"])
            drawn = generator.integers(len(pairs), size=(config["permutations"], len(pairs)))
            parts = np.array_split(drawn, drawn.size // PART + 1)
            samples = np.concatenate([spearman(pairs[part]) for part in parts])
            low, high = grid_interval(samples[~np.isnan(samples)], config["confidence"])
            row = dict(zip([*GROUP, "statistic"], [*group, statistic], strict=True))
            yield row | {"spearman": float(measured), "low": low, "high": high, "n": len(pairs)}


def spearman(pairs: np.ndarray) -> np.ndarray:
    """Rank correlation [...] of `pairs` [..., n, 2]; NaN where either is constant."""
    ranks = stats.rankdata(pairs, axis=-2) - (pairs.shape[-2] + 1) / 2
    products = np.einsum("...ni,...nj->...ij", ranks, ranks)
    with np.errstate(invalid="ignore"):
        return products[..., 0, 1] / np.sqrt(products[..., 0, 0] * products[..., 1, 1])


if __name__ == "__main__":
    run_stage("similarity", work)
