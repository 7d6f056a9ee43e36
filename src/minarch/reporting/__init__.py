"""From sealed items to what a reader sees: tidy tables, then the figures and the report drawn from them."""
