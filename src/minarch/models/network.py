"""What every network is: built from a structural spec, which it can tell at any time."""

from torch import Tensor, nn

from minarch.models.families import Spec


class Network(nn.Module):
    """A classifier of images that knows its structure. Shapes: B images, [C, H, W] one image, K classes.

    A user's network may be any torch.nn.Module with these two methods; `minarch.models.build.checked` tries them.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images [B, C, H, W] -> logits [B, K]."""
        raise NotImplementedError

    def spec(self) -> Spec:
        """The structure as it is now, read off the weights: what `minarch.models.build.build` makes such a one from."""
        raise NotImplementedError
