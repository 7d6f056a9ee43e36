"""Learning rates of the steps of a training: constant, or falling as a cosine, after a linear warm-up.

Cosine: I. Loshchilov, F. Hutter, *SGDR*, ICLR 2017, section 3, without restarts. Warm-up: P. Goyal et al., *Accurate,
Large Minibatch SGD*, arXiv 1706.02677, section 2.2 (gradual).
"""

from math import cos, pi


def share(kind: str, step: int, warmup: int, steps: int) -> float:
    """What the learning rate of a step, counted from 0, is multiplied by.

    It is 1 in the last step of the warm-up and in the first one after it.

    Args:
        kind: "constant" or "cosine".
        warmup: steps in which the rate rises.
        steps: of the whole training.
    """
    if step < warmup:
        return (step + 1) / warmup
    return (1 + cos(pi * (step - warmup) / (steps - warmup))) / 2 if kind == "cosine" else 1.0
