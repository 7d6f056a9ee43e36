"""LeGR: the same ranking for the same seed, from proposals that differ, judged by training images alone."""

from functools import partial

import pytest
import torch
from networks import groups, sample

from minarch.models.cost import macs
from minarch.models.weights import load_networks
from minarch.pruning import learned
from minarch.pruning.cut import cost_of
from minarch.pruning.importance import score
from minarch.pruning.learned import GENERATIONS, POPULATION, learn_ranking
from minarch.pruning.selection import select
from minarch.pruning.structured import Criterion, prune_structured

pytestmark = pytest.mark.usefixtures("judged_soon")
LEARNED = Criterion(importance="learned", scope="global", round_to=1)


@pytest.fixture
def judged_soon(monkeypatch):
    monkeypatch.setattr(learned, "REWARD_STEPS", 3)
    monkeypatch.setattr(learned, "REWARD_IMAGES", 128)


@pytest.fixture(scope="module")
def trained(sweep_items):
    return load_networks(sweep_items["dnn"])[0]


def learn(network, all_groups, train, seed, target="units"):
    """The ranking, and all proposals on the way."""
    norms = {group.name: score(network, group, "learned", torch.Generator()) for group in all_groups}
    before = {group.name: group.units for group in all_groups}
    kept_units = partial(select, all_groups, level=0.5, scope="global", floor=0, round_to=1, before=before)
    if target == "macs":
        full = macs(network, network.spec()["shape"])
        kept_units = partial(kept_units, macs=cost_of(network, all_groups), full=full)
    proposals = []

    def noted(scores):
        proposals.append(scores)
        return kept_units(scores)

    return learn_ranking(network, all_groups, norms, noted, train, seed), proposals, norms


def equal(first, second):
    return all(tensor.equal(second[name]) for name, tensor in first.items())


@pytest.mark.parametrize("target", ["units", "macs"])
def test_proposals_are_scaled_and_shifted_norms_that_differ(splits, target):
    network, all_groups = sample("dnn"), groups("dnn")
    ranking, proposals, norms = learn(network, all_groups, splits["train"], 0, target)
    assert len(proposals) == GENERATIONS
    assert not any(equal(a, b) for i, a in enumerate(proposals) for b in proposals[:i])
    assert equal(proposals[POPULATION - 1], norms)  # what is not scaled is among them
    assert any(equal(ranking, proposal) for proposal in proposals)
    for proposal in proposals:
        for name, norm in norms.items():
            scale = (proposal[name].max() - proposal[name].min()) / (norm.max() - norm.min())
            shift = proposal[name].min() - scale * norm.min()
            assert scale > 0
            torch.testing.assert_close(proposal[name], scale * norm + shift, rtol=1e-3, atol=1e-4)


def test_a_later_proposal_changes_one_layer_of_an_earlier_one(splits):
    _, proposals, norms = learn(sample("dnn"), groups("dnn"), splits["train"], 0)
    for i, proposal in enumerate(proposals[POPULATION:], POPULATION):
        differing = [[name for name in norms if not proposal[name].equal(a[name])] for a in proposals[:i]]
        assert min(len(names) for names in differing) == 1


def test_the_best_proposal_is_taken(splits, monkeypatch):
    """By the training loss after a few steps; here the proposals' losses are given."""
    losses = torch.linspace(3, 1, GENERATIONS).roll(5).tolist()  # the lowest in the fifth
    given = iter(losses)
    monkeypatch.setattr(learned.functional, "cross_entropy", cross_entropy_of(given))
    ranking, proposals, _ = learn(sample("dnn"), groups("dnn"), splits["train"], 0)
    assert equal(ranking, proposals[losses.index(min(losses))])


def cross_entropy_of(given):
    real = torch.nn.functional.cross_entropy

    def cross_entropy(logits, labels):
        return real(logits, labels) if logits.requires_grad else torch.tensor(next(given))

    return cross_entropy


def test_a_ranking_is_that_of_its_seed(trained, splits):
    def cut(seed):
        cut = prune_structured(trained, level=0.5, criterion=LEARNED, seed=seed, train=splits["train"])
        return cut.network.state_dict(), cut.masks

    (first, masks), (again, _) = cut(1), cut(1)
    assert equal(first, again)
    (_, mine, _), (_, others, _) = (learn(sample("dnn"), groups("dnn"), splits["train"], seed) for seed in (1, 2))
    assert not equal(mine[0], others[0])
    assert sum(int(mask.sum()) for mask in masks.values()) == 16


def test_proposals_do_not_depend_on_what_was_drawn_before(splits, monkeypatch):
    """Of a network with dropout."""
    monkeypatch.setattr(learned, "GENERATIONS", POPULATION + 4)
    judged = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        losses, real = [], learned.EvolutionOptimizer.tell

        def tell(agent, state, reward, *rest, losses=losses, real=real):
            losses.append(reward)
            real(agent, state, reward, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(learned.EvolutionOptimizer, "tell", tell)
            learn(sample("mobile"), groups("mobile"), splits["train"].thinned(300), 0)
        judged.append(losses)
    assert judged[0] == judged[1] and len(set(judged[0])) > POPULATION


def test_a_proposal_that_diverges_is_not_taken(splits, monkeypatch):
    given = iter([1.0] * 3 + [float("nan")] * (GENERATIONS - 3))
    monkeypatch.setattr(learned.functional, "cross_entropy", cross_entropy_of(given))
    ranking, proposals, _ = learn(sample("dnn"), groups("dnn"), splits["train"], 0)
    assert equal(ranking, proposals[0])
