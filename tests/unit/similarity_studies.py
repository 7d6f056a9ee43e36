"""Simulated studies of which it is known what good and poor networks have in common.

A network is a point, one before and one after training; the distances between points are those of the study.
"""

from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.records import MODEL
from minarch.statistics.comparisons import CONTRASTS, logarithms, scopes
from minarch.statistics.labels import label_within_architectures, label_within_families
from minarch.statistics.verdicts import BY_SIZE, WITHIN, Compared, verdicts_table

CONFIG: dict[str, Any] = {"good_points": 1.0, "poor_share": 0.25, "networks": 20, "permutations": 199}
CONFIG |= {"confidence": 0.95, "seed": 0}
DISTANCES = [("euclidean", False), ("city block", False)]
DIMENSIONS = 8
KEPT = 0.7  # of where a network begins, in where it ends


def simulate(
    seed: int, *, architectures: int, repeats: int, trained: float = 0.0, untrained: float = 0.0, accuracy: float = 0.0
) -> pd.DataFrame:
    """The verdicts of a study of two data sets and two families.

    Larger networks lie nearer to each other; so do those of one architecture, which has a place of its own. Logarithms
    of how much further from it poor networks lie: `untrained`, before and after training, and `trained`, after it.
    `accuracy` grows with size, in points per unit of the logarithm of the parameters.
    """
    random = np.random.default_rng(seed)
    names = [(d, f, a, r) for d in "ab" for f in "xy" for a in range(architectures) for r in range(repeats)]
    networks = pd.DataFrame(names, columns=[*MODEL, "repeat"])
    networks["architecture"] = networks["family"] + networks["architecture"].astype(str)
    model = networks.groupby(MODEL).ngroup().to_numpy()
    sizes = np.linspace(4, 9, architectures)[model % architectures] + 0.1 * random.normal(size=model.max() + 1)[model]
    noise = random.normal(size=len(networks))
    networks["validation"] = 0.5 + accuracy / 100 * sizes + 0.03 * noise
    networks["parameters"] = np.exp(sizes)

    def points(wider: float) -> np.ndarray:
        return random.normal(size=(len(networks), DIMENSIONS)) * np.exp(np.where(noise < 0, wider, 0))[:, None]

    places = 0.5 * random.normal(size=(model.max() + 1, DIMENSIONS))[model]
    before = points(untrained)
    after = KEPT * before + np.sqrt(1 - KEPT**2) * points(untrained)
    after *= np.exp(np.where(noise < 0, trained, 0))[:, None]
    states = [
        (place * shrunk[:, None])
        for place, shrunk in ((after + places, np.exp(-0.3 * sizes)), (before + places, np.exp(-0.2 * sizes)))
    ]
    labelled = {
        WITHIN: label_within_architectures(networks, CONFIG)[0],
        BY_SIZE: label_within_families(networks, CONFIG),
    }
    compared = []
    for comparison, rows in labelled.items():
        matrices = np.concatenate([_distances(state[rows.index]) for state in states])
        contrasts = CONTRASTS[comparison](rows, matrices, CONFIG) if len(rows) else {}
        for scope in scopes(networks.drop_duplicates(MODEL)):
            case = {"scope": scope, "quantity": "points", "comparison": comparison, "distances": DISTANCES}
            compared.append(Compared(**case, contrast=contrasts.get(scope)))
    return verdicts_table(compared, CONFIG["confidence"])


def _distances(points: np.ndarray) -> np.ndarray:
    apart = points[:, None] - points
    return np.stack([logarithms(np.sqrt((apart**2).sum(axis=2))), logarithms(np.abs(apart).sum(axis=2))])
