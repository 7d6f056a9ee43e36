"""Data sets as tensors with a fixed, stratified train / validation / test split."""
