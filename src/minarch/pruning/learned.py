"""LeGR (Chin et al. 2020): a ranking of all units in which each layer's importances are scaled and shifted, the
coefficients found by evolution so that the pruned network learns again quickly. NNCF's optimizer proposes them.

NNCF's own loop is not used: it trains the masked, not the smaller network, draws the same first proposal again and
again (it seeds every draw alike), and with fewer than ten layers the share of them that it changes rounds down to none.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from minarch.data.tensors import Split
from minarch.models.network import Network
from minarch.pruning.cut import cut
from minarch.pruning.groups import Group
from minarch.pruning.selection import Units, masks_of
from minarch.training.loop import Recipe, optimizer_for, step

from nncf.torch.pruning.filter_pruning.global_ranking.evolutionary_optimization import EvolutionOptimizer  # isort: skip

POPULATION, GENERATIONS, SAMPLED = 8, 16, 4  # the paper's 64, 400, 16 are for networks of many layers
REWARD_STEPS, BATCH, REWARD_IMAGES = 32, 64, 512  # after too few steps a collapsed network has the lowest loss
RECIPE = Recipe(epochs=1, batch_size=BATCH, optimizer="adam", learning_rate=2e-3, weight_decay=0.0)


def learn_ranking(
    network: Network,
    groups: Sequence[Group],
    norms: Mapping[str, Tensor],
    kept_units: Callable[[Mapping[str, Tensor]], Units],
    train: Split,
    seed: int,
) -> dict[str, Tensor]:
    """Scores [U] per group, scaled and shifted from their L2 `norms`.

    A proposal is judged by the training loss after it was cut by `kept_units` and trained for a few steps: neither
    validation nor test images are seen.
    """
    hyperparameters = {
        "population_size": POPULATION,
        "num_generations": GENERATIONS,
        "num_samples": SAMPLED,
        "mutate_percent": max(0.1, 1 / len(groups)),
        "sigma_scale": 1,
    }
    agent = EvolutionOptimizer(dict(norms), hyperparameters, seed % 2**31)
    torch.manual_seed(seed)  # of dropout
    generator = torch.Generator().manual_seed(seed)
    batches = torch.randint(len(train), (REWARD_STEPS, BATCH), generator=generator)
    judged = torch.randperm(len(train), generator=generator)[:REWARD_IMAGES]
    for generation in range(GENERATIONS):
        agent.tell(None, 0.0, False, generation, None)
        agent.random_seed += 1  # or every draw would be the same
        scores = _ranking(norms, agent.ask(generation))
        candidate = cut(network, groups, masks_of(scores, kept_units(scores))).train()
        stepper = optimizer_for(candidate.parameters(), RECIPE)
        for index in batches:
            step(candidate, train, index, stepper)
        with torch.no_grad():
            loss = functional.cross_entropy(candidate.eval()(train.batch(judged)), train.labels[judged])
        agent.tell(None, -float(loss.nan_to_num(1e9)), True, generation, None)
    return _ranking(norms, agent.get_best_action())


def _ranking(norms: Mapping[str, Tensor], coefficients: Mapping[str, tuple[float, float]]) -> dict[str, Tensor]:
    return {name: coefficients[name][0] * norm + coefficients[name][1] for name, norm in norms.items()}
