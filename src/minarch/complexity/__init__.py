"""Complexity-aware training (arXiv 2411.09127): units and residual branches are pruned while a network is trained.

The ways a network of stage complexity is made; light to import, as the plan does.
"""

from typing import Literal

FULL, SHORT, GATED, L1, FRESH, SWEPT = "full", "short", "gated", "l1", "fresh", "swept"
Control = Literal["l1", "fresh", "swept"]
Estimator = Literal["balanced", "first_order"]
GATED_NETWORKS = {  # networks whose units have gates; whether they have layers that can be left out, too
    "minarch.models.dnn:DNN": False,
    "minarch.models.cnn:CNN": False,
    "minarch.models.vit:ViT": True,
    "minarch.models.resnet:ResNet": True,
    "minarch.models.separable:Separable": False,
}
