"""What trained weights look like: their statistics, node strengths and attention maps, and distances between them."""

COMPARED = {"weights": "weights.all", "strengths": "strength.hidden"}  # quantity -> name of its quantiles
QUANTILES = 512  # a distribution that is compared is kept as so many of its quantiles; tails decide distances
DRAWN = 64  # one that is only drawn
