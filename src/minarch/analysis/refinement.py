"""Sizes to add to a sweep so that the interval of P_min becomes narrower (our inference, none of the papers has it).

P_min lies somewhere between the size that the bootstrap names and the one below it. The gap to look into is the one
that is expected to hide most of it: the share of the resamples that end in it times its width on the logarithmic scale.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Gap:
    """Parameter counts between which no size was tried, and the share of the resamples whose P_min is `high`."""

    low: int
    high: int
    mass: float

    @property
    def weight(self) -> float:
        """The part of P_min's interval, on the logarithmic scale, that the gap is expected to hide."""
        return self.mass * math.log(self.high / self.low)


def gaps(parameters: Sequence[int], p_min: np.ndarray) -> list[Gap]:
    """The gaps of one depth's grid that hide its P_min [B] (bootstrap samples; infinity: beyond the grid)."""
    counts = sorted(set(parameters))
    shares = [(low, high, float((p_min == high).mean())) for low, high in pairwise(counts)]
    return [Gap(low, high, share) for low, high, share in shares if share]


def sizes_to_add(untried: Sequence[Gap], candidates: Sequence[int], count: int) -> list[int]:
    """At most `count` of the candidates' parameter counts, in the order in which they narrow the interval most.

    Each is the candidate nearest to the middle (logarithmic) of the weightiest gap; it parts the gap, and its mass, in
    two. Gaps without a candidate inside are left.
    """
    waiting, chosen = list(untried), list[int]()
    while waiting and len(chosen) < count:
        gap = max(waiting, key=lambda gap: (gap.weight, -gap.low))
        waiting.remove(gap)
        inside = [size for size in candidates if gap.low < size < gap.high]
        if not inside:
            continue
        middle = math.sqrt(gap.low * gap.high)
        size = min(inside, key=lambda size: (abs(math.log(size / middle)), size))
        chosen.append(size)
        waiting += [Gap(gap.low, size, gap.mass / 2), Gap(size, gap.high, gap.mass / 2)]
    return chosen
