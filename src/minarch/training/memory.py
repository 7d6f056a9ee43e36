"""Memory: freed memory is kept, and what it means to have too little."""

import ctypes
import sys

import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, in malloc.h
_LARGEST_MMAP_THRESHOLD = 32 * 2**20  # bytes, the most that glibc takes


def keep_freed_memory() -> None:
    """Activations are freed and asked for again in every step; given back to the system each time, they cost thousands
    of page faults per step. Where the C library is not glibc, nothing is done.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_TRIM_THRESHOLD, 2**30)
            mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory did not suffice; torch has an exception of its own for some cases only."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    return any(sign in text for sign in ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED"))
