"""Meaning of the records: regimes, minimal sizes, pruning phases, fronts. Pure functions of tables; no torch."""
