"""Exported models as C99: one source file without a runtime, and what a compiler makes of it."""


class NoSource(Exception):
    """There is no C of a model; the message says why on one line."""
