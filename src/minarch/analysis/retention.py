"""Retention: how much of its accuracy above chance a network keeps while its weights go (our inference).

At a level the retained share is (accuracy - chance) / (accuracy unpruned - chance). The area under its curve over the
share of pruned weights judges the whole curve, where the end of the plateau (docs/methods.md 1.3) is one point of it.
"""

import numpy as np

from minarch.analysis.intervals import of_mean

RETENTION = of_mean("retention")
AREA, PLATEAU_END = "area", "plateau end"  # what is measured of a curve


def area(levels: np.ndarray, accuracy: np.ndarray, base: np.ndarray, chance: float) -> np.ndarray:
    """Area under the retained share of curves `accuracy` [R, L], by trapezoids between ascending `levels` [L], divided
    by the range of levels: the mean retained share. Of one level it is the retained share there.

    Args:
        base: [R], of the unpruned networks, above chance.
    """
    retained = (accuracy - chance) / (base - chance)[:, None]
    if len(levels) == 1:
        return retained[:, 0]
    return np.trapezoid(retained, levels, axis=1) / (levels[-1] - levels[0])
