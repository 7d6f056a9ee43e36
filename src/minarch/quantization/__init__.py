"""Fewer bits: models quantized, exported, checked and measured, and lower precision of their parameters simulated.

What can be chosen, and the kinds of items that come of it; light to import, as the plan does.
"""

from typing import Literal, get_args

Precision = Literal["fp32", "fp16", "bf16", "fp8", "int8", "int7", "int6", "int5", "int4", "int3", "int2", "int1"]
Scheme = Literal["tensor", "channel"]  # what shares a scale: a whole tensor, or one row of its dimension 0
Target = Literal["any", "vnni"]
PRECISIONS: tuple[str, ...] = get_args(Precision)  # from the finest to the coarsest
SCHEMES: tuple[str, ...] = get_args(Scheme)
FLOAT32, INT8 = "fp32", "int8"
EXPORT, CURVE = "export", "curve"
