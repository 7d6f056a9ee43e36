"""Repeats that differ in structure, as cutting leaves them: those of nearly one structure are trained together.

A network in a wider structure, in which all that it lacks is zero, computes the same and is trained the same: a unit
that reads and is read with weights 0 gives 0, so that no gradient reaches these weights (our inference).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from minarch.models.build import build
from minarch.models.families import Spec
from minarch.models.network import Network
from minarch.training.blocks import train_repeats
from minarch.training.repeats import Repeat, Task, derive_seed
from minarch.training.stacked.ensemble import written
from minarch.training.strategy import Strategy

FULL = 0.5  # of the work in a wider structure: if less is needed, it takes longer than it saves


def train_structures(task: Task, specs: Mapping[int, Spec], strategy: Strategy) -> dict[int, tuple[Task, Repeat]]:
    """Train repeats, each of its own structure and as if alone.

    Args:
        task: what the trainings have in common; its own structure does not count.
        specs: repeat -> its structure.

    Returns:
        Repeat -> the task of its structure, and its training, in the order of `specs`.

    Raises:
        UserError: one network alone does not fit into memory.
    """
    tasks = {repeat: replace(task, spec=spec) for repeat, spec in specs.items()}
    trained = dict[int, Repeat]()
    for together in _groups(tasks, strategy):
        widest = _widest([specs[repeat] for repeat in together])
        starts = {r: tasks[r].network(Repeat(r, derive_seed(task.identity, r))) for r in together}
        wide = replace(task, spec=widest, starts={r: _fitted(network, widest) for r, network in starts.items()})
        for result in train_repeats(wide, together, strategy):
            result.networks = {name: _fitted(one, specs[result.repeat]) for name, one in result.networks.items()}
            trained[result.repeat] = result
    return {repeat: (tasks[repeat], trained[repeat]) for repeat in specs}


def _groups(tasks: Mapping[int, Task], strategy: Strategy) -> Iterable[list[int]]:
    """The repeats that are trained together: of the same layers, if most of what these do together is needed."""
    groups = dict[str, list[int]]()
    for repeat, task in tasks.items():
        groups.setdefault(_layers(task.spec) if written(task.spec) else str(task.spec), []).append(repeat)
    for group in groups.values():
        specs = [tasks[repeat].spec for repeat in group]
        distinct = [spec for position, spec in enumerate(specs) if spec not in specs[:position]]
        if len(distinct) > 1 and strategy.at_once > 1:
            done = len(group) * replace(tasks[group[0]], spec=_widest(distinct)).macs
            if sum(tasks[repeat].macs for repeat in group) >= FULL * done:
                yield group
                continue
        yield from ([repeat for repeat in group if tasks[repeat].spec == spec] for spec in distinct)


def _layers(spec: Spec) -> str:
    """What networks have in common that differ in the widths of their layers only; a layer of width 0 is none."""
    return str({name: list(map(bool, value)) if isinstance(value, list) else value for name, value in spec.items()})


def _widest(specs: Sequence[Spec]) -> Spec:
    """The structure of the widest layers."""
    widest = dict(specs[0])
    for spec in specs[1:]:
        for name, value in spec.items():
            if isinstance(value, list):
                widest[name] = [max(widths) for widths in zip(widest[name], value, strict=True)]
    return widest


def _fitted(network: Network, spec: Spec) -> Network:
    """The network in another structure: units come last that it lacks, which are zero, or that it is to lose."""
    if network.spec() == spec:
        return network
    fitted = build(spec)
    state = network.state_dict()
    for name, tensor in fitted.state_dict().items():
        common = tuple(slice(min(sizes)) for sizes in zip(tensor.shape, state[name].shape, strict=True))
        tensor.zero_()[common].copy_(state[name][common])
    return fitted
