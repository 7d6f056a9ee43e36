"""torchvision's data sets, also beside a CPU build of torch.

The wheel on PyPI is built for CUDA: beside a CPU torch its import stops at two operators that its library then does not
register. They are declared here, without an implementation, only if the import fails; with matching builds nothing is
done.
"""

import torch

try:
    from torchvision import datasets
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    _library = torch.library.Library("torchvision", "DEF")
    _library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from torchvision import datasets

__all__ = ["datasets"]
