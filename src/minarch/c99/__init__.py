"""Exported models as C99: one source file without a runtime, and what a compiler makes of it."""
