"""CNNs, perceptrons and vision transformers trained by functions that numba compiles (the extra `minarch[fast]`)."""
