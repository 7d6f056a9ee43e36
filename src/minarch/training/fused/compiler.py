"""How the kernels are compiled. Only what compiles them imports this: numba may be missing.

Every inner function is inlined, so that one compilation decides all code: two of them gave the same bytes, which
separately compiled functions did not. The flags let sums be reordered and multiplications fused; NaN and inf stay.
"""

from typing import Any, TypeAlias

import numpy as np
from numba import config, njit
from numpy.typing import NDArray

from minarch.training.fused.available import kept

Floats: TypeAlias = NDArray[np.float32]
FLAGS = {"contract", "reassoc", "nsz", "arcp"}
ZERO = np.float32(0)

inner: Any = njit(fastmath=FLAGS, error_model="numpy", forceinline=True)
if folder := kept():
    vars(config)["CACHE_DIR"] = str(folder)
entry: Any = njit(fastmath=FLAGS, error_model="numpy", cache=folder is not None)
