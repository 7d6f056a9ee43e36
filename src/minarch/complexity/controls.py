"""What networks that gates pruned are compared with at equal cost (docs/methods.md 4.3, our choice)."""

from dataclasses import replace
from pathlib import Path

from minarch.complexity.outcome import Outcome
from minarch.contract import read_networks
from minarch.errors import UserError
from minarch.models.weights import load_networks
from minarch.pruning.recovery import reestimate
from minarch.pruning.structured import Criterion, prune_structured
from minarch.training.blocks import train_repeats
from minarch.training.repeats import Task, derive_seed
from minarch.training.strategy import Strategy

UNREACHABLE = "unreachable"


def prune_by_l1(task: Task, short: Path, gated: Path, epochs: int, strategy: Strategy, *, heads: bool) -> list[Outcome]:
    """Cut the networks of `short` by L1 per layer to at most the MACs of the same repeat of `gated`, then train on.

    Args:
        task: of the whole architecture, for all epochs; the last `epochs` follow the cut.
    """
    criterion = Criterion(importance="L1", scope="layer", target="macs", heads=heads, round_to=1)
    networks, outcomes = load_networks(short), []
    for entry in read_networks(gated)["repeats"]:
        repeat, seed = entry["repeat"], derive_seed(task.identity, entry["repeat"])
        assert entry["macs"] is not None, "every training with gates leaves a network"
        try:
            cut = prune_structured(networks[repeat], level=1 - entry["macs"] / task.macs, criterion=criterion).network
        except UserError:  # the least that every layer keeps is more
            outcomes.append(Outcome(repeat=repeat, seed=seed, status=UNREACHABLE))
            continue
        reestimate(cut, task.train)
        tuning = replace(task, spec=cut.spec(), starts={repeat: cut}, recipe=replace(task.recipe, epochs=epochs))
        (result,) = train_repeats(tuning, [repeat], strategy)
        outcomes.append(Outcome.of(tuning, result, before=task.recipe.epochs - epochs))
    return outcomes


def train_afresh(task: Task, gated: Path, strategy: Strategy) -> list[Outcome]:
    """Train the structures that the repeats of `gated` ended with from new weights, for all epochs."""
    outcomes = []
    for entry in read_networks(gated)["repeats"]:
        assert entry["spec"] is not None, "every training with gates leaves a network"
        anew = replace(task, spec=entry["spec"])
        (result,) = train_repeats(anew, [entry["repeat"]], strategy)
        outcomes.append(Outcome.of(anew, result))
    return outcomes
