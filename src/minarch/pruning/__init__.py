"""Two ways to make a trained network smaller: cutting units out (structured) and zeroing weights (magnitude).

What can be chosen, and the kinds of items that come of it; light to import, as the plan does.
"""

from typing import Literal

Importance = Literal["L1", "L2", "geometric_median", "random", "learned"]
Scope = Literal["layer", "global"]
Target = Literal["units", "macs"]
STRUCTURED, MAGNITUDE, SENSITIVITY = "structured", "magnitude", "sensitivity"
STEPS = ("base", "pruned", "reestimated", "finetuned")  # of structured pruning: a network is measured after each
