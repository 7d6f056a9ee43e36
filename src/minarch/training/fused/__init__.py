"""CNNs, perceptrons and vision transformers trained by single functions that numba compiles (the extra `minarch[fast]`)."""
