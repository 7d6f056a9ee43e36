"""What code a result depends on: a digest of the syntax trees of a module and of the local modules it imports.

Comments, docstrings and layout do not count, so a better comment retrains nothing. Orchestration (minarch.flow) does
not count either: it decides what is computed, and that is in the key already.
"""

import ast
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
_ORCHESTRATION = "minarch.flow"


def short(data: bytes) -> str:
    """The first 12 hexadecimal digits of the SHA-256."""
    return hashlib.sha256(data).hexdigest()[:12]


@cache
def code(module: str) -> dict[str, str]:
    """Digest of every local module (and of the templates beside them) that `module` imports, itself included."""
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in found or name.startswith(_ORCHESTRATION) else _file(name)
        if path is None:
            continue
        tree = ast.parse(path.read_bytes())
        found[name] = short(ast.unparse(_bare(tree)).encode())
        for data in sorted(p for p in path.parent.glob("*.j2") if path.parent != PACKAGE):
            found[f"{data.parent.name}/{data.name}"] = short(data.read_bytes())
        waiting.extend(_imports(tree, name, path))
    return dict(sorted(found.items()))


def user_code(reference: str) -> dict[str, str]:
    """Digest of the file of a user's own family (`module:Class`); empty for a family of the package."""
    name, _, attribute = reference.partition(":")
    spec = find_spec(name) if attribute else None
    if spec is None or spec.origin is None:
        return {}
    return {name: short(ast.unparse(_bare(ast.parse(Path(spec.origin).read_bytes()))).encode())}


def _file(module: str) -> Path | None:
    relative = PACKAGE.parent.joinpath(*module.split("."))
    return next((p for p in (relative.with_suffix(".py"), relative / "__init__.py") if p.is_file()), None)


def _imports(tree: ast.AST, module: str, path: Path) -> set[str]:
    """Local modules named by import statements; also dotted names in strings, as a registry gives them ("pkg.mod:Class")."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
            target = f"{base}{node.module or ''}".strip(".")
            names |= {target, *(f"{target}.{a.name}" for a in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("minarch."):
            names.add(node.value.partition(":")[0])
    return names


def _bare(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return tree
