"""The digest sees every change of code, and nothing but changes of code."""

import ast
import copy
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minarch.errors import UserError
from minarch.flow import digest
from minarch.flow.stages import STAGES

REPOSITORY = Path(__file__).parents[3]
SOURCE = '''"""What it does."""
import math


class Scale:
    """A factor."""

    factor = 2.0

    def apply(self, value: float, *, twice: bool = False) -> float:
        """Times the factor."""
        text = "not a docstring"
        if twice and value > 0:
            return value * self.factor * self.factor
        return math.floor(value) * self.factor + len(text)


def documented_only():
    """Nothing else."""
'''
LINES = SOURCE.splitlines()


def _digest(source: str) -> str:
    return digest.short(ast.unparse(digest._bare(ast.parse(source))).encode())


@given(
    st.dictionaries(
        st.sampled_from([i for i, line in enumerate(LINES) if not line.strip().startswith('"')]),
        st.text("#ab \t", max_size=6),
    )
)
def test_comments_do_not_count(notes):
    source = "\n".join(line + (f"  # {notes[i]}" if i in notes else "") for i, line in enumerate(LINES))
    assert _digest(source) == _digest(SOURCE)


@given(st.text("abc é'", max_size=20))
def test_docstrings_do_not_count(text):
    for old in ("What it does.", "A factor.", "Times the factor.", "Nothing else."):
        assert _digest(SOURCE.replace(old, text)) == _digest(SOURCE)
    assert _digest(SOURCE.replace("not a docstring", text + "x")) != _digest(SOURCE)


def test_layout_does_not_count():
    assert _digest(ast.unparse(ast.parse(SOURCE))) == _digest(SOURCE)
    assert _digest(
        SOURCE.replace("\n\n", "\n\n\n").replace("value * self.factor", "(value\n  * self.factor)")
    ) == _digest(SOURCE)


def _changes(tree):
    """Every tree that differs in one constant, name, attribute, argument, operator or statement."""
    docstrings = {
        id(n.body[0].value)
        for n in ast.walk(tree)
        if isinstance(getattr(n, "body", None), list) and n.body and isinstance(n.body[0], ast.Expr)
    }
    for i, node in enumerate(ast.walk(tree)):
        if id(node) in docstrings:
            continue
        for field, value in ast.iter_fields(node):
            if field in ("kind", "type_comment", "ctx", "type_ignores"):
                continue
            other = copy.deepcopy(tree)
            twin = list(ast.walk(other))[i]
            if isinstance(value, bool):
                setattr(twin, field, not value)
            elif isinstance(value, int | float):
                setattr(twin, field, value + 1)
            elif isinstance(value, str):
                setattr(twin, field, value + "x")
            elif isinstance(value, ast.operator):
                setattr(twin, field, ast.Pow())
            elif isinstance(value, list) and field == "body" and len(value) > 1:
                getattr(twin, field).pop()
            else:
                continue
            yield ast.unparse(other)


def test_every_change_of_code_counts():
    changed = [_digest(source) for source in _changes(ast.parse(SOURCE))]
    assert len(changed) > 30
    assert _digest(SOURCE) not in changed


@pytest.mark.parametrize("path", sorted((REPOSITORY / "src/minarch/training").glob("*.py")), ids=lambda p: p.name)
def test_every_number_in_the_training_code_counts(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            before, node.value = node.value, not node.value if isinstance(node.value, bool) else node.value + 1
            assert _digest(ast.unparse(tree)) != _digest(path.read_text())
            node.value = before


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `minarch` of a few modules in place of ours."""
    root = tmp_path / "minarch"
    (root / "models").mkdir(parents=True)
    (root / "flow").mkdir()
    files = {
        "__init__.py": "",
        "stage.py": "from minarch.models import build\ndef work():\n    import minarch.late\n    from . import beside",
        "late.py": "x = 1\n",
        "beside.py": "from .models.deep import y\n",
        "unrelated.py": "z = 1\n",
        "models/__init__.py": "",
        "models/build.py": "from minarch.models.families import FAMILIES\nimport json\n",
        "models/families.py": "FAMILIES = {}\n",
        "models/deep.py": "y = 2\n",
        "flow/plan.py": "",
    }
    for name, text in files.items():
        (root / name).write_text(text)
    monkeypatch.setattr(digest, "PACKAGE", root)
    monkeypatch.setattr(digest, "SOURCE", tmp_path)
    return root


def _code(name, folder):
    digest._read.cache_clear()
    return digest.code.__wrapped__(name, folder)


def test_imports_are_followed_wherever_they_stand(package):
    names = set(_code("minarch.stage", package.parent))
    assert names == {
        "minarch.stage",
        "minarch.models",
        "minarch.models.build",
        "minarch.models.deep",
        "minarch.late",
        "minarch.beside",
        "minarch",
    }


@pytest.mark.parametrize("name", ["unrelated.py", "models/families.py", "flow/plan.py", "models/another_family.py"])
def test_what_is_not_imported_or_only_asks_does_not_count(package, name):
    before = _code("minarch.stage", package.parent)
    (package / name).write_text("changed = 1\n")
    assert _code("minarch.stage", package.parent) == before


@pytest.mark.parametrize(
    "name", ["stage.py", "late.py", "beside.py", "models/build.py", "models/deep.py", "template.html"]
)
def test_what_is_imported_or_lies_beside_it_counts(package, name):
    before = _code("minarch.stage", package.parent)
    with (package / name).open("a") as file:
        file.write("\nchanged = 1\n")
    assert _code("minarch.stage", package.parent) != before


def test_a_users_network_counts_with_the_users_modules_that_it_imports(tmp_path, monkeypatch):
    (tmp_path / "myfamily_d.py").write_text("from mylayers_d import Layer\nfrom minarch.models.dnn import DNN\n")
    (tmp_path / "mylayers_d.py").write_text("class Layer: ...\n")
    (tmp_path / "params.yaml").write_text("not code\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = digest.network_code("myfamily_d:Net")
    assert {"myfamily_d", "mylayers_d", "minarch.models.dnn"} <= set(before)
    assert not any("params" in name for name in before)
    digest.code.cache_clear()
    digest._read.cache_clear()
    (tmp_path / "mylayers_d.py").write_text("class Layer:\n    bias = True\n")
    assert digest.network_code("myfamily_d:Net") != before


@pytest.mark.parametrize("network", ["no_such_module:Net", "no.such.module:Net", ":Net"])
def test_a_network_that_is_not_there_is_one_line(network):
    with pytest.raises(UserError, match="allowed: an importable module:Class"):
        digest.network_code(network)


def test_the_standard_library_is_not_followed():
    assert not set(digest.code("minarch.sweep")) & set(sys.stdlib_module_names)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(list(STAGES)))
def test_a_digest_is_the_same_each_time(stage):
    assert digest.code.__wrapped__(STAGES[stage].module) == digest.code(STAGES[stage].module)
