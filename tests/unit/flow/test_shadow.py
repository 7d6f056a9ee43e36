"""What is moved or removed in a shadow stays where it is in the workspace."""

import os
import shutil
from pathlib import Path

import pytest

from minarch.flow import shadow


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """Files where a run has them, and one beside the workspace; the tests leave its directory again."""
    root = tmp_path / "project"
    for name in (
        "params.yaml",
        "src/code.py",
        "artifacts/sweep/item-1/results.json",
        "artifacts/sweep/index-1.json",
        "artifacts/studies/other/prune/item-2/inner/x.bin",
        ".minarch/checked.json",
        ".minarch/spare/sweep/item-3/results.json",
        ".snakemake/log/x.log",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (tmp_path / "beside.txt").write_text("beside")
    monkeypatch.chdir(root)
    return root


def _tree(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_shadow_shows_everything_and_protects_it(workspace):
    before = _tree(workspace)
    shadow.enter()
    assert Path.cwd() != workspace
    for name, text in before.items():
        assert name.startswith(".snakemake") or Path(name).read_text() == text
    shutil.move("artifacts/sweep/item-1", ".minarch/spare/sweep/item-1")
    os.unlink("artifacts/sweep/index-1.json")
    shutil.move(".minarch/spare/sweep/item-3", "artifacts/sweep/item-3")
    shutil.move("artifacts/studies/other/prune/item-2", "artifacts/studies/other/item-2")
    Path(".minarch/checked.json").write_text("changed")
    Path(".minarch/apart/sweep").mkdir(parents=True)
    Path(".snakemake").mkdir()
    assert _tree(workspace) == before


def test_a_stage_that_lies_behind_a_link_is_protected_as_well(workspace, tmp_path):
    shutil.move(workspace / "artifacts/sweep", tmp_path / "elsewhere")
    (workspace / "artifacts/sweep").symlink_to(tmp_path / "elsewhere")
    shadow.enter()
    os.unlink("artifacts/sweep/index-1.json")
    assert (workspace / "artifacts/sweep/index-1.json").exists()
