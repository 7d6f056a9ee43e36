"""The plan: every item of a study, where it will lie and what it depends on, before anything is computed.

An item lies at <root>/<stage>/<slug>-<key>/. Its key covers its configuration, the digest of the code of its stage and
the names (hence the keys) of the items it reads.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from minarch.data.catalogue import CATALOGUE, FOLDER, slug
from minarch.errors import UserError
from minarch.flow.config import load
from minarch.flow.digest import code, network_code
from minarch.flow.folder import fingerprint
from minarch.flow.grid import expand
from minarch.flow.keys import key
from minarch.flow.sections import Study

STAGES = ("data", "sweep", "convergence", "representatives", "prune", "quantize", "aggregate")
DEFAULT = "params.yaml"


def module(stage: str) -> str:
    """The module whose imports decide a stage's results."""
    return "minarch.data.__main__" if stage == "data" else f"minarch.{stage}"


@dataclass(frozen=True)
class Item:
    """One unit of work and of caching.

    `identity` is what the key covers; `config` is what the work gets (it may hold more, such as where files lie);
    `inputs` names the folders it reads as `<stage>/<name>`.
    """

    stage: str
    slug: str
    identity: dict[str, Any]
    config: dict[str, Any]
    inputs: dict[str, str | list[str]]
    extra_code: tuple[tuple[str, str], ...] = ()

    @cached_property
    def code(self) -> dict[str, str]:
        return {**code(module(self.stage)), **dict(self.extra_code)}

    @cached_property
    def name(self) -> str:
        return f"{self.slug}-{key(self.stage, self.identity, self.code, self.inputs)}"

    @property
    def path(self) -> str:
        return f"{self.stage}/{self.name}"


