"""Two ways to make a trained network smaller: cutting units out (structured) and zeroing weights (magnitude)."""
