"""The residual width of a transformer: exactly which entries go with it, and that the cut is what the mask is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from networks import SPECS, closed_form, groups, sample
from stage import method, read, same
from torch import Tensor, nn

from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.families import Family, Spec
from minarch.models.vit import Block
from minarch.models.weights import load_networks
from minarch.pruning.cut import cut, masked
from minarch.pruning.importance import score
from minarch.pruning.stream import find_stream
from minarch.pruning.structured import Criterion, prune_structured

TRANSFORMERS = ["vit", "fewer blocks"]
NAMES = pytest.mark.parametrize("name", TRANSFORMERS)
SCOPES = pytest.mark.parametrize("scope", ["layer", "global"])


@dataclass(frozen=True, kw_only=True)
class Tokens(Family):
    """Other names than the ViT's, no class token, a learned table of places."""

    network: ClassVar[str] = "test_stream:TokensNetwork"
    depth: int = 1

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        return {"family": self.name, "shape": list(shape), "classes": classes, "carried": 12, "heads": 4, "inner": [9]}


class TokensNetwork(nn.Module):
    """Rows of pixels as tokens, one block, the mean of the tokens."""

    def __init__(self, shape: Sequence[int], classes: int, carried: int, heads: int, inner: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.rows = nn.Linear(shape[2], carried)
        self.places = nn.Embedding(shape[1], carried)
        self.block = Block(carried, heads, 5, inner[0])
        self.scale = nn.LayerNorm(carried)
        self.answer = nn.Linear(carried, classes)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.rows(images[:, 0].flatten(0, 1)).unflatten(0, images[:, 0].shape[:2])
        tokens = self.block(tokens + self.places.weight)
        logits: Tensor = self.answer(self.scale(tokens).mean(1))
        return logits

    def spec(self) -> Spec:
        sizes = {"carried": len(self.rows.weight), "heads": self.block.heads, "inner": [self.block.ffn]}
        return {"family": Tokens.name, "shape": list(self.shape), "classes": len(self.answer.weight)} | sizes


@dataclass(frozen=True, kw_only=True)
class Shared(Tokens):
    """The size of a head is the width through the number of heads."""

    network: ClassVar[str] = "test_stream:SharedNetwork"

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        return super().spec(shape, classes) | {"family": self.name}


class SharedNetwork(TokensNetwork):
    def __init__(self, shape: Sequence[int], classes: int, carried: int, heads: int, inner: Sequence[int]) -> None:
        super().__init__(shape, classes, carried, heads, inner)
        self.block = Block(carried, heads, carried // heads, inner[0])

    def spec(self) -> Spec:
        return super().spec() | {"family": Shared.name}


@dataclass(frozen=True, kw_only=True)
class Listed(Tokens):
    """The width is told in a list, as one of several might be."""

    network: ClassVar[str] = "test_stream:ListedNetwork"

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        return super().spec(shape, classes) | {"family": self.name, "carried": [12]}


class ListedNetwork(TokensNetwork):
    def __init__(self, carried: Sequence[int], **sizes: Any) -> None:
        super().__init__(carried=carried[0], **sizes)

    def spec(self) -> Spec:
        return super().spec() | {"family": Listed.name, "carried": [len(self.rows.weight)]}


def users(family):
    torch.manual_seed(0)
    return build(family().spec([1, 8, 8], 10)).eval()


def criterion(**options):
    return Criterion(**{"heads": True, "residual": True, "round_to": 1} | options)


def kept(cut):
    return {name: int(mask.sum()) for name, mask in cut.masks.items()}


def all_groups(name):
    return [find_stream(sample(name)), *groups(name)]


def test_the_stream_of_a_vit():
    stream = find_stream(sample("fewer blocks"))
    assert (stream.name, stream.kind, stream.units) == ("residual stream", "width", 8)
    assert stream.weights == (
        *("class_token", "positions", "embedding.weight", "blocks.0.fc2.weight", "blocks.1.output.weight"),
        *("blocks.3.output.weight", "blocks.3.fc2.weight"),
    )
    outputs = ["embedding", "blocks.0.fc2", "blocks.1.output", "blocks.3.output", "blocks.3.fc2"]
    norms = ["blocks.0.norm2", "blocks.1.norm1", "blocks.3.norm1", "blocks.3.norm2", "norm"]
    readers = ["blocks.0.fc1", "blocks.3.fc1", "classifier"]
    readers += [f"blocks.{block}.{name}" for block in (1, 3) for name in ("query", "key", "value")]
    expected = {("class_token", 2), ("positions", 2), *((f"{name}.weight", 1) for name in readers)}
    expected |= {(f"{name}.{kind}", 0) for name in (*outputs, *norms) for kind in ("weight", "bias")}
    assert {(part.tensor, part.dim) for part in stream.parts} == expected and len(stream.parts) == len(expected)
    assert {(part.offset, part.size) for part in stream.parts} == {(0, 1)}


@pytest.mark.parametrize("seed", range(3))
@NAMES
@torch.no_grad()
def test_the_cut_network_computes_what_the_masked_one_does(name, seed):
    generator, network, parts = torch.Generator().manual_seed(seed), sample(name), all_groups(name)
    masks = {group.name: torch.rand(group.units, generator=generator) < 0.6 for group in parts}
    for mask in masks.values():
        mask[seed % len(mask)] = True
    images = torch.randn(200, *SPECS[name]["shape"], generator=generator)
    shrunk, expected = cut(network, parts, masks), masked(network, parts, masks)(images)
    spec = shrunk.spec()
    assert (shrunk(images) - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert (expected - network(images)).abs().max() > 1e-3
    assert spec["width"] == int(masks["residual stream"].sum()) and spec["head_size"] == 2
    assert (parameters(shrunk), macs(shrunk, spec["shape"])) == closed_form(spec)
    assert shrunk.embedding.weight.equal(network.embedding.weight[masks["residual stream"]])
    assert shrunk.positions.equal(network.positions[:, :, masks["residual stream"]])
    assert same(network, sample(name))


@torch.no_grad()
def test_what_is_masked_has_no_part_in_the_norms():
    """The entries that go may be anything: the masked network does not read them."""
    network, other, parts = sample("vit"), sample("vit"), all_groups("vit")
    masks = {group.name: torch.ones(group.units, dtype=torch.bool) for group in parts}
    masks["residual stream"][[1, 4]] = False
    for part in parts[0].parts:
        other.state_dict()[part.tensor].index_fill_(part.dim, torch.tensor([1, 4]), 7.0)
    images = torch.randn(50, 1, 8, 8)
    expected = masked(network, parts, masks)(images)
    torch.testing.assert_close(masked(other, parts, masks)(images), expected, rtol=0, atol=0)
    assert (other(images) - network(images)).abs().max() > 0.1


def test_what_is_left_trains():
    shrunk = prune_structured(sample("vit"), level=0.4, criterion=criterion(target="macs")).network
    logits = shrunk(torch.randn(100, *SPECS["vit"]["shape"]))
    nn.functional.cross_entropy(logits, torch.arange(100) % 10).backward()
    assert [n for n, p in shrunk.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []


@SCOPES
@NAMES
def test_three_quarters_of_the_macs_go_where_they_could_not(name, scope):
    network, full = sample(name), closed_form(SPECS[name])[1]
    with pytest.raises(UserError, match=r"^prune.levels: 0.75 of the MACs cannot go, .*; allowed: at most 0.\d+$"):
        prune_structured(network, level=0.75, criterion=criterion(target="macs", scope=scope, residual=False))
    cut = prune_structured(network, level=0.75, criterion=criterion(target="macs", scope=scope))
    assert macs(cut.network, SPECS[name]["shape"]) <= 0.25 * full
    assert cut.network.spec()["width"] == kept(cut)["residual stream"] < SPECS[name]["width"]


def test_the_width_goes_only_where_asked():
    without = prune_structured(sample("vit"), level=0.5, criterion=criterion(residual=False))
    alone = prune_structured(sample("vit"), level=0.5, criterion=criterion(heads=False))
    assert without.network.spec() == SPECS["vit"] | {"ffn": [5, 4], "heads": [2, 2]}
    assert alone.network.spec() == SPECS["vit"] | {"ffn": [5, 4], "width": 4}
    sizes = [(group["name"], group["kind"], group["before"], group["after"]) for group in alone.group_sizes()]
    assert sizes[0] == ("residual stream", "width", 8, 4) and len(sizes) == 3


@pytest.mark.parametrize("name", [name for name in SPECS if name not in TRANSFORMERS])
def test_a_network_without_tokens_is_cut_as_ever(name):
    first, second = (
        prune_structured(sample(name), level=0.5, criterion=criterion(residual=residual)) for residual in (True, False)
    )
    assert same(first.network, second.network) and first.group_sizes() == second.group_sizes()


def test_floors_and_multiples_hold_for_the_width():
    cut = prune_structured(sample("vit"), level=0.99, criterion=criterion(scope="global", floor=0.45))
    assert kept(cut)["residual stream"] == 4
    cut = prune_structured(sample("vit"), level=0.6, criterion=criterion(round_to=4))
    assert kept(cut)["residual stream"] == 4
    cut = prune_structured(sample("vit"), level=0.99, criterion=criterion())
    assert kept(cut) == {group.name: 2 if group.kind == "width" else 1 for group in cut.groups}
    logits = cut.network(torch.randn(100, 1, 8, 8))
    assert (logits - logits[0]).abs().max() > 0  # of one unit nothing would be left of the images


@SCOPES
@pytest.mark.parametrize("target", ["units", "macs"])
def test_levels_that_build_on_each_other_reach_the_same(target, scope):
    original, options = sample("vit"), criterion(scope=scope, target=target)
    direct = prune_structured(original, level=0.6, criterion=options)
    some = prune_structured(original, level=0.3, criterion=options)
    more = prune_structured(some.network, level=0.6, criterion=options, original=original)
    assert more.before == some.before == direct.before and more.before["residual stream"] == 8
    if scope == "layer":
        assert kept(more) == kept(direct)
    elif target == "units":
        assert sum(kept(more).values()) == sum(kept(direct).values())
    else:
        assert macs(more.network, [1, 8, 8]) <= 0.4 * closed_form(SPECS["vit"])[1]


def test_the_last_units_of_the_width_stay_through_further_levels():
    some = prune_structured(sample("vit"), level=0.99, criterion=criterion())
    more = prune_structured(some.network, level=0.995, criterion=criterion(), original=sample("vit"))
    assert more.group_sizes() == some.group_sizes() and same(more.network, some.network)


@pytest.mark.parametrize("norm", [1, 2])
def test_importances_are_summed_over_what_is_added_to_the_stream(norm):
    """L1 and L2; embedding and last layers hold the width in rows, class token and positions in the last dimension."""
    network = sample("vit")
    layers = [network.embedding, *(layer for block in network.blocks for layer in (block.output, block.fc2))]
    made = [layer.weight.flatten(1) for layer in layers] + [network.class_token[0].T, network.positions[0].T]
    expected = sum(torch.linalg.vector_norm(rows, norm, dim=1) for rows in made)
    scores = score(network, find_stream(network), f"L{norm}", torch.Generator())
    torch.testing.assert_close(scores, expected.detach())
    cut = prune_structured(network, level=0.5, criterion=criterion(importance=f"L{norm}"))
    assert expected[~cut.masks["residual stream"]].max() < expected[cut.masks["residual stream"]].min()


@pytest.mark.parametrize("importance", ["L1", "L2", "geometric_median", "random"])
def test_every_importance_ranks_the_width(importance):
    cut = prune_structured(sample("vit"), level=0.5, criterion=criterion(importance=importance, scope="global"))
    assert 1 <= kept(cut)["residual stream"] <= 8


def test_a_transformer_of_other_names_is_cut():
    network = users(Tokens)
    stream = find_stream(network)
    assert stream.units == 12
    assert stream.weights == ("rows.weight", "places.weight", "block.output.weight", "block.fc2.weight")
    cut = prune_structured(network, level=0.5, criterion=criterion())
    assert cut.network.spec() == network.spec() | {"carried": 6, "heads": 2, "inner": [5]}


@pytest.mark.parametrize("family", [Shared, Listed])
def test_a_width_that_cannot_be_cut_by_itself_is_one_line(family):
    network = users(family)
    line = rf"prune.methods: residual: true is not allowed for {family.name}, .*; allowed: false, or a transformer .*"
    with pytest.raises(UserError, match=f"^{line}$"):
        prune_structured(network, level=0.5, criterion=criterion(heads=False))
    without = prune_structured(network, level=0.5, criterion=criterion(heads=False, residual=False))
    assert without.network.spec() == network.spec() | {"inner": [5]}


@pytest.mark.usefixtures("short_evolution")
@pytest.mark.parametrize(
    "how",
    [{}, {"importance": "learned", "scope": "global"}, {"weights": "rewound"}, {"weights": "fresh"}],
    ids=["trained", "learned", "rewound", "fresh"],
)
def test_an_item_cuts_trains_and_keeps_the_width(run, sweep_items, how):
    options = {"heads": True, "residual": True, "target": "macs"} | how
    out = run(method(level=0.75, **options), sweep_items["vit"])
    networks = load_networks(out)
    for entry in read(out / "results.json")["repeats"]:
        stream = next(group for group in entry["groups"] if group["kind"] == "width")
        assert stream["after"] == entry["spec"]["width"] < stream["before"]
        assert entry["macs"] <= 0.25 * entry["macs_before"] and entry["status"] == "ok"
        assert networks[entry["repeat"]].spec() == entry["spec"]


def test_an_iterative_level_goes_on_from_a_cut_width(run, sweep_items):
    options = {"heads": True, "residual": True, "schedule": "iterative"}
    first = run(method(level=0.25, **options), sweep_items["vit"])
    second = run(method(level=0.5, **options), first, origin=sweep_items["vit"])
    for one, two in zip(*(read(out / "results.json")["repeats"] for out in (first, second)), strict=True):
        assert one["spec"]["width"] == one["groups"][0]["after"] > two["groups"][0]["after"] == two["spec"]["width"]
        assert one["groups"][0]["before"] == two["groups"][0]["before"] == 2 * two["spec"]["width"]
