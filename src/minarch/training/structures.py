"""Repeats that differ in structure, as cutting leaves them: those of one structure are trained together."""

from collections.abc import Mapping
from dataclasses import replace

from minarch.models.families import Spec
from minarch.training.blocks import train_repeats
from minarch.training.repeats import Repeat, Task
from minarch.training.strategy import Strategy


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
    structures = list(specs.values())
    trained = dict[int, tuple[Task, Repeat]]()
    for position, spec in enumerate(structures):
        if spec not in structures[:position]:
            of_spec = replace(task, spec=spec)
            alike = [repeat for repeat, other in specs.items() if other == spec]
            trained |= {result.repeat: (of_spec, result) for result in train_repeats(of_spec, alike, strategy)}
    return {repeat: trained[repeat] for repeat in specs}
