"""minarch: the smallest image classifiers that learn a task reliably, and what pruning and quantization do to them."""
