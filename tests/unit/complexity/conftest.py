"""Training in float64, where rounding decides nothing."""

import pytest
import torch
from gated_networks import STRUCTURES, TRAINED, structure, trained_structure

from minarch.data.tensors import Split
from minarch.training.stacked.pixels import Pixels


@pytest.fixture
def float64(monkeypatch):
    """Networks, gates and images in double precision; NNCF knows single precision only, so structures come first."""
    for name in STRUCTURES:
        structure(name)
    for name in TRAINED:
        trained_structure(name)
    single = Split.batch
    monkeypatch.setattr(Split, "batch", lambda self, index: single(self, index).double())
    monkeypatch.setattr(Pixels, "_normalised", lambda self, images: images.double() * self.scale + self.offset)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
