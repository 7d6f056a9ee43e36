"""The items of stage prune: every method at every level, and the curves, of one trained model."""

from collections.abc import Iterator
from typing import Any

from minarch.flow.item import Item
from minarch.flow.sections import Method, Study
from minarch.pruning import MAGNITUDE, SENSITIVITY, STRUCTURED


def prune_items(study: Study, parent: Item) -> Iterator[Item]:
    """All of them; `parent` is the item that trained the model. An iterative level reads the item of the one before."""
    inputs: dict[str, str | list[str]] = {"data": parent.inputs["data"], "parent": parent.path}
    for name, method in study.prune.methods.items():
        given = inputs
        for level in sorted(set(study.prune.levels)):
            config = {"kind": STRUCTURED, "method": name, "level": level, **method.identity()}
            config |= {"round_to": study.prune.round_to, "training": _training(study, method)}
            item = _item(parent, f"{name}-{_percent(level)}", config, given)
            yield item
            if method.schedule == "iterative":
                given = inputs | {"parent": item.path, "origin": parent.path}
    finetune = study.prune.finetune.identity()
    for scope in study.prune.magnitude_scopes:
        title = MAGNITUDE if scope == "global" else f"{MAGNITUDE}-{scope}"
        curve = {"kind": MAGNITUDE, "scope": scope}
        yield _item(parent, title, curve | {"levels": study.prune.magnitude_levels}, inputs)
        for level in study.prune.magnitude_finetuned:
            config = curve | {"levels": [level], "training": finetune}
            yield _item(parent, f"{title}-{_percent(level)}", config, inputs)
    if study.prune.sensitivity_levels:
        config = {"kind": SENSITIVITY, "importance": "L1", "levels": study.prune.sensitivity_levels}
        yield _item(parent, SENSITIVITY, config, inputs)


def _training(study: Study, method: Method) -> dict[str, Any]:
    """What follows the cut: fine-tuning, or the sweep's own training as far as it is not done yet."""
    if method.weights == "trained":
        return study.prune.finetune.identity()
    return study.train.identity() | {"epochs": study.train.epochs - method.rewind}


def _item(parent: Item, title: str, config: dict[str, Any], inputs: dict[str, str | list[str]]) -> Item:
    return Item("prune", f"{parent.slug}-{title}", config, config, inputs, parent.extra_code)


def _percent(level: float) -> str:
    return f"{round(100 * level, 2):g}"
