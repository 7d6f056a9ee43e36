"""The exported model that a command line names: a file, or an item of stage quantize."""

from dataclasses import dataclass
from pathlib import Path

from minarch.commands.explain import find
from minarch.errors import UserError
from minarch.files import read_json
from minarch.flow.plan import Plan
from minarch.holdings import IR, ONNX, Holding, holdings
from minarch.quantization import EXPORT

ABSENT = "not here: `snakemake` makes it, `make review` fetches it"


@dataclass(frozen=True)
class Exported:
    """The model of an item."""

    item: Path
    model: Holding

    @property
    def accuracies(self) -> list[float]:
        """The test accuracies that the report has of the item's repeats at the model's precision, first of the model
        itself; of repeats that ended unstable there are none.
        """
        model = self.model
        tests = {test["repeat"]: test[model.precision] for test in read_json(self.item / "test.json")["repeats"]}
        first = tests.pop(model.repeat)
        return [first, *(accuracy for accuracy in tests.values() if accuracy is not None)]


def is_file(model: str) -> bool:
    """Whether a file is named and no item."""
    return Path(model).suffix in (IR, ONNX) or Path(model).is_file()


def exported_file(model: str, repeat: int | None, precision: str | None) -> Path:
    """The file that is named; raises UserError where something says which of an item's models, too."""
    for name, value in (("--repeat", repeat), ("--precision", precision)):
        if value is not None:
            raise UserError(f"{name}: {value!r} has no effect with a file; allowed: with an item of stage quantize")
    return Path(model)


def exported_model(study: str, item: str, repeat: int | None = None, precision: str | None = None) -> Exported:
    """The model of an item of stage quantize.

    Args:
        item: the item's name or folder.
        repeat, precision: which of its models; None: the first repeat, what the item quantizes to.

    Raises:
        UserError: there is none.
    """
    folder = Path(item) if Path(item).is_dir() else _folder(study, item)
    if not (folder / "results.json").is_file():
        raise UserError(f"ITEM: {folder}: not computed yet, or {ABSENT}")
    results = read_json(folder / "results.json")
    if not isinstance(results, dict) or results.get("kind") != EXPORT:
        raise UserError(f"ITEM: {folder}: exports no model; allowed: an item of stage quantize that does")
    held = holdings(folder)
    if not held:
        finite = any(entry["status"] == "ok" for entry in results["repeats"])
        why = "another item holds the files of this model" if finite else "none of its networks has finite weights"
        raise UserError(f"ITEM: {folder}: holds no model, {why}; allowed: an item that `minarch recommend` names")
    repeats = sorted({model.repeat for model in held})
    if repeat is not None and repeat not in repeats:
        raise UserError(f"--repeat: {repeat} is not in {folder.name}; allowed: {', '.join(map(str, repeats))}")
    models = {m.precision: m for m in held if m.repeat == (repeats[0] if repeat is None else repeat)}
    if precision is not None and precision not in models:
        raise UserError(f"--precision: {precision!r} is not in {folder.name}; allowed: {', '.join(models)}")
    return Exported(folder, models[precision or [*models][-1]])


def _folder(study: str, name: str) -> Path:
    """Where the item of that name lies."""
    plan = Plan(study)
    item = find(plan, Path(name).name)
    if item.stage != "quantize":
        raise UserError(f"ITEM: {item.name} is an item of stage {item.stage}; allowed: of stage quantize")
    return plan.folder(item.path)
