"""Specs of networks of four stages and of whole blocks give what they always did, to the last bit."""

import pytest
import torch
from first_structures import FirstResNet, FirstViT

from minarch.models.build import build
from minarch.models.families import ResNet, Vit

CUT_RESNET = {"family": "resnet", "shape": [3, 16, 12], "classes": 7, "stem": "imagenet"}
CUT_RESNET |= {"outer": [4, 5, 3, 8], "inner": [[2, 3], [5, 1], [4], [6, 2, 1]]}
CUT_VIT = {"family": "vit", "shape": [1, 8, 12], "classes": 7, "patch": 4, "width": 6, "head_size": 2}
CUT_VIT |= {"heads": [3, 1], "ffn": [5, 9]}
SPECS = {
    "resnet": (ResNet(depth=18, width=4).spec([1, 8, 8], 10), FirstResNet),
    "resnet34": (ResNet(depth=34, width=3, stem="imagenet").spec([3, 32, 32], 10), FirstResNet),
    "cut resnet": (CUT_RESNET, FirstResNet),
    "vit": (Vit(depth=2, width=16, heads=4, patch=4).spec([1, 8, 8], 10), FirstViT),
    "cut vit": (CUT_VIT, FirstViT),
}


@pytest.mark.parametrize("name", SPECS)
def test_the_same_names_initialisation_outputs_gradients_and_statistics(name):
    spec, first_class = SPECS[name]
    torch.manual_seed(0)
    network = build(spec)
    torch.manual_seed(0)
    first = first_class(**{field: value for field, value in spec.items() if field != "family"})
    assert network.spec() == spec
    assert [n for n, _ in network.named_parameters()] == [n for n, _ in first.named_parameters()]
    assert_same_state(network, first)

    images = torch.randn(9, *spec["shape"])
    for mode in (True, False):  # the second time with statistics that are no longer the initial ones
        logits, expected = network.train(mode)(images), first.train(mode)(images)
        assert logits.equal(expected)
        logits.square().sum().backward()
        expected.square().sum().backward()
    assert_same_state(network, first)
    gradients = {n: p.grad for n, p in first.named_parameters()}
    assert all(p.grad.equal(gradients[n]) for n, p in network.named_parameters())


def assert_same_state(network, first):
    state, expected = network.state_dict(), first.state_dict()
    assert list(state) == list(expected)
    assert all(tensor.equal(expected[name]) for name, tensor in state.items())
