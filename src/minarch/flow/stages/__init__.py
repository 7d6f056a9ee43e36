"""The stages, in order: the one list of them."""

from functools import cache

from minarch.flow.stages import (
    aggregate,
    complexity,
    convergence,
    data,
    depth,
    finalists,
    latency,
    prune,
    quantize,
    refine,
    refined,
    representatives,
    similarity,
    sweep,
    weights,
)
from minarch.flow.stages.stage import EVERY, NETWORKS, Stage

STAGES: dict[str, Stage] = {
    module.STAGE.name: module.STAGE
    for module in (
        data,
        sweep,
        refine,
        refined,
        weights,
        similarity,
        convergence,
        representatives,
        depth,
        complexity,
        prune,
        finalists,
        quantize,
        latency,
        aggregate,
    )
}
PUBLISHED = next(name for name, stage in STAGES.items() if stage.published)


@cache
def reads(name: str) -> tuple[str, ...]:
    """The stages whose items a stage is planned from, in order."""
    declared, before = STAGES[name].reads, list(STAGES)[: list(STAGES).index(name)]
    named = {stage for stage in declared if stage not in (EVERY, NETWORKS)}
    if unknown := named - set(before):
        raise LookupError(f"stage {name} reads {', '.join(sorted(unknown))}, which do not come before it")
    makers = {stage for stage in before if STAGES[stage].makes_networks and NETWORKS in declared}
    return tuple(stage for stage in before if EVERY in declared or stage in named | makers)


@cache
def waits_for(name: str) -> tuple[str, ...]:
    """The stages that decide which items a stage has, directly or through what it reads, in order."""
    further = {stage for read in reads(name) for stage in waits_for(read)}
    return tuple(stage for stage in STAGES if stage in further or (stage in reads(name) and STAGES[stage].decides))
