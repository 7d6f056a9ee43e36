"""Structured pruning as a whole: as much goes as asked, of units or MACs, by layer or by one ranking."""

import copy
from math import ceil

import pytest
import torch
from networks import SPECS, closed_form, groups, sample

from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.cost import macs
from minarch.models.weights import load_networks
from minarch.pruning.cut import cost_of
from minarch.pruning.groups import HEADS
from minarch.pruning.importance import score
from minarch.pruning.structured import Criterion, prune_structured

NAMES = pytest.mark.parametrize("name", SPECS)
SCOPES = pytest.mark.parametrize("scope", ["layer", "global"])
LEVELS = pytest.mark.parametrize("level", [0.3, 0.6])
IMPORTANCES = ["L1", "L2", "geometric_median", "random"]


def criterion(**options):
    return Criterion(**{"round_to": 1} | options)


def kept(cut):
    return {name: int(mask.sum()) for name, mask in cut.masks.items()}


def same(first, second):
    theirs = second.state_dict()
    return list(first.state_dict()) == list(theirs) and all(
        tensor.equal(theirs[name]) for name, tensor in first.state_dict().items()
    )


@LEVELS
@NAMES
def test_every_layer_loses_the_level(name, level):
    cut = prune_structured(sample(name), level=level, criterion=criterion(heads=True))
    assert cut.groups == groups(name)
    for group in cut.groups:
        wanted = group.units * (1 - level)
        assert wanted - 1e-9 <= kept(cut)[group.name] < wanted + 1
    shares = [1 - count / cut.before[name] for name, count in kept(cut).items()]
    assert min(shares) <= cut.removed_share <= level + 1e-9


@LEVELS
@NAMES
def test_one_ranking_loses_exactly_the_level(name, level):
    cut = prune_structured(sample(name), level=level, criterion=criterion(scope="global", heads=True))
    units = sum(group.units for group in groups(name))
    assert sum(kept(cut).values()) == units - round(level * units)
    assert cut.removed_share == pytest.approx(level, abs=0.5 / units + 1e-9)
    assert min(kept(cut).values()) >= 1
    assert len({kept(cut)[group.name] / group.units for group in groups(name)}) > 1  # layers lose different shares


@SCOPES
@NAMES
def test_no_more_macs_stay_than_asked_and_hardly_fewer(name, scope):
    network, level = sample(name), 0.4
    cut = prune_structured(network, level=level, criterion=criterion(scope=scope, target="macs", heads=True))
    spec = cut.network.spec()
    assert macs(cut.network, spec["shape"]) == closed_form(spec)[1] <= (1 - level) * closed_form(SPECS[name])[1]
    one_more = {group.name: min(group.units, kept(cut)[group.name] + 1) for group in cut.groups}
    assert cost_of(network, cut.groups)(one_more) > (1 - level) * closed_form(SPECS[name])[1]
    assert min(kept(cut).values()) >= 1


@SCOPES
@pytest.mark.parametrize(
    ("name", "target", "level"),
    [
        ("vit", "units", 0.5),
        ("vit", "macs", 0.1),
        ("resnet", "units", 0.5),
        ("resnet", "macs", 0.3),
        ("vgg", "units", 0.5),
    ],
)
def test_kept_units_are_multiples(name, target, level, scope):
    cut = prune_structured(sample(name), level=level, criterion=criterion(scope=scope, target=target, round_to=4))
    assert any(count < cut.before[group] for group, count in kept(cut).items())
    for group, count in kept(cut).items():
        assert count % 4 == 0 or count == cut.before[group]


@SCOPES
@NAMES
def test_at_least_one_unit_of_every_layer_stays(name, scope):
    cut = prune_structured(sample(name), level=0.99, criterion=criterion(scope=scope, floor=0, heads=True))
    assert set(kept(cut).values()) == {1}
    assert torch.isfinite(cut.network(torch.randn(4, *SPECS[name]["shape"]))).all()


@NAMES
def test_one_ranking_leaves_every_layer_its_floor(name):
    cut = prune_structured(sample(name), level=0.99, criterion=criterion(scope="global", floor=0.3, heads=True))
    assert kept(cut) == {group: max(1, ceil(0.3 * units)) for group, units in cut.before.items()}


@NAMES
def test_macs_that_cannot_be_reached_are_an_error(name):
    network = sample(name)
    least = cost_of(network, groups(name))(dict.fromkeys((group.name for group in groups(name)), 1))
    possible = int((1 - least / closed_form(SPECS[name])[1]) * 1e4) / 1e4
    options = criterion(target="macs", heads=True)
    cut = prune_structured(network, level=possible, criterion=options)
    assert macs(cut.network, SPECS[name]["shape"]) == least
    line = rf"prune.levels: {possible + 1e-3} of the MACs cannot go, .*; allowed: at most {possible}"
    with pytest.raises(UserError, match=f"^{line}$"):
        prune_structured(network, level=possible + 1e-3, criterion=options)


def test_heads_go_only_where_asked():
    network = sample("vit")
    without = prune_structured(network, level=0.5, criterion=criterion())
    with_heads = prune_structured(network, level=0.5, criterion=criterion(heads=True))
    assert without.network.spec() == SPECS["vit"] | {"ffn": [5, 4]}
    assert with_heads.network.spec() == SPECS["vit"] | {"ffn": [5, 4], "heads": [2, 2]}
    assert all(group.kind != HEADS for group in without.groups)
    assert without.removed_share == 1 - 9 / 17


