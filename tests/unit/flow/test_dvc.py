"""What DVC knows is read as DVC writes it."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from minarch.errors import UserError
from minarch.flow import dvc
from minarch.flow.seal import md5
from minarch.flow.tree import remembered_tree, tree

INDEX = Path("artifacts/sweep/index-1.json")


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "system"))
    dvc.cache_folder.cache_clear()
    yield tmp_path
    dvc.cache_folder.cache_clear()


def _configure(path: str, text: str) -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(text)


def test_the_cache_is_where_dvc_says():
    assert dvc.cache_folder() == Path(".dvc/cache/files/md5")
    for path, folder in (("global/config", "/of/the/user"), (".dvc/config", "../elsewhere")):
        _configure(path, f"[cache]\n    dir = {folder}\n")
        dvc.cache_folder.cache_clear()
        assert dvc.cache_folder() == Path(path).parent / folder / "files/md5"
    _configure(".dvc/config.local", "[core]\n    autostage = true\n")
    dvc.cache_folder.cache_clear()
    assert dvc.cache_folder() == Path(".dvc/../elsewhere/files/md5")


@pytest.mark.parametrize(("shared", "mode"), [(True, 0o2775), (False, 0o700)])
def test_folders_of_a_cache_are_for_whom_dvc_says(shared, mode):
    if shared:
        _configure(".dvc/config", "[cache]\n    shared = group\n")
    before = os.umask(0o077)
    try:
        dvc.make_cache_folder(dvc.cached_object("0" * 32).parent)
    finally:
        os.umask(before)
    folders = [dvc.cache_folder(), *list(dvc.cache_folder().parents)[:2], dvc.cache_folder() / "00"]
    assert {folder.stat().st_mode & 0o7777 for folder in folders} == {mode}


def test_a_broken_configuration_is_one_line():
    _configure(".dvc/config", "[cache\n")
    with pytest.raises(UserError, match="config: not a DVC configuration"):
        dvc.cache_folder()


@pytest.fixture
def stage(tmp_path):
    """A stage that dvc.lock describes as it is."""
    for path in (INDEX, Path("code/a.py"), Path("code/b/c.py")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path}")
    listed = json.dumps([{"relpath": INDEX.name, "md5": md5(INDEX)}])
    digest = f"{hashlib.md5(listed.encode()).hexdigest()}.dir"
    manifest = dvc.cached_object(digest)
    manifest.parent.mkdir(parents=True)
    manifest.write_text(listed)
    Path("params.yaml").write_text("sweep: {repeats: 2}\nother: 1\n")
    Path("dvc.yaml").write_text("stages: {sweep: {params: [sweep], deps: [code, code/a.py]}}")
    entry = {
        "outs": [{"path": "artifacts/sweep", "md5": digest}],
        "params": {"params.yaml": {"sweep": {"repeats": 2}}},
        "deps": [{"path": "code", "md5": tree(Path("code"))}, {"path": "code/a.py", "md5": md5(Path("code/a.py"))}],
    }
    Path("dvc.lock").write_text(yaml.safe_dump({"stages": {"sweep": entry}}))


def _recorded() -> bool:
    return dvc.recorded(dvc.locked(), "sweep", INDEX)


def test_recorded_means_that_dvc_knows_outputs_code_and_parameters(stage):
    assert _recorded()
    assert not dvc.recorded(dvc.locked(), "prune", INDEX)
    Path("params.yaml").write_text("sweep: {repeats: 2}\nother: 2\n")
    assert _recorded(), "a section that the stage does not use"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (INDEX, "changed"),
        ("code/a.py", "# a comment"),
        ("code/b/new.py", ""),
        ("params.yaml", "sweep: {repeats: 3}"),
        ("params.yaml", "other: 1"),
        ("dvc.yaml", "stages: {sweep: {params: [sweep], deps: [code]}}"),
        ("dvc.lock", ""),
        ("dvc.lock", "["),
        ("dvc.lock", "stages: 3"),
        ("dvc.lock", "stages: {sweep: {outs: 3}}"),
        ("dvc.lock", "stages: {sweep: 1}"),
    ],
)
def test_whatever_changed_is_not_recorded(stage, path, text):
    Path(path).write_text(text)
    assert not _recorded()


def test_a_tree_is_hashed_as_dvc_hashes_it(tmp_path):
    for name in ("z.txt", "a/b.txt", "a/c/d.txt", "a-b.txt", "A.txt"):
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    for command in (["init", "--no-scm", "-q"], ["add", "-q", "folder"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], check=True, capture_output=True)
    digest = yaml.safe_load(Path("folder.dvc").read_text())["outs"][0]["md5"]
    assert tree(Path("folder")) == digest == remembered_tree(Path("folder"))
    (tmp_path / "folder/z.txt").write_text("another")
    assert tree(Path("folder")) == remembered_tree(Path("folder")) != digest
