"""Trainings of a CNN whose every step is one function compiled to machine code by numba (extra `minarch[fast]`)."""
