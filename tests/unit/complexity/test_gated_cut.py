"""What is cut away computes what gates that are off leave, to rounding, and costs what the gates let expect."""

import pytest
import torch
from gated_networks import EVERY, ensemble_of, gated, gates_of, images_for, stack_of, structure, turn
from torch.nn import functional

from minarch.complexity import ensemble as module
from minarch.complexity.branches import branches_of, without
from minarch.data.tensors import Split
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.weights import finite
from minarch.pruning.recovery import reestimate
from minarch.training.stacked.pixels import Pixels

EXACT = 1e-12  # relative, in float64
ROUNDED = 1e-5  # in float32: sums of some ten products are taken in another order, through up to nine layers


def relative(one, other):
    return float((one - other).abs().max() / other.abs().max())


def digits_like(gates, count=48):
    """Random images of the networks' shape, as a split."""
    shape = gates.structure.spec["shape"]
    generator = torch.Generator().manual_seed(2)
    images = torch.randint(256, (count, *shape), generator=generator, dtype=torch.uint8)
    labels = torch.randint(gates.structure.spec["classes"], (count,), generator=generator)
    return Split(images, labels, torch.full((shape[0],), 127.5), torch.full((shape[0],), 70.0))


@torch.no_grad()
def compare(name, gates, ensemble, whole, tolerance):
    """Compare the networks that an ensemble leaves with `whole` ones, of which gates take what is off."""
    images, (counts, work) = images_for(gates), gates.expected()
    for position, network in enumerate(whole):
        small = ensemble.network(position)
        with gated(network, gates_of(name), gates.whole()[position]):
            expected = network(images)
        assert relative(small(images), expected) <= tolerance
        assert relative(network(images), expected) > 1e-3  # these gates do change something
        assert not small.training and build(small.spec()).spec() == small.spec()
        assert (parameters(small), macs(small, small.spec()["shape"])) == (counts[position], work[position])
        units, kept = (numbers[position] for numbers in gates.kept())
        assert [branch.name for branch in branches_of(small.spec())] == [
            branch.name for branch, stays in zip(structure(name).branches, kept, strict=True) if stays
        ]
        assert all((count == 0) == (around is not None and not kept[around])
                   for count, around in zip(units, structure(name).around, strict=True))  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@EVERY
def test_what_is_cut_computes_and_costs_what_gates_leave(float64, name, seed, monkeypatch):
    monkeypatch.setattr(module, "WORTHWHILE", 1.0)  # cut whatever is off in all networks
    gates = gates_of(name, stack_of(name))
    ensemble = ensemble_of(name, gates)
    whole = [build(gates.structure.spec).eval() for _ in gates.theta]
    for position, network in enumerate(whole):
        network.load_state_dict(ensemble.state(position))
    turn(gates, seed)
    compare(name, gates, ensemble, whole, EXACT)  # of each network what is off in it
    macs_before = ensemble.macs
    ensemble.rest()  # what is off in all goes first
    assert ensemble.macs < macs_before
    assert all(parameter.numel() for parameter in build(ensemble.spec).parameters())
    compare(name, gates, ensemble, whole, EXACT)


@EVERY
def test_in_float32_it_does_so_to_rounding(name):
    gates = gates_of(name, stack_of(name))
    ensemble = ensemble_of(name, gates)
    whole = [build(gates.structure.spec).eval() for _ in gates.theta]
    for position, network in enumerate(whole):
        network.load_state_dict(ensemble.state(position))
    turn(gates, 3)
    ensemble.rest()
    compare(name, gates, ensemble, whole, ROUNDED)


@EVERY
def test_the_gates_of_these_tests_leave_branches_out_and_differ_in_a_stack(name):
    """Or those tests would show nothing of it."""
    kept, widths = [], []
    for seed in range(3):
        gates = gates_of(name, stack_of(name))
        turn(gates, seed)
        units, branches = gates.kept()
        kept += [stays for of_network in branches for stays in of_network]
        widths.append(units)
    assert not structure(name).branches or set(kept) == {True, False}
    assert stack_of(name) == 1 or all(len({tuple(units) for units in of_stack}) > 1 for of_stack in widths)


@pytest.mark.parametrize("name", ["vit", "dnn", "cnn"])
def test_measured_alike_before_and_after_a_cut(float64, name):
    gates = gates_of(name, 3)
    ensemble, pixels = ensemble_of(name, gates), None
    pixels = Pixels(digits_like(gates), 10, ensemble.products.device)
    turn(gates, 1)
    before, split = ensemble.measure(pixels), digits_like(gates)
    ensemble.settle(split)
    torch.testing.assert_close(ensemble.measure(pixels), before, rtol=1e-10, atol=0)
    images = split.batch(slice(None))
    for position, loss in enumerate(before[0]):
        logits = ensemble.network(position)(images)
        torch.testing.assert_close(functional.cross_entropy(logits, split.labels), loss, rtol=1e-6, atol=0)


