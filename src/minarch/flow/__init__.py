"""Orchestration: decides what to compute and where results lie; never changes a result, so its code is in no key."""
