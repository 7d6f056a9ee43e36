"""CNNs and perceptrons trained by single functions that numba compiles to machine code."""