def test_only_heads_to_cut_must_be_asked_for():
    attention = build(SPECS["vit"] | {"ffn": [0, 0]})
    with pytest.raises(UserError, match=r"^prune.methods: only attention heads .*; allowed: heads: true$"):
        prune_structured(attention, level=0.5, criterion=criterion())
    assert prune_structured(attention, level=0.5, criterion=criterion(heads=True)).network.spec()["heads"] == [2, 2]


@SCOPES
@pytest.mark.parametrize("importance", IMPORTANCES)
@pytest.mark.parametrize("name", ["dnn", "vit", "resnet", "separable"])
def test_the_least_important_units_go(name, importance, scope):
    """By NNCF's definitions (test_importance); one ranking of all takes those of normalised scores."""
    options = criterion(importance=importance, scope=scope, heads=True)
    cut = prune_structured(sample(name), level=0.5, seed=4, criterion=options)
    generator = torch.Generator().manual_seed(4)
    highest_gone, lowest_kept = [], []
    for group in cut.groups:
        scores = score(sample(name), group, importance, generator, normalised=scope == "global")
        gone, stays = (sorted(scores[mask].tolist()) for mask in (~cut.masks[group.name], cut.masks[group.name]))
        assert not gone or gone[-1] < stays[0]
        highest_gone += gone[-1:]
        lowest_kept += stays[:1] if len(stays) > 1 else []
    if scope == "global":
        assert max(highest_gone) < min(lowest_kept)


def test_random_importance_is_that_of_the_seed():
    def masks(seed):
        return prune_structured(sample("dnn"), level=0.5, criterion=criterion(importance="random"), seed=seed).masks

    assert all(mask.equal(masks(1)[name]) for name, mask in masks(1).items())
    assert not all(mask.equal(masks(2)[name]) for name, mask in masks(1).items())


def test_random_importance_chooses_every_unit_about_equally_often():
    counts = torch.zeros(12)
    for seed in range(60):
        smaller = prune_structured(sample("dnn"), level=0.5, criterion=criterion(importance="random"), seed=seed)
        counts += smaller.masks["hidden.0"]
    assert counts.sum() == 60 * 6
    assert (counts - 30).abs().max() < 15  # four standard deviations


@NAMES
def test_level_0_changes_nothing_and_nothing_changes_the_network_given(name):
    network = sample(name)
    for target in ("units", "macs"):
        cut = prune_structured(network, level=0.0, criterion=criterion(target=target, scope="global", heads=True))
        assert cut.removed_share == 0 and same(cut.network, network)
    prune_structured(network, level=0.5, criterion=criterion(heads=True))
    assert same(network, sample(name)) and network.spec() == SPECS[name]


@pytest.mark.parametrize("importance", IMPORTANCES)
def test_pruning_is_repeatable(importance):
    options = criterion(importance=importance, scope="global", heads=True)
    first, second = (prune_structured(sample("vit"), level=0.4, criterion=options, seed=3).network for _ in range(2))
    assert same(first, second)


@SCOPES
@pytest.mark.parametrize(
    ("name", "target"), [*((name, "units") for name in SPECS), *((name, "macs") for name in ("dnn", "vit", "mobile"))]
)
def test_levels_that_build_on_each_other_reach_the_same_counts(name, target, scope):
    """A level is a share of the original, at the second step too."""
    original, options = sample(name), criterion(scope=scope, target=target, heads=True)
    direct = prune_structured(original, level=0.6, criterion=options)
    some = prune_structured(original, level=0.3, criterion=options)
    more = prune_structured(some.network, level=0.6, criterion=options, original=original)
    if scope == "layer":
        assert kept(more) == kept(direct) and more.removed_share == direct.removed_share
    elif target == "units":  # which layers lose them may differ: importances change as inputs go
        assert sum(kept(more).values()) == sum(kept(direct).values())
    else:
        assert macs(more.network, SPECS[name]["shape"]) <= 0.4 * closed_form(SPECS[name])[1]
    assert more.before == some.before == direct.before
    names = [(group["name"], group["kind"], group["before"]) for group in more.group_sizes()]
    assert names == [(group.name, group.kind, group.units) for group in groups(name)]


@NAMES
def test_a_last_unit_stays_through_further_levels(name):
    """Groups of one unit are still groups: their names and what they had before are kept."""
    original, options = sample(name), criterion(heads=True)
    some = prune_structured(original, level=0.99, criterion=options)
    more = prune_structured(some.network, level=0.995, criterion=options, original=original)
    assert (more.removed_share, more.group_sizes()) == (some.removed_share, some.group_sizes())
    assert same(more.network, some.network)


def test_what_an_item_keeps():
    cut = prune_structured(sample("cnn"), level=0.5, criterion=criterion())
    names = ("convolutions.0", "convolutions.1", "convolutions.2")
    assert cut.removed_share == 1 - 10 / 19
    assert cut.group_sizes() == [
        {"name": name, "kind": "channels", "before": before, "after": after}
        for name, before, after in zip(names, (6, 8, 5), (3, 4, 3), strict=True)
    ]


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_trained_networks_are_cut_alike(sweep_items, family):
    network = load_networks(sweep_items[family])[0]
    before = copy.deepcopy(network)
    cut = prune_structured(network, level=0.5, criterion=criterion(importance="geometric_median"))
    sizes = {"dnn": "hidden", "cnn": "channels", "vit": "ffn"}[family]
    spec = before.spec()
    assert cut.network.spec() == spec | {sizes: [size // 2 for size in spec[sizes]]}
    assert cut.removed_share == 0.5 and same(network, before)
