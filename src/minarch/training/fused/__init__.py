"""CNNs, perceptrons and vision transformers trained by functions that numba compiles to machine code."""
