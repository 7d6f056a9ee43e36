"""What a published report was made by: `made_by.json` beside it, and whether today's code and params make the same.

All of it but the files' digests follows from the keys of the study's items, so every machine writes the same.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from minarch.errors import UserError
from minarch.flow.decision import Decided
from minarch.flow.digest import code, network_code
from minarch.flow.keys import differences, key
from minarch.flow.plan import DEFAULT, DEFAULT_NAME, REPORTS, Plan
from minarch.flow.seal import listed, md5, read_sealed
from minarch.flow.stages import PUBLISHED, STAGES
from minarch.flow.stages.aggregate import reported

FILE = "made_by.json"
MOST_NAMED = 3
Record = dict[str, Any]


def made_by(plan: Plan) -> Record:
    """What the report of a finished study was made by, and the digests of its files."""
    items = {stage: plan.items(stage) for stage in STAGES}
    (report,) = items[PUBLISHED].values()
    return {
        "params": reported(plan.study),
        "code": {name: digest for of in items.values() for item in of.values() for name, digest in item.code.items()},
        "decisions": {stage: plan.decided(stage).value for stage, declared in STAGES.items() if declared.decides},
        "stages": {stage: _asked(items[stage]) for stage in STAGES},
        "files": listed(plan.folder(report.path)),
    }


def stale(folder: Path) -> list[str]:
    """Why a published report is not what today's code and params make of its study, in words; nothing if it is.

    Nothing is run, and no artifacts are needed: what the study's stages decided stands in the record.

    Args:
        folder: `reports`, or a study's folder below it.
    """
    if not (folder / FILE).exists():
        return [f"has no {FILE}, which says what made it"]
    record = read_sealed(folder / FILE)
    if record is None:
        return [f"{FILE} was changed or damaged"]
    name = DEFAULT_NAME if folder == REPORTS else folder.name
    file = DEFAULT if name == DEFAULT_NAME else f"params/{name}.yaml"
    reasons = list(_edited(folder, record["files"]))
    if not Path(file).is_file():
        return [*reasons, f"its params file {file} is missing"]
    try:
        plan = _Decided(file, record["decisions"])
        other = [*_other_params(plan, record), *_other_code(plan, record)]
    except UserError as error:
        other = [str(error).splitlines()[0]]
    return [*reasons, *(other or _other_items(plan, record))]


class _Decided(Plan):
    """A study's plan in which its stages have decided what a record says."""

    def __init__(self, study: str, decisions: dict[str, Any]) -> None:
        super().__init__(study)
        self.decisions = decisions

    def decided(self, stage: str) -> Decided:
        return Decided(None, self.decisions.get(stage, []))


def _asked(items: Iterable[str]) -> dict[str, Any]:
    """A stage's items: how many, and a key of their names, hence of all that they depend on."""
    names = sorted(items)
    return {"items": len(names), "key": key(names)}


def _edited(folder: Path, files: dict[str, str]) -> Iterator[str]:
    """What of a report is not as it was made. Not all of it need be there: its figures may not be committed."""
    if edited := [name for name in files if (folder / name).is_file() and md5(folder / name) != files[name]]:
        yield f"edited ({_few(edited)})"
    lying = (path for kind in ("figures", "tables") for path in sorted((folder / kind).rglob("*")) if path.is_file())
    if strange := [name for path in lying if (name := path.relative_to(folder).as_posix()) not in files]:
        yield f"holds what is not part of it ({_few(strange)})"


def _other_params(plan: Plan, record: Record) -> Iterator[str]:
    if names := [name for name, _, _ in differences(record["params"], reported(plan.study))]:
        yield f"made with other params ({_few(names)})"


def _other_code(plan: Plan, record: Record) -> Iterator[str]:
    """What changed of the code that the items' keys covered, and the stages that run it."""
    then, study = record["code"], plan.study
    architectures = (study.sweep.architectures, study.depth.towers, study.complexity.wholes)
    networks = {kind.network for by_family in architectures for of in by_family.values() for _, kind in of}
    of_networks = {name: digest for network in sorted(networks) for name, digest in network_code(network).items()}
    stages, changed, present = [], set[str](), set[str]()
    for stage, declared in STAGES.items():
        if not record["stages"].get(stage, {}).get("items"):
            continue
        now = code(declared.module)
        if declared.makes_networks:  # a module that a network imports only now is told by the one that imports it
            now = now | {name: digest for name, digest in of_networks.items() if name in then}
        present |= set(now)
        if others := {name for name, digest in now.items() if then.get(name) != digest}:
            stages.append(stage)
            changed |= others
    if changed := changed | (set(then) - present):
        of = f" of stage{'s' * (len(stages) > 1)} {_few(stages)}" if stages else ""
        yield f"made by other code{of} ({_few(sorted(changed))} changed)"


def _other_items(plan: Plan, record: Record) -> list[str]:
    """The first stage that today lists other items by the same params and code: by a change of what lists them."""
    with suppress(UserError):  # such as a folder of images that is not here
        for stage in STAGES:
            if (now := _asked(plan.items(stage))) != (then := record["stages"].get(stage)):
                return [f"stage {stage} lists other items ({then['items'] if then else 0} then, {now['items']} now)"]
    return []


def _few(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
