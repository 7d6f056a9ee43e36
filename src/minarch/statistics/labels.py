"""Which networks are good and which are poor, in two ways (our inference, docs/methods.md 2.3).

Within architectures, the best and the worst repeats of one architecture: these differ in nothing but their seeds.
Within families, repeats near the best one of a data set and family, and the worst of them: these differ in size, too.
What has to be drawn is drawn from networks in the order in which they are given.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.intervals import EDGE
from minarch.analysis.records import MODEL

FAMILY = ["dataset", "family"]
GOOD, POOR = "good", "poor"
FEWEST = 3  # good ones, and poor ones: of two networks, the only pair says nothing about its own uncertainty
ARCHITECTURES = 3  # of a data set and family, if each has as many networks as may be compared; more if they have fewer
COMPARED, FEW, ALIKE, SURPLUS = "compared", "too few repeats", "repeats too alike", "enough others"


def label_within_architectures(networks: pd.DataFrame, config: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The best and the worst repeats of every architecture, and what came of the architectures.

    Args:
        networks: with MODEL, "parameters" and "validation".
        config: poor_share of the repeats of an architecture are good and as many poor, at most `networks` of each, of
            repeats with equal accuracy those that a draw says. The architecture is left out if its good ones are on
            average less than good_points above its poor ones. Where a data set and family has more networks than are
            compared, architectures whose good and poor repeats are further apart go first.

    Returns:
        The labelled networks with the column "group"; one row per architecture with its "repeats", how many of them
        are "good", the mean accuracies "validation_good" and "validation_poor", and what was "decided".
    """
    generator = np.random.default_rng(config["seed"])
    labelled, rows = list[pd.DataFrame](), list[dict[str, Any]]()
    for model, repeats in networks.groupby(MODEL, sort=False):
        ordered = repeats.iloc[generator.permutation(len(repeats))].sort_values("validation", kind="stable")
        share = min(int(config["poor_share"] * len(repeats) + EDGE), len(repeats) // 2)
        picked = [generator.permutation(share)[: config["networks"]] for _ in range(2)]
        good, poor = ordered[len(ordered) - share :].iloc[picked[0]], ordered[:share].iloc[picked[1]]
        labelled.append(pd.concat([good.assign(group=GOOD), poor.assign(group=POOR)]))
        means = good["validation"].mean(), poor["validation"].mean()
        row = dict(zip(MODEL, model, strict=True)) | {"parameters": repeats["parameters"].iloc[0]}
        row |= {"repeats": len(repeats), "good": len(good), "validation_good": means[0], "validation_poor": means[1]}
        alike = means[0] - means[1] < config["good_points"] / 100 - EDGE
        rows.append(row | {"decided": FEW if len(good) < FEWEST else ALIKE if alike else COMPARED})
    columns = [*MODEL, "parameters", "repeats", "good", "validation_good", "validation_poor", "decided"]
    architectures = pd.DataFrame(rows, columns=columns).astype({"good": int})
    architectures.loc[_surplus(architectures, 2 * ARCHITECTURES * config["networks"]), "decided"] = SURPLUS
    kept = [labelled[i] for i in np.flatnonzero(architectures["decided"] == COMPARED)]
    return pd.concat(kept) if kept else networks[:0].assign(group=""), architectures


def _surplus(architectures: pd.DataFrame, most: int) -> list[int]:
    """The rows of architectures that would be compared, had a data set and family not `most` networks before them."""
    ready = architectures[architectures["decided"] == COMPARED]
    apart = (ready["validation_good"] - ready["validation_poor"]).sort_values(ascending=False, kind="stable")
    networks = 2 * ready.loc[apart.index].groupby(FAMILY)["good"].cumsum()
    return list(networks.index[networks > most])


def label_within_families(networks: pd.DataFrame, config: dict[str, Any]) -> pd.DataFrame:
    """Repeats within good_points of the best of their data set and family, and the poor_share with the lowest accuracy
    that are not good; of each at most `networks`, drawn.
    """
    return pd.concat([networks[:0].assign(group=""), *_families(networks, config)])


def _families(networks: pd.DataFrame, config: dict[str, Any]) -> Iterator[pd.DataFrame]:
    for _, rows in networks.groupby(FAMILY, sort=False):
        validation = rows["validation"].to_numpy()
        good = validation >= validation.max() - config["good_points"] / 100 - EDGE
        poor = (validation <= np.quantile(validation, config["poor_share"], method="inverted_cdf")) & ~good
        for group, members in ((GOOD, rows[good]), (POOR, rows[poor])):
            order = np.random.default_rng(config["seed"]).permutation(len(members))
            yield members.iloc[order[: config["networks"]]].assign(group=group)
