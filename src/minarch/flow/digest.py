"""What code a result depends on: a digest of the syntax trees of a module and of the local modules it imports.

Comments, docstrings and layout do not count, so a better comment retrains nothing. Nor does what only decides what is
asked for, because that stands in the key already: orchestration (minarch.flow) and the families' knobs, whose outcome,
the structural spec, is keyed instead. A new family thus leaves every old key as it was.
"""

import ast
import hashlib
import os
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from minarch.errors import UserError
from minarch.flow import memo, sources
from minarch.flow.memo import Parsed

PACKAGE = Path(__file__).parents[1]
SOURCE = PACKAGE.parent
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_ASKING = ("minarch.flow", "minarch.models.families", "minarch.data.catalogue")


def short(data: bytes) -> str:
    """The first 12 hexadecimal digits of the SHA-256."""
    return hashlib.sha256(data).hexdigest()[:12]


@cache
def code(module: str, folder: Path = SOURCE) -> dict[str, str]:
    """Digest of every local module that `module` imports, itself included, and of the files beside them (templates).

    Args:
        folder: where modules of the user's own lie, which count like ours.
    """
    return {
        name: _read(name, path).digest if path.suffix == ".py" else short(sources.read(path))
        for name, path in closure(module, folder).items()
    }


def closure(module: str, folder: Path = SOURCE, without: tuple[str, ...] = _ASKING) -> dict[str, Path]:
    """The local files that `module` imports and those beside them, by the names that `code` gives them, in order.

    Args:
        without: beginnings of the names of modules that are left out, with what only they import.
    """
    files: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in files or name.startswith(without) else _file(name, folder)
        if path is None:
            continue
        files[name] = path
        if path.is_relative_to(PACKAGE):
            beside = (p for p in path.parent.iterdir() if p.is_file() and p.suffix != ".py")
            files |= {data.relative_to(PACKAGE).as_posix(): data for data in beside}
        waiting.extend(_read(name, path).imports)
    return dict(sorted(files.items()))


@cache  # the closures of the stages overlap
def _read(module: str, path: Path) -> Parsed:
    text = sources.read(path)
    parser = sources.read(Path(__file__))
    stamp = short(repr((module, path.name, sys.version)).encode() + parser + text)  # each decides what follows
    return memo.recall(module, stamp) or memo.note(module, stamp, _parse(text, module, path))


def _parse(text: bytes, module: str, path: Path) -> Parsed:
    tree = ast.parse(text)
    imports = sorted(_imports(tree, module, path))  # first: what follows takes the docstrings out
    return Parsed(short(ast.unparse(_bare(tree)).encode()), imports)


def network_code(network: str) -> dict[str, str]:
    """Digest of what builds a family's networks ("module:Class"), in the package or in files of the user's.

    Raises:
        UserError: the module cannot be imported.
    """
    name = network.partition(":")[0]
    if _file(name, SOURCE):
        return code(name)
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise UserError(f"family: its network {network!r} cannot be found; allowed: an importable module:Class")
    levels = name.count(".") + (spec.submodule_search_locations is not None)
    return code(name, Path(spec.origin).parents[levels])


def _file(module: str, folder: Path) -> Path | None:
    """Where a module lies in `folder`, else in the package; None for what is installed."""
    relative = module.replace(".", "/")  # as text: thousands of names are looked up
    places = (f"{base}/{relative}{end}" for base in dict.fromkeys((folder, SOURCE)) for end in (".py", "/__init__.py"))
    return next((Path(place) for place in places if os.path.isfile(place)), None)


def _imports(tree: ast.AST, module: str, path: Path) -> set[str]:
    """Modules named by import statements, wherever they stand."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
            target = f"{base}{node.module or ''}".strip(".")
            names |= {target, *(f"{target}.{a.name}" for a in node.names)}
    return names


def _bare(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree
