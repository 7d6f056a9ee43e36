"""Parity fails where a file does not compute what the network does."""

import pytest
import torch
from torch import nn

from minarch.quantization.arithmetic import saturates
from minarch.quantization.parity import parity, processor_parity, torch_logits

LOGITS = torch.tensor([[1.0, -20.0, 3.0], [0.0, 1.0, 2.0], [5.0, 4.0, 3.0], [0.0, 0.1, 0.0]])


def test_equal_logits():
    nothing = {"median_difference": 0.0, "largest_difference": 0.0}
    assert parity("a.xml", LOGITS, LOGITS) == {"agreement": 1.0, "bound": 1e-4 * 20, **nothing}


def test_the_bound_is_relative_to_the_largest_logit_or_to_one():
    moved = LOGITS + torch.tensor([0.0, 0.0, 0.00199])
    assert parity("a.xml", moved, LOGITS)["largest_difference"] == pytest.approx(0.00199, rel=1e-2)
    with pytest.raises(RuntimeError, match=r"a\.xml"):
        parity("a.xml", moved / 100, LOGITS / 100 + 1e-3)
    assert parity("a.xml", LOGITS / 1000, LOGITS / 1000)["bound"] == 1e-4


@pytest.mark.parametrize("value", [0.003, torch.nan, torch.inf])
def test_a_difference_above_the_bound_is_an_error(value):
    wrong = LOGITS.clone()
    wrong[2, 1] += value
    with pytest.raises(RuntimeError, match=r"int8\.onnx is not what was exported"):
        parity("int8.onnx", wrong, LOGITS)


def test_of_quantized_networks_single_images_may_differ_but_not_most():
    moved = LOGITS.clone()
    moved[0] += 1.5  # the bound is 1
    record = parity("int8.xml", moved, LOGITS, quantized=True)
    assert (record["bound"], record["median_difference"], record["largest_difference"]) == (1.0, 0.0, 1.5)
    moved[1:3] += 1.5
    with pytest.raises(RuntimeError, match=r"int8\.xml is not what was exported"):
        parity("int8.xml", moved, LOGITS, quantized=True)
    with pytest.raises(RuntimeError):
        parity("int8.xml", LOGITS * torch.nan, LOGITS, quantized=True)


def test_a_processor_may_only_saturate_files_that_are_for_others():
    """`make test` runs this on both kinds of processor."""
    moved, as_before = LOGITS + 1.5, LOGITS  # the bound is 1
    assert not processor_parity("int8.xml", LOGITS + 0.5, LOGITS, as_before, "any")["saturated"]
    with pytest.raises(RuntimeError, match="saturate on this one" if saturates() else "though its products fit"):
        processor_parity("int8.xml", moved, LOGITS, as_before, "any")
    if saturates():
        record = processor_parity("int8.xml", moved, LOGITS, as_before, "vnni")
        assert record["saturated"] and record["agreement"] == 1.0
    else:
        with pytest.raises(RuntimeError, match=r"int8\.xml is not what this processor computes"):
            processor_parity("int8.xml", moved, LOGITS, as_before, "vnni")


def test_a_processor_may_move_logits_by_half_of_what_quantization_moved_them():
    quantized = LOGITS + 4.0
    record = processor_parity("int8.xml", quantized + 1.9, quantized, LOGITS, "vnni")
    assert record["bound"] == 2.0 and not record["saturated"]
    if saturates():
        assert processor_parity("int8.xml", quantized + 2.1, quantized, LOGITS, "vnni")["saturated"]
    else:
        with pytest.raises(RuntimeError, match=r"logits differ 2\.1"):
            processor_parity("int8.xml", quantized + 2.1, quantized, LOGITS, "vnni")


def test_agreement_counts_predictions():
    other = LOGITS.clone()
    other[3, 0] = 0.2
    assert parity("a.xml", other, LOGITS, quantized=True)["agreement"] == 0.75


def test_logits_of_batches_are_those_of_all():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).eval()
    images = torch.rand(11, 1, 2, 2)
    with torch.no_grad():
        torch.testing.assert_close(torch_logits(network, images, batch_size=4), network(images))
