"""What was trained: the route of every network, and the multiply-accumulates of its training.

They are those of forward and backward passes over training images, not of validation, nor of the trials by which a
ranking of units is learned or of training for fewer bits.
"""

from collections.abc import Iterable, Iterator
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from minarch.analysis.precision import VARIANT
from minarch.analysis.routes import IN_TRAINING, TRAIN_SMALL, grow_by, prune_by
from minarch.complexity import FULL, GATED
from minarch.contract import ORIGINAL
from minarch.depth import ALONE
from minarch.files import read_json
from minarch.pruning import STRUCTURED
from minarch.reporting.tables.read import of_kind
from minarch.training import FORWARD_PASSES

Model = tuple[Any, ...]  # the values of VARIANT


class Spent(NamedTuple):
    """The trainings that made a model: the MACs of each repeat's, without those of what they started from."""

    route: str
    macs: list[float]
    start: Model | None = None  # the model whose networks were cut
    needed: tuple[Model, ...] = ()  # those whose accuracy a search's target was read off


def model_of(record: dict[str, Any]) -> Model:
    return tuple(record[name] for name in VARIANT)


def read_spent(inputs: dict[str, Any], params: dict[str, Any], candidates: pd.DataFrame) -> dict[Model, Spent]:
    """What was spent on each model, but on those that are only compared with.

    Args:
        inputs: the items of every stage.
        params: the sections of the study.
        candidates: the table CANDIDATES. Of stages that are not known here the route is called as the stage.
    """
    images = {}
    for item in inputs["data"]:
        record = read_json(item / "record.json")
        images[record["dataset"]] = record["counts"]["train"]
    spent: dict[Model, Spent] = {}
    read = [*_swept(inputs["sweep"], images), *_grown(inputs.get("depth", [])), *_gated(inputs.get("complexity", []))]
    for model, trained in read:
        spent.setdefault(model, trained._replace(macs=[])).macs.extend(trained.macs)  # an item is a block of repeats
    originals = candidates.loc[candidates["method"] == ORIGINAL, [*VARIANT, "stage"]]
    for *names, stage in originals.itertuples(index=False):
        spent.setdefault(tuple(names), Spent(stage, [nan]))
    for model, trained in _pruned(inputs["prune"], images, params, spent):
        spent.setdefault(model, trained._replace(macs=[])).macs.extend(trained.macs)
    return spent


def spent_table(spent: dict[Model, Spent]) -> pd.DataFrame:
    """One row per model: VARIANT, its route, and `training_macs`: the mean over its networks of what one of them took,
    with what it started from.
    """

    def of_one(model: Model) -> float:
        trained = spent[model]
        own = sum(trained.macs) / len(trained.macs) if trained.macs else nan
        return own + (of_one(trained.start) if trained.start else 0.0)

    rows = [(*model, trained.route, of_one(model)) for model, trained in spent.items()]
    return pd.DataFrame(rows, columns=[*VARIANT, "route", "training_macs"])


def routes_cost(spent: dict[Model, Spent]) -> pd.DataFrame:
    """One row per data set and route: `route_macs`, all that was trained for it, of every repeat, with the networks
    that were cut and those that set a search's target.
    """
    models: dict[tuple[str, str], set[Model]] = {}
    for model, trained in spent.items():
        taken = models.setdefault((model[0], trained.route), set())
        waiting = [model]
        while waiting:
            needed = spent[waiting[-1]]
            taken.add(waiting.pop())
            waiting += [other for other in (needed.start, *needed.needed) if other and other not in taken]
    rows = [(*place, sum(sum(spent[model].macs) for model in taken)) for place, taken in models.items()]
    return pd.DataFrame(rows, columns=["dataset", "route", "route_macs"])


def _swept(items: Iterable[Path], images: dict[str, int]) -> Iterator[tuple[Model, Spent]]:
    for item in items:
        record = read_json(item / "results.json")
        step = FORWARD_PASSES * record["macs"] * images[record["dataset"]]
        yield model_of(record), Spent(TRAIN_SMALL, [step * run["epochs"] for run in record["repeats"]])


def _grown(items: Iterable[Path]) -> Iterator[tuple[Model, Spent]]:
    """Depths trained alone are small networks; a search needs those of the same tower that set its target."""
    records = [read_json(item / "results.json") for item in items]
    alone = [record for record in records if record["kind"] == ALONE]
    for record in records:
        macs = [sum(run["cost"].values()) - run["cost"]["validation"] for run in record["repeats"]]
        if record["kind"] == ALONE:
            yield model_of(record), Spent(TRAIN_SMALL, macs)
            continue
        target = record["search"]["target"]
        tower = [one for one in alone if all(one[name] == record[name] for name in ("dataset", "family", "tower"))]
        setting = [one for one in tower if target == "best" or (target == "full" and one["depth"] == one["full_depth"])]
        yield model_of(record), Spent(grow_by(record["way"]), macs, needed=tuple(map(model_of, setting)))


def _gated(items: Iterable[Path]) -> Iterator[tuple[Model, Spent]]:
    """The whole network is a small one; controls are left out."""
    routes = {FULL: TRAIN_SMALL, GATED: IN_TRAINING}
    for record in (read_json(item / "results.json") for item in items):
        if record["way"] in routes:
            macs = [run["cost"]["training"] for run in record["repeats"]]
            yield model_of(record), Spent(routes[record["way"]], macs)


def _pruned(
    items: Iterable[Path], images: dict[str, int], params: dict[str, Any], spent: dict[Model, Spent]
) -> Iterator[tuple[Model, Spent]]:
    """What was trained after each cut; an iterative level started from the level before."""
    records = [record for _, record in of_kind(items, STRUCTURED)]
    levels: dict[Model, set[float]] = {}
    for record in records:
        levels.setdefault(model_of(record)[:-1], set()).add(record["level"])
    for record in records:
        how, model = record["how"], model_of(record)
        original = (*model[:3], ORIGINAL, 0)
        fine_tuned = how["weights"] == "trained"
        epochs = params["prune"]["finetune"]["epochs"] if fine_tuned else params["train"]["epochs"] - how["rewind"]
        step = FORWARD_PASSES * images[record["dataset"]] * epochs
        macs = [step * run["macs"] for run in record["repeats"] if run["macs"] is not None]
        lower = [level for level in levels[model[:-1]] if level < record["level"]]
        start = (*model[:-1], max(lower)) if how["schedule"] == "iterative" and lower else original
        yield model, Spent(prune_by(record["method"], spent[original].route), macs, start)
