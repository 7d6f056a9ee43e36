"""The groups of every family: exactly which entries of which tensors go with a unit."""

import pytest
from networks import SPECS, groups, sample
from torch import Tensor, nn

from minarch.errors import UserError
from minarch.models.build import build
from minarch.pruning.groups import Group, Part, find_groups


def part(text: str) -> Part:
    """From "tensor dim" or "tensor dim size"."""
    tensor, dim, *size = text.split()
    return Part(tensor, int(dim), 0, int(size[0]) if size else 1)


def parts(*texts: str) -> tuple[Part, ...]:
    return tuple(part(text) for text in texts)


def normed(name: str, norm: str) -> list[str]:
    """A convolution without bias and the norm behind it."""
    return [f"{name}.weight 0", *(f"{norm}.{kind} 0" for kind in ("weight", "bias", "running_mean", "running_var"))]


def head_parts(block: str) -> tuple[Part, ...]:
    made = ("key.weight", "query.weight", "query.bias", "value.weight", "value.bias")
    return parts(*(f"{block}.{name} 0 2" for name in made), f"{block}.output.weight 1 2")


def layer(name: str, after: str) -> tuple[Part, ...]:
    return parts(f"{name}.weight 0", f"{name}.bias 0", after)


EXPECTED = {
    "dnn": [
        Group("hidden.0", "neurons", 12, ("hidden.0.weight",), layer("hidden.0", "hidden.1.weight 1")),
        Group("hidden.1", "neurons", 9, ("hidden.1.weight",), layer("hidden.1", "hidden.2.weight 1")),
        Group("hidden.2", "neurons", 7, ("hidden.2.weight",), layer("hidden.2", "classifier.weight 1")),
    ],
    "cnn": [  # of 10x10 pixels, the classifier reads 2x2 of each of the last channels
        Group(name, "channels", units, (f"{name}.weight",), layer(name, after))
        for name, units, after in (
            ("convolutions.0", 6, "convolutions.1.weight 1"),
            ("convolutions.1", 8, "convolutions.2.weight 1"),
            ("convolutions.2", 5, "classifier.weight 1 4"),
        )
    ],
    "vit": [
        group
        for block, heads, ffn in (("blocks.0", 4, 10), ("blocks.1", 3, 7))
        for group in (
            Group(
                f"{block}.heads",
                "heads",
                heads,
                tuple(f"{block}.{name}.weight" for name in ("key", "query", "value")),
                head_parts(block),
            ),
            Group(
                f"{block}.fc1",
                "neurons",
                ffn,
                (f"{block}.fc1.weight",),
                layer(f"{block}.fc1", f"{block}.fc2.weight 1"),
            ),
        )
    ],
    "separable": [  # of 12x10 pixels, the classifier reads 2x2 means of each of the last channels
        Group(
            "stem and 1 more",
            "channels",
            6,
            ("stem.weight", "blocks.0.depthwise.weight"),
            parts(*normed("stem", "norm"), "blocks.0.depthwise.weight 0", "blocks.0.pointwise.weight 1"),
        ),
        Group(
            "blocks.0.pointwise and 1 more",
            "channels",
            5,
            ("blocks.0.pointwise.weight", "blocks.1.depthwise.weight"),
            parts(
                *normed("blocks.0.pointwise", "blocks.0.norm"),
                "blocks.1.depthwise.weight 0",
                "blocks.1.pointwise.weight 1",
            ),
        ),
        Group(
            "blocks.1.pointwise",
            "channels",
            9,
            ("blocks.1.pointwise.weight",),
            parts(*normed("blocks.1.pointwise", "blocks.1.norm"), "classifier.weight 1 4"),
        ),
    ],
    "mobile": [  # what makes and what is a grouped convolution stays whole
        Group(
            "stem and 1 more",
            "channels",
            8,
            ("stem.weight", "depthwise.weight"),
            parts(*normed("stem", "norm"), "depthwise.weight 0", "depthwise.bias 0", "pointwise.weight 1"),
        ),
        Group("last", "channels", 9, ("last.weight",), parts(*normed("last", "norm2"), "classifier.weight 1")),
    ],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_groups(name):
    assert groups(name) == EXPECTED[name]


TIED = ("layer2.0.conv2.weight", "layer2.0.downsample.0.weight")


def test_a_residual_sum_ties_the_channels_of_a_stage():
    first, second = (group for group in groups("resnet") if group.weights[0] in ("conv1.weight", TIED[0]))
    assert (first.name, first.kind, first.units) == ("conv1 and 2 more", "channels", 6)
    assert first.weights == ("conv1.weight", "layer1.0.conv2.weight", "layer1.1.conv2.weight")
    read = ("layer1.0.conv1", "layer1.1.conv1", "layer2.0.conv1", "layer2.0.downsample.0")
    made = (("conv1", "bn1"), ("layer1.0.conv2", "layer1.0.bn2"), ("layer1.1.conv2", "layer1.1.bn2"))
    rows = [text for pair in made for text in normed(*pair)]
    assert set(first.parts) == set(parts(*rows, *(f"{name}.weight 1" for name in read)))
    assert len(first.parts) == len(set(first.parts))
    assert (second.units, second.weights) == (8, TIED)


def test_every_channel_of_a_residual_network_is_in_one_group():
    inner = [units for blocks in SPECS["resnet"]["inner"] for units in blocks]
    assert sorted(group.units for group in groups("resnet")) == sorted(SPECS["resnet"]["outer"] + inner)
    made = [weight for group in groups("resnet") for weight in group.weights]
    convolutions = [n for n, tensor in sample("resnet").named_parameters() if tensor.dim() == 4]
    assert sorted(made) == sorted(convolutions)


def test_the_channels_inside_a_bottleneck_are_in_no_other_layer():
    """Each of its first two convolutions is a group of its own; the third is tied to all others of its stage."""
    inside = {group.name: group for group in groups("resnet-50") if group.name.startswith("layer")}
    for block in ("layer1.0", "layer1.1", "layer1.2", "layer2.0"):
        for position, units in ((1, 4 if block < "layer2" else 8), (2, 4 if block < "layer2" else 8)):
            name = f"{block}.conv{position}"
            rows = normed(name, f"{block}.bn{position}")
            expected = parts(*rows, f"{block}.conv{position + 1}.weight 1")
            assert inside[name].units == units and inside[name].weights == (f"{name}.weight",)
            assert set(inside[name].parts) == set(expected) and len(inside[name].parts) == len(expected)
    tied = {group.weights: group.units for group in groups("resnet-50") if len(group.weights) > 1}
    first = [f"layer1.{block}.conv3.weight" for block in range(3)]
    assert tied == {
        (first[0], "layer1.0.downsample.0.weight", *first[1:]): 16,
        ("layer2.0.conv3.weight", "layer2.0.downsample.0.weight"): 32,
    }
    assert len(groups("resnet-50")) == 1 + 8 + len(tied)  # the stem's, those inside, those between


def test_the_channels_of_a_stage_are_tied_and_those_inside_a_block_are_not():
    """ResNet-20: a group of each block's own, and one of each stage, the first with the stem."""
    sizes = {group.name: group.units for group in groups("resnet-20") if len(group.weights) == 1}
    inside = {f"layer{stage}.{block}.conv1": 2**stage for stage in (1, 2, 3) for block in range(3)}
    tied = [(group.units, len(group.weights)) for group in groups("resnet-20") if len(group.weights) > 1]
    assert sizes == inside and sorted(tied) == [(2, 4), (4, 4), (8, 4)]


def test_pooling_before_the_classifier_makes_blocks():
    """VGG reads 7x7 places of each channel."""
    last = next(group for group in groups("vgg") if group.weights == ("features.25.weight",))
    rows = [f"features.{name} 0" for name in ("25.weight", "25.bias", "26.weight", "26.bias")]
    rows += ["features.26.running_mean 0", "features.26.running_var 0"]
    assert last == Group("features.25", "channels", 32, last.weights, parts(*rows, "classifier.0.weight 1 49"))
    assert [group.units for group in groups("vgg")] == SPECS["vgg"]["channels"] + SPECS["vgg"]["hidden"]


def test_a_group_of_one_unit_has_nothing_to_lose():
    network = build(SPECS["dnn"] | {"hidden": [4, 1, 3]})
    expected = Group("hidden.1", "neurons", 1, ("hidden.1.weight",), ())
    assert find_groups(network)[1] == expected
    assert [len(group.parts) for group in find_groups(network)] == [3, 0, 3]


@pytest.mark.parametrize("name", ["dnn", "mobile"])
def test_the_network_stays_as_it_was(name):
    network, before = sample(name).train(), sample(name).state_dict()
    find_groups(network)
    assert network.training
    state = network.state_dict()
    assert list(state) == list(before) and all(tensor.equal(state[key]) for key, tensor in before.items())
    assert {type(parameter) for parameter in network.parameters()} == {nn.Parameter}


class Told(nn.Module):
    def spec(self):
        return {"family": "mine:Told", "shape": [1, 8, 8], "classes": 10}


class Flat(Told):
    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(images.flatten(1))


class Fused(Told):
    """torch's own attention, into which NNCF does not see."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Linear(8, 6)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.classifier = nn.Linear(6, 10)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.embedding(images.flatten(1, 2))
        return self.classifier((tokens + self.attention(tokens, tokens, tokens)[0]).mean(1))


@pytest.mark.parametrize(("network", "layers"), [(Flat(), "classifier"), (Fused(), "embedding, .*, classifier")])
def test_nothing_to_cut_is_an_error_that_names_layers_and_reasons(network, layers):
    with pytest.raises(
        UserError, match=rf"^prune: nothing can be cut, layers {layers}: Could .*because.*; allowed: networks"
    ) as e:
        find_groups(network)
    assert "\n" not in str(e.value)
