"""Good and poor networks of different architectures compared once size is regressed out.

The logarithm of a distance is taken to depend linearly on the sum and the difference of both networks' log parameters,
on whether they share an architecture, and on the data sets and families that meet. What good and poor add to that is
estimated with it by least squares over all pairs, and tested by permuting the residuals of a fit on size alone within a
data set and family (Freedman and Lane, 1983; of matrices: Dekker, Krackhardt and Snijders, 2007). Shapes: n networks, m
matrices, P pairs, B permutations.
"""

import numpy as np

from minarch.statistics.contrast import Contrast

COLLINEAR = 0.9  # share of what tells good from poor pairs that size explains: above it they cannot be told apart
TINY = 1e-9  # of a column: it says nothing


def compare_by_size(
    logarithms: np.ndarray,
    good: np.ndarray,
    sizes: np.ndarray,
    architectures: np.ndarray,
    strata: np.ndarray,
    scope: np.ndarray,
    orders: np.ndarray,
) -> Contrast | None:
    """The contrast over the pairs of a scope, or None if good and poor cannot be told from size.

    Args:
        logarithms: of distances [m, n, n].
        good: labels [n].
        sizes: logarithms of the numbers of parameters [n].
        architectures: of the networks [n]; only whether they are equal counts.
        strata: the data set and family of each network [n], numbered from 0.
        scope: pairs that count [n, n], symmetric, all or none of two strata.
        orders: of the networks [B, n], permuted within strata.
    """
    first, second = np.nonzero(np.triu(scope, 1))
    count = good[first].astype(int) + good[second]  # good networks of a pair
    blocks = np.stack([count == 2, count == 1, count == 0])  # [3, P]
    if not (blocks[0].any() and blocks[2].any()):
        return None
    met = np.minimum(strata[first], strata[second]) * (strata.max() + 1) + np.maximum(strata[first], strata[second])
    covariates = [sizes[first] + sizes[second], np.abs(sizes[first] - sizes[second])]
    covariates += [architectures[first] == architectures[second]]
    size = _orthonormal(_centred(np.stack(covariates, axis=1), met))  # [P, at most 3]
    labels = _centred(blocks[[0, 2]].T, met)
    contrast = labels[:, 1] - labels[:, 0]
    design = np.concatenate([size, labels], axis=1)  # [P, q]
    told = contrast - size @ (size.T @ contrast)
    if told @ told <= (1 - COLLINEAR) * (contrast @ contrast) or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    solution = np.linalg.pinv(design)  # [q, P]
    shares = blocks.mean(axis=1)
    above_mean = np.array([[1 - shares[0], -shares[2]], [-shares[0], -shares[2]], [-shares[0], 1 - shares[2]]])
    weights = above_mean @ solution[-2:]  # [3, P]

    values = logarithms[:, first, second].T  # [P, m]
    centred = _centred(values, met)
    residuals, without_labels = centred - design @ (solution @ centred), centred - size @ (size.T @ centred)
    freedom = len(good) - len(np.unique(strata)) - design.shape[1]
    influences = np.empty((3, len(good), len(logarithms)))
    for m, residual in enumerate(residuals.T):
        for b, weight in enumerate(weights):
            sums = [np.bincount(side, weight * residual, minlength=len(good)) for side in (first, second)]
            influences[b, :, m] = sum(sums) * np.sqrt(len(good) / freedom)
    tested = np.zeros(scope.shape)
    tested[first, second] = tested[second, first] = weights[2] - weights[0]
    counted = scope.any(axis=1)
    return Contrast(
        means=values.mean(axis=0) + weights @ centred,
        influences=influences,
        permuted=np.stack([tested[order[first], order[second]] @ without_labels for order in orders]),
        freedom=freedom,
        pairs=tuple(int(number) for number in blocks.sum(axis=1)),
        networks=(int((counted & good).sum()), int((counted & ~good).sum())),
        architectures=len(np.unique(architectures[counted])),
    )


def _centred(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Columns [P, c] less their means in each of the `groups` [P]."""
    _, place, number = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(place, column) for column in values.T], axis=1)
    return values - (sums / number[:, None])[place]


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """A basis of what the columns [P, c] span, without those that say nothing."""
    scale = np.linalg.norm(columns, axis=0)
    columns = columns[:, scale > TINY * np.sqrt(len(columns))]
    basis, singular, _ = np.linalg.svd(columns / np.linalg.norm(columns, axis=0), full_matrices=False)
    return basis[:, singular > TINY]
