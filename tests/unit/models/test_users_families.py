"""A family of the user's: what is wrong in its name, its class, its methods or its network is told in one line."""

import re

import pytest

from minarch.errors import UserError
from minarch.flow.grid import expand
from minarch.models.build import build, checked
from minarch.models.families import architecture, family, spec_of
from minarch.sweep import work as sweep

FAMILY = """
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from minarch.models.families import Family


@dataclass(frozen=True, kw_only=True)
class Wide(Family):
    network: ClassVar[str] = "{module}:Net"
    width: int

    def spec(self, shape, classes):
        return {{"family": self.name, "shape": list(shape), "classes": classes, "hidden": [self.width]}}


class Net(nn.Module):
    def __init__(self, shape, classes, hidden):
        super().__init__()
        self.shape = list(shape)
        self.first = nn.Linear(shape[0] * shape[1] * shape[2], hidden[0])
        self.last = nn.Linear(hidden[0], classes)

    def forward(self, images):
        return self.last(self.first(images.flatten(1)).relu())

    def spec(self):
        sizes = [len(self.first.weight), len(self.last.weight)]
        return {{"family": "{module}:Wide", "shape": self.shape, "classes": sizes[1], "hidden": sizes[:1]}}
"""
SHAPE, CLASSES = (1, 4, 4), 3
SPEC = 'return {"family": self.name, "shape": list(shape), "classes": classes, "hidden": [self.width]}'
TRAIN = {"epochs": 1, "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-3, "weight_decay": 0.0, "seed": 0}
TRAIN |= {"device": "cpu", "strategy": "sequential"}
MODULES = iter(range(10_000))


@pytest.fixture
def wide(tmp_path, monkeypatch):
    """What writes the family into a module of its own, a text in it replaced, and gives the module's name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(old: str = "", new: str = "") -> str:
        module = f"users_families_{next(MODULES)}"
        text = FAMILY.format(module=module)
        assert old in text
        (tmp_path / f"{module}.py").write_text(text.replace(old, new))
        return module

    return write


def _plan_and_check(name: str) -> None:
    """What the plan and stage sweep ask of a family."""
    for _, kind in expand(name, {"depth": 1, "width": [4, 8]}):
        checked(spec_of(kind, SHAPE, CLASSES))


def test_a_family_as_the_readme_says_is_accepted(wide):
    _plan_and_check(f"{wide()}:Wide")


WRONG = {
    "no network": ('network: ClassVar[str] = "', 'other: ClassVar[str] = "', ".network: None is not allowed"),
    "a network that is no name": ('ClassVar[str] = "', 'ClassVar[str] = "/etc/', ".network: '/etc/"),
    "a network that is not there": (":Net", ":Nets", "AttributeError: module"),
    "a name of its own": (
        "    width: int",
        '    name = "wide"\n    width: int',
        ".name: 'wide' is not allowed; allowed: none",
    ),
    "a size that is no knob": ("    width: int", '    size = "units"\n    width: int', ".size: 'units' is not allowed"),
    "no spec": (SPEC, "pass", ".spec: None is not allowed; allowed: a dict with family, shape and classes"),
    "a spec that lacks classes": (', "classes": classes', "", "allowed: a dict with family, shape and classes"),
    "a spec that is a list": (SPEC, "return [1]", ".spec: [1] is not allowed; allowed: a dict"),
    "a spec of another shape": (
        "list(shape),",
        "[1, 2, 3],",
        ".spec: shape: [1, 2, 3] is not allowed; allowed: [1, 4, 4]",
    ),
    "a shape that is no list": ("list(shape),", "tuple(shape),", ".spec: shape: (1, 4, 4) is not allowed"),
    "a shape that is a tensor": (
        "list(shape),",
        "__import__('torch').tensor(shape),",
        ".spec: shape: tensor([1, 4, 4])",
    ),
    "a spec of other classes": (
        '"classes": classes,',
        '"classes": True,',
        ".spec: classes: True is not allowed; allowed: 3",
    ),
    "a tensor in the spec": ("[self.width]}", "__import__('torch').ones(2)}", "allowed: what JSON holds"),
    "a number that is none": ("[self.width]}", "float('nan')}", "allowed: what JSON holds"),
    "a tuple in the spec": ("[self.width]}", "(self.width,)}", "allowed: what JSON holds"),
    "a key that is no text": ("[self.width]}", "{1: 2}}", "allowed: what JSON holds"),
    "a set in the spec": ("[self.width]}", "{self.width}}", "allowed: what JSON holds"),
    "an unknown family in the spec": ("self.name,", "'rnn',", "family: 'rnn' is not known"),
    "another family in the spec": ("self.name,", "'dnn',", ".spec: family: 'dnn' has another network"),
    "a family that is a number": ("self.name,", "1,", "family: '1' is not known"),
    "a spec that raises": (
        SPEC,
        "raise KeyError('x')",
        "line 16, in spec) raised KeyError: 'x'; allowed: code that runs",
    ),
    "a spec that exits": (SPEC, "raise SystemExit(3)", "in spec) raised SystemExit: 3"),
    "a spec that goes round": (SPEC, "return self.spec(shape, classes)", "in spec) raised RecursionError: "),
    "a label that raises": (
        "    width: int",
        "    width: int\n    @property\n    def label(self):\n        return 1 / 0",
        "in label) raised ZeroDivisionError: division by zero",
    ),
    "a label that climbs": ("    width: int", "    width: int\n    label = '../up'", "'../up' cannot name"),
    "a label that is none": ("    width: int", "    width: int\n    label = None", "None cannot name"),
    "a label of all": ("    width: int", "    width: int\n    label = 'same'", "same is listed twice"),
    "points that raise": (
        "    width: int",
        "    width: int\n    @classmethod\n    def points(cls, knobs):\n        raise OSError('a\\nb')",
        "in points) raised OSError: a b;",
    ),
    "knobs that raise": (
        "    width: int",
        "    width: int\n    def __post_init__(self):\n        raise ValueError(self.width)",
        "in __post_init__) raised ValueError: 4",
    ),
    "parameters that are no number": (
        "    width: int",
        "    width: int\n    def parameters(self, shape, classes):\n        return 1.5",
        ".parameters: 1.5 is not allowed; allowed: an integer of at least 0, or None",
    ),
    "multiply-accumulates that raise": (
        "    width: int",
        "    width: int\n    def macs(self, shape, classes):\n        return shape.count",
        ".macs: <built-in method count",
    ),
    "a network that cannot be built": ("        super().__init__()\n", "", "in __init__) raised AttributeError"),
    "a network without such a size": ("hidden):", "units):", "raised TypeError: Net.__init__() got an unexpected"),
    "a network that is none": ("class Net(nn.Module):", "class Net:", "its network is <"),
    "a network that is a function": (
        "class Net(nn.Module):",
        "def Net(**spec):\n    return 1\n\n\nclass Other:",
        "its network is 1;",
    ),
    "a network without weights": (
        "class Net(nn.Module):",
        "def Net(**spec):\n    return nn.Flatten()\n\n\nclass Other:",
        "its network is Flatten",
    ),
    "too many classes": (
        "nn.Linear(hidden[0], classes)",
        "nn.Linear(hidden[0], 9)",
        "gives [2, 9] for 2 images; allowed: a tensor [2, 3]",
    ),
    "an output that is no matrix": (".relu())", ".relu()).sum()", "gives [] for 2 images; allowed: a tensor [2, 3]"),
    "an output that is no tensor": ("return self.last(", "return print(", "gives None for 2 images"),
    "a forward pass that raises": ("images.flatten(1)", "images", "in forward) raised RuntimeError: mat1 and mat2"),
    "another structure than planned": ('"hidden": sizes[:1]}', '"hidden": [1]}', "its network's spec() is {"),
    "a structure with tensors": (
        "sizes = [len(self.first.weight)",
        "sizes = [self.first.weight",
        "raised TypeError: Object of type Parameter",
    ),
    "a structure that is missing": (
        "    def spec(self):",
        "    def structure(self):",
        "raised AttributeError: 'Net' object has no",
    ),
}


@pytest.mark.parametrize(("old", "new", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_in_a_family_is_one_line(wide, old, new, said):
    module = wide(old, new)
    with pytest.raises(UserError) as error:
        _plan_and_check(f"{module}:Wide")
    lines = str(error.value).splitlines()
    assert len(lines) == 1 and len(lines[0]) < 450
    assert said in lines[0] and (f"{module}:Wide" in lines[0] or "is not known" in lines[0])


def test_stage_sweep_tries_a_network_before_it_trains_it(wide, data_item, tmp_path):
    module = wide("nn.Linear(hidden[0], classes)", "nn.Linear(hidden[0], 9)")
    config = {"dataset": "digits", "family": f"{module}:Wide", "knobs": {"depth": 1, "width": 4}, "repeats": [0]}
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(UserError, match=r"its network gives \[2, 9\] for 2 images; allowed: a tensor \[2, 10\]"):
        sweep(config | {"train": TRAIN}, {"data": data_item}, out)
    assert not list(out.iterdir())


IMPORTS = {
    "raises": ("raise RuntimeError('first\\nsecond')", "line 1, in <module>) raised RuntimeError: first second;"),
    "exits": ("import sys\nsys.exit('no')", "line 2, in <module>) raised SystemExit: no;"),
    "is no Python": ("class Wide(:", "raised SyntaxError: invalid syntax"),
    "imports what is not there": ("import nowhere", "raised ModuleNotFoundError: No module named 'nowhere'"),
    "has zeros": ("\0", "raised SyntaxError: source code string cannot contain null bytes"),
    "forgets to freeze": (
        "from dataclasses import dataclass\nfrom minarch.models.families import Family\n"
        "@dataclass\nclass Wide(Family):\n    width: int",
        "raised TypeError: cannot inherit non-frozen dataclass from a frozen one",
    ),
}


@pytest.mark.parametrize(("text", "said"), IMPORTS.values(), ids=IMPORTS)
def test_a_module_that_cannot_be_imported_is_one_line(tmp_path, wide, text, said):
    module = wide()
    (tmp_path / f"{module}.py").write_text(text)
    with pytest.raises(UserError) as error:
        family(f"{module}:Wide")
    assert len(str(error.value).splitlines()) == 1
    assert str(error.value).startswith(f"{module}:Wide: its code") and said in str(error.value)


NO_FAMILY = """..:a .x:y a:b:c a..b:C : a: :b a:B.C a/b:C 1:2 é: os:path json:loads json:Missing no.such:Net
    builtins:exit os.path.join:x minarch.models.families:Family"""


@pytest.mark.parametrize("name", [*NO_FAMILY.split(), "", "a b:C", "a\n:b", "x" * 10_000])
def test_what_names_no_family_is_one_line_and_is_not_called(name):
    with pytest.raises(UserError, match="it must be one of dnn, cnn, vit") as error:
        family(name)
    assert len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 300


@pytest.mark.parametrize("module", ["minarch.models.families.dnn", "minarch.models.families"])
def test_one_of_ours_has_one_name(module):
    """Under another name the same network would have other keys and other seeds."""
    with pytest.raises(UserError, match="is another name of 'dnn', it must be called that"):
        family(f"{module}:Dnn")


def test_one_of_the_users_has_one_name(tmp_path, wide):
    module, other = wide(), wide()
    (tmp_path / f"{other}.py").write_text(f"from {module} import Wide\nfrom minarch.models.families import Cnn as Mine")
    with pytest.raises(UserError, match=re.escape(f"is another name of '{module}:Wide', it must be called that")):
        family(f"{other}:Wide")
    with pytest.raises(UserError, match="is another name of 'cnn', it must be called that"):
        family(f"{other}:Mine")


def test_an_exception_in_our_own_families_is_a_bug_and_keeps_its_traceback(monkeypatch):
    kind = family("dnn")
    monkeypatch.setattr(kind, "label", property(lambda self: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        expand("dnn", {"depth": 1, "width": 4})
    with pytest.raises(TypeError):
        build({"family": "dnn", "shape": [1, 4, 4], "classes": 3})


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("dnn", {"depth": 1_001, "width": 1}),
        ("dnn", {"depth": 10**9, "width": 1}),
        ("dnn", {"depth": 1, "width": 10**400}),
        ("dnn", {"depth": 1, "width": 1_000_001}),
        ("cnn", {"channels": 10**17}),
        ("vit", {"depth": 1, "width": 10**7, "heads": 1, "patch": 1}),
        ("resnet", {"depth": 18, "width": 10**9}),
        ("shaped-dnn", {"depth": 2, "width": 1, "steps": "grow", "growth": 1e300}),
        ("shaped-dnn", {"depth": 4, "width": 2, "steps": "grow-grow-grow", "growth": 100}),
        ("shaped-dnn", {"depth": 1000, "width": 2, "steps": "-".join(["grow"] * 999), "growth": 100}),
        ("shaped-dnn", {"depth": 1, "width": 1, "steps": "x" * 10_000}),
        ("shaped-dnn", {"depth": 1, "width": 1, "steps": ["grow"]}),
    ],
)  # fmt: skip
def test_extreme_knobs_are_one_short_line(name, knobs):
    with pytest.raises(UserError, match="it must ") as error:
        architecture(name, knobs)
    assert len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("dnn", {"depth": 1000, "width": 1_000_000}),
        ("cnn", {"channels": 1_000_000}),
        ("vit", {"depth": 1000, "width": 1_000_000, "heads": 1_000_000, "patch": 8, "ffn": 1_000_000}),
        ("resnet", {"depth": 34, "width": 1_000_000}),
        ("shaped-dnn", {"depth": 4, "width": 1, "steps": "grow-grow-grow", "growth": 100}),
    ],
)
def test_the_largest_architectures_are_described(name, knobs):
    kind = architecture(name, knobs)
    assert spec_of(kind, [1, 8, 8], 10)
    assert kind.parameters([1, 8, 8], 10) > 10**4 < kind.macs([1, 8, 8], 10)
