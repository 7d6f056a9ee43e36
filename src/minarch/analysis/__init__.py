"""What the records mean: regimes, minimal sizes, pruning phases, fronts. Pure functions of tables; no torch."""
