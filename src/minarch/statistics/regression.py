"""Good and poor networks of different architectures compared once size is regressed out.

The unit is what good, or poor, networks of one architecture there are: they are no independent examples of their size.
The logarithm of the distance of two units is taken to depend linearly on the sum and on the difference of both log
numbers of parameters, and on the data sets and families that meet. What good and poor add to that is estimated with it
by least squares over all pairs, and tested by permuting the residuals of a fit on size alone within a data set and
family (Freedman and Lane, 1983; of matrices: Dekker, Krackhardt and Snijders, 2007). Shapes: n units, m matrices, P
pairs, B permutations.
"""

import numpy as np

from minarch.statistics.contrast import Contrast

COLLINEAR = 0.9  # share of what tells good from poor pairs that size explains: above it they cannot be told apart
COVARIATES = 5  # three of size, two of labels
LEAST_FREEDOM = 3  # units beyond those that the fit takes
TINY = 1e-9  # of a column: it says nothing


def compare_by_size(
    logarithms: np.ndarray,
    good: np.ndarray,
    sizes: np.ndarray,
    architectures: np.ndarray,
    strata: np.ndarray,
    scope: np.ndarray,
    orders: np.ndarray,
    members: np.ndarray,
) -> Contrast | None:
    """The contrast over the pairs of a scope, or None if good and poor cannot be told from size.

    Args:
        logarithms: of distances [m, n, n], means over the networks of two units.
        good: labels [n].
        sizes: logarithms of the numbers of parameters [n].
        architectures: of the units [n]; only whether they are equal counts.
        strata: the data set and family of each unit [n], numbered from 0.
        scope: pairs that count [n, n], symmetric, all or none of two strata.
        orders: of the units [B, n], permuted within strata.
        members: networks of each unit [n].
    """
    pairs = np.stack(np.nonzero(np.triu(scope, 1)))  # [2, P]
    freedom = len(good) - len(np.unique(strata)) - COVARIATES
    fit = _fit(pairs, good, sizes, architectures, strata) if freedom >= LEAST_FREEDOM else None
    if fit is None:
        return None
    values = logarithms[:, pairs[0], pairs[1]].T  # [P, m]
    left_out = np.empty((3, len(good), len(logarithms)))
    for unit in range(len(good)):
        kept = (pairs != unit).all(axis=0)
        again = _fit(pairs[:, kept], good, sizes, architectures, strata)
        if again is None:
            return None
        left_out[:, unit] = again[0] @ values[kept]
    weights, size = fit
    centred = _centred(values, _met(pairs, strata))
    residuals = centred - size @ (size.T @ centred)
    tested = np.zeros(scope.shape)
    tested[pairs[0], pairs[1]] = tested[pairs[1], pairs[0]] = weights[2] - weights[0]
    counted, numbers = members * scope.any(axis=1), members[pairs].prod(axis=0)
    return Contrast(
        means=weights @ values,
        influences=(left_out - left_out.mean(axis=1, keepdims=True)) * np.sqrt(1 - 1 / len(good)),
        permuted=np.stack([tested[order[pairs[0]], order[pairs[1]]] @ residuals for order in orders]),
        freedom=freedom,
        exact=False,
        pairs=tuple(int(block @ numbers) for block in _blocks(pairs, good)),
        networks=(int(counted[good].sum()), int(counted[~good].sum())),
        architectures=len(np.unique(architectures[counted > 0])),
    )


def _fit(
    pairs: np.ndarray, good: np.ndarray, sizes: np.ndarray, architectures: np.ndarray, strata: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """The weights [3, P] of pairs in the blocks' means at the mean size, and a basis [P, q] of what size explains; None
    if good and poor cannot be told from size.
    """
    blocks, met = _blocks(pairs, good), _met(pairs, strata)
    both = sizes[pairs]
    covariates = [both.sum(axis=0), np.abs(both[0] - both[1]), architectures[pairs[0]] == architectures[pairs[1]]]
    size = _orthonormal(_centred(np.stack(covariates, axis=1), met))
    labels = _centred(blocks[[0, 2]].T, met)
    contrast = labels[:, 1] - labels[:, 0]
    told = contrast - size @ (size.T @ contrast)
    design = np.concatenate([size, labels], axis=1)
    if told @ told <= (1 - COLLINEAR) * (contrast @ contrast) or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    effects = np.linalg.pinv(design)[-2:]  # [2, P]: of good-good and of poor-poor pairs against mixed ones
    shares = blocks.mean(axis=1)
    above = np.array([[1 - shares[0], -shares[2]], [-shares[0], -shares[2]], [-shares[0], 1 - shares[2]]])
    return above @ effects + 1 / pairs.shape[1], size


def _blocks(pairs: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Which pairs [3, P] are good-good, good-poor and poor-poor."""
    number = good[pairs].sum(axis=0)
    return np.stack([number == 2, number == 1, number == 0])


def _met(pairs: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """A number for the two strata that meet in each pair [P], whichever comes first."""
    met = strata[pairs]
    return met.min(axis=0) * (strata.max() + 1) + met.max(axis=0)


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