def test_a_unit_or_branch_that_only_one_network_of_a_stack_lost_stays_in_the_others(float64):
    gates = gates_of("vit", 2)
    ensemble, groups = ensemble_of("vit", gates), gates.structure.groups
    first_feed_forward_part = gates.remains.slices[1]
    gates.theta[0, first_feed_forward_part] = torch.tensor([1.0, 0, 0, 1, 1, 1, 0, 1, 1, 1])
    gates.theta[0, gates.remains.slots[2]] = 0  # the second attention
    ensemble.settle(digits_like(gates))
    assert groups[1].name == "blocks.0.fc1" and gates.structure.branches[2].name == "blocks.1.attention"
    assert ensemble.spec == gates.structure.spec
    specs = [ensemble.network(position).spec() for position in range(2)]
    assert specs == [gates.structure.spec | {"ffn": [7, 7], "heads": [4, 0]}, gates.structure.spec]


def test_a_stem_whose_first_branch_is_gone_loses_units(float64):
    """Its channels are read by that branch, too, and by the projection around it."""
    gates = gates_of("bottlenecks")
    ensemble = ensemble_of("bottlenecks", gates)
    gates.theta[0, gates.remains.slots[0]] = 0
    gates.theta[0, 1:3] = 0
    gates.fixed[:] = True
    ensemble.rest()
    assert ensemble.spec["inner"][0][0] == 0 and ensemble.spec["width"] == 3
    assert ensemble.network(0).spec() == ensemble.spec


@EVERY
def test_gradients_and_slopes_are_those_of_autograd(float64, name):
    """Of weights and gates, at gates that are drawn, in every network of a stack."""
    gates = gates_of(name, stack_of(name))
    ensemble, split = ensemble_of(name, gates), digits_like(gates)
    gates.theta[:], gates.moving, noted = 0.7, True, []
    gates.move = lambda slopes, drawn: noted.append((slopes, drawn))
    index = torch.stack([torch.randperm(len(split))[:16] for _ in gates.theta])
    with torch.no_grad():
        ensemble.differentiate(Pixels(split, 10, ensemble.products.device), index)
    ((slopes, drawn),) = noted
    assert 0 < drawn.mean() < 1
    for position in range(len(drawn)):
        network = build(gates.structure.spec).train()
        network.load_state_dict(ensemble.state(position))
        values = drawn[position].double().requires_grad_()
        with gated(network, gates, values):
            logits = network(split.batch(index[position]))
        functional.cross_entropy(logits, split.labels[index[position]]).backward()
        torch.testing.assert_close(slopes[position].double(), values.grad, rtol=1e-5, atol=1e-7)  # added up in float32
        for tensor, parameter in network.named_parameters():
            mine = ensemble.parameters[tensor].grad[position]
            torch.testing.assert_close(mine, parameter.grad, rtol=1e-6, atol=1e-9)


@EVERY
def test_a_spec_without_all_its_branches_is_a_network(name):
    spec = structure(name).spec
    bare = without(spec, branches_of(spec))
    assert branches_of(bare) == [] and finite(build(bare)) and (bare == spec) == (not branches_of(spec))


def test_the_unit_that_stays_is_the_one_that_what_is_left_reads_most(float64):
    """What others are cut from their stack, weights of units that are gone do not count."""
    gates = gates_of("dnn")
    ensemble, reading = ensemble_of("dnn", gates), torch.zeros(9, 12)
    reading[0, 3], reading[1, 5] = 100.0, 1.0
    ensemble.parameters["hidden.1.weight"].value.data[0] = reading
    gates.theta[0, gates.remains.slices[1].start], gates.fixed[0, gates.remains.slices[1].start] = 0, True
    gates.theta[0, gates.remains.slices[0]] = 0
    whole = ensemble.state(0)
    ensemble.settle(digits_like(gates))
    left = ensemble.network(0)
    assert left.spec()["hidden"] == [1, 8, 7]
    assert left.hidden[0].weight[0].equal(whole["hidden.0.weight"][5])


@pytest.mark.parametrize("name", ["resnet", "bottlenecks"])
def test_statistics_are_estimated_anew_once_gates_are_fixed(name):
    gates = gates_of(name)
    ensemble, split = ensemble_of(name, gates), digits_like(gates)
    turn(gates, 0)
    left = ensemble.network(0)
    ensemble.settle(split)
    settled = ensemble.network(0).state_dict()
    before = {tensor: value.clone() for tensor, value in left.state_dict().items()}
    reestimate(left, split)
    for tensor, value in left.state_dict().items():
        torch.testing.assert_close(settled[tensor], value, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(before["bn1.running_mean"], settled["bn1.running_mean"], atol=1e-2)
