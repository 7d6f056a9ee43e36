"""Good and poor networks of the same architectures compared: size is equal by design.

A cell is a pair of architectures, or one with itself; in each there are good-good and poor-poor pairs of networks. All
cells of a scope weigh the same. Labels are permuted within architectures, which leaves the cells what they are. Shapes:
n networks, A architectures, m matrices, B permutations.
"""

import numpy as np

from minarch.statistics.contrast import Contrast


def compare_within(
    logarithms: np.ndarray, good: np.ndarray, architectures: np.ndarray, cells: np.ndarray, orders: np.ndarray
) -> Contrast:
    """The contrast over some cells.

    Args:
        logarithms: of distances [m, n, n].
        good: labels [n], as many True as False in each architecture, three or more.
        architectures: of the networks [n], numbered from 0.
        cells: pairs of architectures that count [A, A], symmetric.
        orders: of the networks [B, n], permuted within architectures.
    """
    shares = np.where(np.eye(len(cells), dtype=bool), 1.0, 0.5) * cells  # a cell of two stands on both sides
    shares = (shares / shares.sum())[np.ix_(architectures, architectures)]
    size = np.bincount(architectures)[architectures] / 2  # of each network's block in its own architecture
    own, alike = np.equal.outer(architectures, architectures), np.equal.outer(good, good)
    others = np.outer(size, size)
    within_label = shares / (others - own * size)  # a network makes no pair with itself
    np.fill_diagonal(within_label, 0)
    weights = np.where(alike, within_label, shares / (2 * others))
    # What is left of a block without a network: in a cell of one architecture it goes from both sides of a pair.
    jackknife = weights * 2 * (np.sqrt(size * (size - 1))[:, None] / (size[:, None] - 1 - (own & alike)))
    blocks = (np.outer(good, good), ~alike, np.outer(~good, ~good))
    means, influences = np.empty((3, len(logarithms))), np.empty((3, len(good), len(logarithms)))
    scores = np.empty((len(good), len(logarithms)))
    for m, matrix in enumerate(logarithms):
        weighted, leverage = weights * matrix, jackknife * _residuals(matrix, 2 * architectures + good)
        for b, block in enumerate(blocks):
            means[b, m] = weighted[block].sum()
            influences[b, :, m] = (leverage * block).sum(axis=1)
        scores[:, m] = (within_label * matrix).sum(axis=1)
    there = np.flatnonzero(cells.any(axis=1))
    counted = np.isin(architectures, there)
    number = np.where(np.eye(len(good), dtype=bool), 0, cells[np.ix_(architectures, architectures)])
    return Contrast(
        means=means,
        influences=influences,
        permuted=scores.sum(axis=0) - 2 * good[orders].astype(float) @ scores,  # all pairs less those that have a good
        freedom=int(counted.sum()) - 2 * len(there),
        exact=True,
        pairs=tuple(int(number[block].sum()) // 2 for block in blocks),
        networks=(int((counted & good).sum()), int((counted & ~good).sum())),
        architectures=len(there),
    )


def _residuals(matrix: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """What a distance is above the mean of those between the same two parts; a network makes no pair with itself."""
    members = np.equal.outer(parts, np.unique(parts)).astype(float)  # [n, parts]
    numbers = members.sum(axis=0)
    without = matrix - np.diag(np.diag(matrix))
    means = (members.T @ without @ members) / (np.outer(numbers, numbers) - np.diag(numbers))
    return np.where(np.eye(len(parts), dtype=bool), 0, without - members @ means @ members.T)
