"""The plan: every item of a study, where it will lie and what it depends on, before anything is computed.

An item lies at <root>/<stage>/<slug>-<key>/. Its key covers its configuration, the digest of the code of its stage and
the names (hence the keys) of the items it reads.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from minarch.data.catalogue import CATALOGUE, FOLDER, slug
from minarch.errors import UserError, short
from minarch.flow.config import load
from minarch.flow.decision import REPRESENTATIVES, SIZES, read_decision
from minarch.flow.digest import code, network_code
from minarch.flow.folder import fingerprint
from minarch.flow.grid import expand
from minarch.flow.item import Item, module
from minarch.flow.keys import key
from minarch.flow.pruning import prune_items
from minarch.flow.quantization import quantize_items
from minarch.flow.sections import Study
from minarch.models.families import Family, architecture, family_slug, spec_of
from minarch.pruning import STRUCTURED

FIRST = ("data", "sweep", "refine")  # planned from the study alone
TRAINED = ("refined", "weights", "similarity", "convergence", "representatives")  # once the sizes to add are known
CHOSEN = ("prune", "quantize", "aggregate")  # once the representatives are
STAGES = (*FIRST, *TRAINED, *CHOSEN)
SECTIONS = {"refine": "convergence", "refined": "train"}  # of the params file; the other stages' have their names
DEFAULT, DEFAULT_NAME, MOST_BYTES = "params.yaml", "default", 200
STUDY_NAME = re.compile(r"\w[\w .+=@,()-]*")  # of folders, and in the patterns of Snakemake's rules


class Plan:
    """The items of one study. `prune` and `quantize` are known once the representatives are."""

    def __init__(self, study: str = DEFAULT) -> None:
        self.study_file = study
        self.name = _study_name(study)
        self.study: Study = load(study)
        default = self.name == DEFAULT_NAME
        self.root = Path("artifacts") if default else Path("artifacts/studies", self.name)
        self.reports = Path("reports") if default else Path("reports/studies", self.name)
        self._items: dict[str, dict[str, Item]] = {}

    def index(self, stage: str) -> Path:
        """The file that closes a stage: the list of its items. Its name covers all that the list depends on."""
        return self.root / stage / f"index-{self._stage_key(stage)}.json"

    def items(self, stage: str) -> dict[str, Item]:
        """Name -> item. Reads which sizes were added and which models are representatives, where `stage` needs them."""
        if stage not in self._items:
            self._items[stage] = {item.name: item for item in getattr(self, f"_{stage}")}
        return self._items[stage]

    def ready(self, stage: str) -> bool:
        """Whether the items of a stage can be listed yet."""
        if stage in FIRST:
            return True
        refined = self.study.convergence.refine is None or self._added_file.exists()
        return refined and (stage in TRAINED or self._chosen_file.exists())

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
        return [
            item
            for data in self._data
            for family, points in self.study.sweep.architectures.items()
            for knobs, kind in points
            for item in self._trainings("sweep", data, family, knobs, kind)
        ]

    def _trainings(self, stage: str, data: Item, family: str, knobs: dict[str, Any], kind: Family) -> Iterator[Item]:
        """The items of one architecture, a block of its repeats each."""
        sweep, train = self.study.sweep, self.study.train
        for repeats in _blocks(sweep.repeats, sweep.block):
            config = {
                "dataset": data.slug,
                "family": family,
                "knobs": knobs,
                "repeats": repeats,
                "train": train.model_dump(mode="json"),
            }
            structure = spec_of(kind, *self.study.shape(data.config["dataset"]))
            identity = {**config, "structure": structure, "train": train.identity()}
            title = f"{data.slug}-{family_slug(family)}-{kind.label}-r{repeats[0]}-{repeats[-1]}"
            extra = tuple(network_code(kind.network).items())
            yield Item(stage, title, identity, config, {"data": data.path}, extra)

    @cached_property
    def _refine(self) -> list[Item]:
        section = self.study.convergence
        if section.refine is None:
            return []
        identity = {**section.identity(), "refine": section.refine}
        return [Item("refine", "refine", identity, section.model_dump(), {"sweep": [i.path for i in self._sweep]})]

    @property
    def _added_file(self) -> Path:
        return self.folder(self._refine[0].path) / "refinement.json"

    @cached_property
    def _refined(self) -> list[Item]:
        """Trainings of the sizes that stage refine chose; what it wrote may have been pulled, so it is checked."""
        if not self._refine:
            return []
        data, items = {item.slug: item for item in self._data}, list[Item]()
        for added in read_decision(self._added_file, SIZES):
            dataset, family, knobs = added["dataset"], added["family"], added["knobs"]
            if dataset not in data or family not in self.study.sweep.families:
                raise UserError(f"{self._added_file}: {dataset}, {family} is not in the study; remove its folder")
            items += self._trainings("refined", data[dataset], family, knobs, architecture(family, knobs))
        return items

    @property
    def _trained(self) -> list[Item]:
        return [*self._sweep, *self._refined]

    @cached_property
    def _weights(self) -> list[Item]:
        """One item per data set, family and depth: what it does takes less time than to start a job."""
        section, groups = self.study.weights, dict[str, list[Item]]()
        for item in self._trained:
            family = item.config["family"]
            depth = architecture(family, item.config["knobs"]).depth
            groups.setdefault(f"{item.config['dataset']}-{family_slug(family)}-depth{depth}", []).append(item)
        items = []
        for title, parents in groups.items():
            inputs = {"data": parents[0].inputs["data"], "sweep": [i.path for i in parents]}
            identity, config = section.identity(), section.model_dump(mode="json")
            items.append(Item("weights", title, identity, config, inputs, parents[0].extra_code))
        return items

    @cached_property
    def _similarity(self) -> list[Item]:
        section = self.study.similarity
        inputs: dict[str, str | list[str]] = {
            "weights": [i.path for i in self._weights],
            "sweep": [i.path for i in self._trained],
        }
        return [Item("similarity", "similarity", section.identity(), section.model_dump(), inputs)]

    @cached_property
    def _convergence(self) -> list[Item]:
        section = self.study.convergence
        paths = [i.path for i in self._trained]
        return [Item("convergence", "convergence", section.identity(), section.model_dump(), {"sweep": paths})]

    @cached_property
    def _representatives(self) -> list[Item]:
        section = self.study.representatives
        sweep = [i.path for i in self._trained]
        inputs: dict[str, str | list[str]] = {"convergence": self._convergence[0].path, "sweep": sweep}
        config = section.model_dump(exclude_none=True)
        for family, grids in config.get("further", {}).items():
            config["further"][family] = [f"{family_slug(family)}-{a.label}" for _, a in expand(family, grids)]
        return [Item("representatives", "representatives", config, config, inputs)]

    @property
    def _chosen_file(self) -> Path:
        return self.folder(self._representatives[0].path) / "representatives.json"

    @cached_property
    def _chosen(self) -> list[Item]:
        """The trainings of the representatives, in the order of the plan."""
        names = {name for chosen in read_decision(self._chosen_file, REPRESENTATIVES) for name in chosen["items"]}
        return [item for item in self._trained if item.name in names]

    @cached_property
    def _prune(self) -> list[Item]:
        return [item for parent in self._chosen for item in prune_items(self.study, parent)]

    @cached_property
    def _quantize(self) -> list[Item]:
        methods = self.study.quantize.pruned
        pruned = [item for item in self._prune if item.config["kind"] == STRUCTURED]
        wanted = [item for item in pruned if methods is None or item.config["method"] in methods]
        return [item for parent in [*self._chosen, *wanted] for item in quantize_items(self.study, parent)]

    @cached_property
    def _aggregate(self) -> list[Item]:
        section = self.study.aggregate
        config = {**section.model_dump(mode="json"), "study": self.name, "params": self.study.model_dump(mode="json")}
        for name, field in (("data", "root"), ("train", "device"), ("train", "strategy")):
            config["params"][name].pop(field)  # what holds on one machine only is no part of a report
        several = ("data", "weights", "prune", "quantize")
        stages = {s: [i.path for i in self.items(s).values()] for s in several}
        stages["sweep"] = [i.path for i in self._trained]
        single = ("similarity", "convergence", "representatives")
        inputs = {s: next(iter(self.items(s).values())).path for s in single}
        return [Item("aggregate", "report", config, config, {**stages, **inputs})]

    def _stage_key(self, stage: str) -> str:
        """Stages whose items are known beforehand are named by them; the later ones by what will decide them."""
        if stage in FIRST or (stage in TRAINED and self.study.convergence.refine is None):
            return key(stage, sorted(self.items(stage)))
        section = getattr(self.study, SECTIONS.get(stage, stage)).model_dump(mode="json")
        before = self._stage_key(STAGES[STAGES.index(stage) - 1])
        return key(stage, section, code(module(stage)), before, self.name if stage == "aggregate" else None)


def _study_name(file: str) -> str:
    """What a study is called: as its file.

    Raises:
        UserError: no folder, pattern or command line can hold that name, or it is that of the default study.
    """
    name = Path(file).stem
    printable = file.isprintable() and not file.startswith("-")
    if not (printable and STUDY_NAME.fullmatch(name) and len(name.encode()) <= MOST_BYTES):
        raise UserError(
            f"--study: {short(file)} is not allowed; allowed: a file name of letters, digits, spaces and any of"
            f" ._-+=@,() that begins with a letter or digit and has at most {MOST_BYTES} bytes"
        )
    if Path(file).resolve() == Path(DEFAULT).resolve():
        return DEFAULT_NAME
    if name in (DEFAULT_NAME, Path(DEFAULT).stem):
        raise UserError(f"--study: {short(file)} has the default study's name; allowed: any other file name")
    return name


def _blocks(repeats: int, size: int | None) -> list[list[int]]:
    size = size or repeats
    return [list(range(first, min(first + size, repeats))) for first in range(0, repeats, size)]
