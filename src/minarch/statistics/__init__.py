"""What trained weights look like: their statistics, node strengths and attention maps, and distances between them."""

QUANTILES = 512  # a distribution is kept as so many of its quantiles
