"""Memory: keeping what is freed, and telling that there was too little."""

import ctypes
import sys

import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, in malloc.h
_LARGEST_MMAP_THRESHOLD = 32 * 2**20  # bytes, the most that glibc takes


def keep_freed_memory() -> None:
    """Keep freed memory in this process; where the C library is not glibc, do nothing.

    Activations are freed and allocated again in every step; given back to the system each time, they cost thousands of
    page faults per step.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_TRIM_THRESHOLD, 2**30)
            mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)


def out_of_memory(error: Exception) -> bool:
    """True if an error says that memory did not suffice; torch has an exception of its own for some cases only."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    return any(sign in text for sign in ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED"))