class Plan:
    """The items of one study. `prune` and `quantize` are known once the representatives are."""

    def __init__(self, study: str = DEFAULT) -> None:
        self.study_file = study
        self.study: Study = load(study)
        default = Path(study).resolve() == Path(DEFAULT).resolve()
        self.name = "default" if default else Path(study).stem
        if not default and self.name in ("default", Path(DEFAULT).stem):
            raise UserError(f"--study: {study!r} has the default study's name; allowed: any other file name")
        self.root = Path("artifacts") if default else Path("artifacts/studies", self.name)
        self.reports = Path("reports") if default else Path("reports/studies", self.name)
        self._items: dict[str, dict[str, Item]] = {}

    def index(self, stage: str) -> Path:
        """The file that closes a stage: the list of its items. Its name covers all that the list depends on."""
        return self.root / stage / f"index-{self._stage_key(stage)}.json"

    def items(self, stage: str) -> dict[str, Item]:
        """Name -> item. For prune, quantize and aggregate, reads the representatives, which must exist."""
        if stage not in self._items:
            self._items[stage] = {item.name: item for item in getattr(self, f"_{stage}")}
        return self._items[stage]

    def ready(self, stage: str) -> bool:
        """Whether the items of a stage can be listed yet."""
        return stage not in ("prune", "quantize", "aggregate") or self._chosen_file.exists()

    def folder(self, path: str) -> Path:
        """Where `<stage>/<name>` lies."""
        return self.root / path

    def inputs(self, item: Item) -> dict[str, Path | list[Path]]:
        """The folders an item reads."""
        return {
            name: self.folder(p) if isinstance(p, str) else [self.folder(q) for q in p]
            for name, p in item.inputs.items()
        }

    @cached_property
    def _data(self) -> list[Item]:
        section, items = self.study.data, []
        for name in self.study.data.datasets:
            identity = {"dataset": name, **section.identity()}
            if name.startswith(FOLDER):
                identity["dataset"] = f"{FOLDER}{slug(name)}"  # where it lies is not what it is
                identity["fingerprint"] = fingerprint(Path(name.removeprefix(FOLDER)))
            else:
                identity.pop("image_size")
                if CATALOGUE[name].own_test:
                    identity.pop("test")
            config = {**section.model_dump(mode="json", exclude={"datasets"}), "dataset": name, "name": slug(name)}
            items.append(Item("data", slug(name), identity, config, {}))
        return items

    @cached_property
    def _sweep(self) -> list[Item]:
        sweep, train, items = self.study.sweep, self.study.train, []
        for data in self._data:
            for family, grids in sweep.families.items():
                for knobs, architecture in expand(family, grids):
                    for repeats in _blocks(sweep.repeats, sweep.block):
                        config = {
                            "dataset": data.slug,
                            "family": family,
                            "knobs": knobs,
                            "repeats": repeats,
                            "train": train.model_dump(mode="json"),
                        }
                        structure = architecture.spec(*self.study.shape(data.config["dataset"]))
                        identity = {**config, "structure": structure, "train": train.identity()}
                        title = f"{data.slug}-{family.rpartition(':')[2].lower()}-{architecture.label}"
                        title += f"-r{repeats[0]}-{repeats[-1]}"
                        extra = tuple(network_code(architecture.network).items())
                        items.append(Item("sweep", title, identity, config, {"data": data.path}, extra))
        return items

    @cached_property
    def _convergence(self) -> list[Item]:
        section = self.study.convergence
        paths = [i.path for i in self._sweep]
        return [Item("convergence", "convergence", section.identity(), section.model_dump(), {"sweep": paths})]

    @cached_property
    def _representatives(self) -> list[Item]:
        section = self.study.representatives
        sweep = [i.path for i in self._sweep]
        inputs: dict[str, str | list[str]] = {"convergence": self._convergence[0].path, "sweep": sweep}
        return [Item("representatives", "representatives", section.identity(), section.model_dump(), inputs)]

    @property
    def _chosen_file(self) -> Path:
        return self.folder(self._representatives[0].path) / "representatives.json"

    @cached_property
    def _chosen(self) -> list[Item]:
        """The sweep items of the representatives, in the order of the plan."""
        names = {name for r in json.loads(self._chosen_file.read_text()) for name in r["items"]}
        return [item for item in self._sweep if item.name in names]

    @cached_property
    def _prune(self) -> list[Item]:
        section, items = self.study.prune, []
        structured = {"method": "structured", **section.identity()}
        magnitude = {"method": "magnitude", "scope": "global", "levels": section.magnitude_levels}
        for parent in self._chosen:
            inputs: dict[str, str | list[str]] = {"data": parent.inputs["data"], "parent": parent.path}
            for level in section.levels:
                identity = {**structured, "level": level}
                config = {**structured, "level": level, "finetune": section.finetune.model_dump(mode="json")}
                title = f"{parent.slug}-{section.importance.lower()}-{round(100 * level, 2):g}"
                items.append(Item("prune", title, identity, config, inputs, parent.extra_code))
            items.append(Item("prune", f"{parent.slug}-magnitude", magnitude, magnitude, inputs, parent.extra_code))
        return items

    @cached_property
    def _quantize(self) -> list[Item]:
        section, items = self.study.quantize, []
        pruned = [i for i in self._prune if i.config["method"] == "structured"]
        for parent in [*self._chosen, *pruned]:
            inputs: dict[str, str | list[str]] = {"data": parent.inputs["data"], "parent": parent.path}
            identity, config = section.identity(), section.model_dump(mode="json")
            items.append(Item("quantize", f"{parent.slug}-int8", identity, config, inputs, parent.extra_code))
        return items

    @cached_property
    def _aggregate(self) -> list[Item]:
        section = self.study.aggregate
        config = {**section.model_dump(mode="json"), "study": self.name, "params": self.study.model_dump(mode="json")}
        for name, field in (("data", "root"), ("train", "device"), ("train", "strategy")):
            config["params"][name].pop(field)  # what holds on one machine only is no part of a report
        stages = {s: [i.path for i in self.items(s).values()] for s in ("data", "sweep", "prune", "quantize")}
        inputs = {"convergence": self._convergence[0].path, "representatives": self._representatives[0].path}
        return [Item("aggregate", "report", config, config, {**stages, **inputs})]

    def _stage_key(self, stage: str) -> str:
        """Stages whose items are known beforehand are named by them; the later ones by what will decide them."""
        if stage in STAGES[:4]:
            return key(stage, sorted(self.items(stage)))
        section = getattr(self.study, stage).model_dump(mode="json")
        before = self._stage_key(STAGES[STAGES.index(stage) - 1])
        return key(stage, section, code(module(stage)), before, self.name if stage == "aggregate" else None)


def _blocks(repeats: int, size: int | None) -> list[list[int]]:
    size = size or repeats
    return [list(range(first, min(first + size, repeats))) for first in range(0, repeats, size)]
