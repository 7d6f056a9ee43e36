"""The plan: every item of a study, where it will lie and what it depends on, before anything is computed.

An item lies at <root>/<stage>/<slug>-<key>/. Its key covers its configuration, the digest of the code of its stage and
the names (hence the keys) of the items it reads.
"""

import os
import re
from pathlib import Path

from minarch.errors import UserError, short
from minarch.flow.config import load
from minarch.flow.decision import Decided
from minarch.flow.digest import code
from minarch.flow.item import Item
from minarch.flow.keys import key
from minarch.flow.stages import STAGES, reads, waits_for
from minarch.flow.stages.stage import EVERY, Before
from minarch.flow.study import Study

DEFAULT, DEFAULT_NAME, MOST_BYTES = "params.yaml", "default", 200
REPORTS = Path("reports")  # of the default study; those of others lie below
STUDY_NAME = re.compile(r"\w[\w .+=@,()-]*")  # of folders, and in the patterns of Snakemake's rules


class Plan:
    """The items of one study, by stage. Those that a decision lists are known once it is."""

    def __init__(self, study: str = DEFAULT) -> None:
        """Read a study.

        Args:
            study: its params file or its name.
        """
        self.study_file = study = file_of(study)
        self.name = _study_name(study)
        self.study: Study = load(study)
        default = self.name == DEFAULT_NAME
        if default and (absent := [name for name in Study.model_fields if name not in self.study.model_fields_set]):
            lines = [f"{study}: {name}: missing; allowed: {{}}, because DVC compares sections" for name in absent]
            raise UserError("\n".join(lines))
        self.root = Path("artifacts") if default else Path("artifacts/studies", self.name)
        self.reports = REPORTS if default else REPORTS / "studies" / self.name
        self._items: dict[str, dict[str, Item]] = {}
        self._keys: dict[str, str] = {}

    def index(self, stage: str) -> Path:
        """The file that closes a stage: the list of its items. Its name covers all that the list depends on."""
        return self.root / stage / f"index-{self._stage_key(stage)}.json"

    def items(self, stage: str) -> dict[str, Item]:
        """Name -> item. Reads what the stages before it decided, where `stage` waits for that.

        Raises:
            UserError: a decision is missing or does not read.
        """
        if stage not in self._items:
            before = Before(
                study=self.name,
                items={name: list(self.items(name).values()) for name in reads(stage)},
                decisions={name: self.decided(name) for name in reads(stage) if STAGES[name].decides},
                single=frozenset(name for name in reads(stage) if STAGES[name].single),
            )
            sections = {name: getattr(self.study, name) for name in sections_of(stage)}
            items = list(STAGES[stage].items(before, **sections))
            assert STAGES[stage].makes_networks or not any(item.goes_on for item in items), "only networks go on"
            self._items[stage] = {item.name: item for item in items}
        return self._items[stage]

    def ready(self, stage: str) -> bool:
        """Whether the items of a stage can be listed yet."""
        return not self.undecided(stage)

    def waits(self, stage: str) -> list[str]:
        """The stages that decide which items a stage has in this study; one without items decides nothing."""
        return [decider for decider in waits_for(stage) if not self.ready(decider) or self.items(decider)]

    def undecided(self, stage: str) -> list[str]:
        """The stages that are still to decide which items a stage has."""
        return [d for d in waits_for(stage) if not self.ready(d) or not all(f.exists() for f in self.decision_files(d))]

    def decision_files(self, stage: str) -> list[Path]:
        """The files in which a deciding stage's item, if it has one, says what it decided."""
        decision = STAGES[stage].decides
        return [self.folder(item.path) / decision.name for item in self.items(stage).values() if decision]

    def folder(self, path: str) -> Path:
        """Where `<stage>/<name>` lies."""
        return self.root / path

    def inputs(self, item: Item) -> dict[str, Path | list[Path]]:
        """The folders an item reads."""
        return {
            name: self.folder(p) if isinstance(p, str) else [self.folder(q) for q in p]
            for name, p in item.inputs.items()
        }

    def decided(self, stage: str) -> Decided:
        """What a stage decided.

        Raises:
            UserError: the decision is missing or does not read.
        """
        decision = STAGES[stage].decides
        files = self.decision_files(stage)
        if decision is None or not files:
            return Decided(None, [])
        return Decided(files[0], decision.read(files[0].parent))

    def _stage_key(self, stage: str) -> str:
        """A stage whose items are known beforehand is named by them; a later one by what will decide them."""
        if stage not in self._keys:
            self._keys[stage] = key(stage, *self._named_by(stage))
        return self._keys[stage]

    def _named_by(self, stage: str) -> list[object]:
        if not self.waits(stage):
            return [sorted(self.items(stage))]
        sections = {name: getattr(self.study, name).model_dump(mode="json") for name in sections_of(stage)}
        study = self.name if STAGES[stage].published else None
        return [sections, code(STAGES[stage].module), [self._stage_key(name) for name in reads(stage)], study]


def sections_of(stage: str) -> tuple[str, ...]:
    """The sections of the params file that a stage is planned from, in the order of the file."""
    declared = STAGES[stage].sections
    return tuple(name for name in Study.model_fields if EVERY in declared or name in declared)


def file_of(study: str) -> str:
    """The params file of a study that is named by it, or by its name: `mnist` for params/mnist.yaml."""
    named = DEFAULT if study == DEFAULT_NAME else f"params/{study}.yaml"
    return named if os.path.isfile(named) and not os.path.isfile(study) else study


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
