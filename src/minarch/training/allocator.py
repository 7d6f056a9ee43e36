"""The C library's allocator, told to keep what is freed."""

import ctypes
import sys

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
