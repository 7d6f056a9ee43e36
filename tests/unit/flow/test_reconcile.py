"""Before a run: what exists under the plan's names is whole, what was made before is back, what a kill left is gone."""

import os
import shutil
from pathlib import Path

import pytest

from minarch.flow import dvc
from minarch.flow.close import close
from minarch.flow.reconcile import CHECKED, reconcile
from minarch.flow.seal import RECORD, damage, read_sealed


@pytest.fixture
def plan(workspace):
    """Finished and closed data and sweep stages."""
    dvc.cache_folder.cache_clear()
    plan = workspace.plan()
    workspace.make(plan, "data", "sweep")
    close(plan, "data")
    close(plan, "sweep")
    return plan


def _folders(plan):
    return [plan.folder(item.path) for item in plan.items("sweep").values()]


def _tree(root="artifacts"):
    return {str(p): p.read_bytes() for p in sorted(Path(root).rglob("*")) if p.is_file()}


def test_a_whole_workspace_stays_as_it_is(plan, capsys):
    before = _tree()
    reconcile(plan, record=False)
    reconcile(plan, record=False)
    assert _tree() == before
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["results.json", "inner/more.bin", RECORD])
def test_a_damaged_item_is_set_apart_and_told(plan, name, capsys):
    reconcile(plan, record=False)  # now remembered as whole
    victim = _folders(plan)[0] / name
    victim.write_bytes(victim.read_bytes()[::-1])  # the same size
    reconcile(plan, record=False)
    assert not _folders(plan)[0].exists()
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "was changed or damaged; it is made again" in said
    assert (Path(".minarch/damaged/sweep") / _folders(plan)[0].name / name).exists()
    assert all((folder / RECORD).exists() for folder in _folders(plan)[1:])


def test_an_edit_with_the_old_time_is_seen(plan):
    reconcile(plan, record=False)
    victim = _folders(plan)[0] / "results.json"
    times = victim.stat()
    victim.write_bytes(victim.read_bytes()[::-1])
    os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))
    reconcile(plan, record=False)
    assert not victim.exists()


def test_what_was_checked_is_not_read_again(plan, monkeypatch):
    reconcile(plan, record=False)
    monkeypatch.setattr("minarch.flow.reconcile.damage", lambda *_: pytest.fail("read again"))
    reconcile(plan, record=False)


@pytest.mark.parametrize("text", ["", "{}", "\0", '{"items": 3, "seal": "x"}'])
def test_a_broken_memory_means_that_all_is_checked_again(plan, text):
    CHECKED.parent.mkdir(exist_ok=True)
    CHECKED.write_text(text)
    victim = _folders(plan)[0] / "results.json"
    victim.write_text("edited")
    reconcile(plan, record=False)
    assert not victim.exists()
    assert read_sealed(CHECKED) is not None


def test_leftovers_of_a_kill_are_swept_away(plan):
    root = plan.root / "sweep"
    before = _tree()
    (root / ".tmp-123-thing").mkdir()
    (root / ".tmp-123-thing/part.bin").write_text("x")
    (root / ".tmp-index").write_text("x")
    (root / "half-0123456789ab").mkdir()
    (root / "half-0123456789ab/results.json").write_text("x")
    reconcile(plan, record=False)
    assert _tree() == before


def test_an_item_made_before_comes_back(plan, workspace, capsys):
    other = workspace.plan(train__epochs=7)
    workspace.make(other, "sweep")
    close(other, "sweep")  # takes the first study's items out
    assert not any(f.exists() for f in _folders(plan))
    reconcile(plan, record=False)
    assert "sweep: 5 item(s) made before brought back" in capsys.readouterr().err
    assert all(damage(f, f.name) is None for f in _folders(plan))


def test_an_index_that_lists_other_items_is_reopened(plan):
    index = plan.index("sweep")
    index.write_text(index.read_text().replace('"stage": "sweep"', '"stage": "swept"'))
    reconcile(plan, record=False)
    assert not index.exists()
    assert plan.index("data").exists()


def test_an_index_that_dvc_does_not_know_is_reopened_only_where_dvc_is_told(plan):
    reconcile(plan, record=False)
    assert plan.index("sweep").exists()
    reconcile(plan, record=True)
    assert not plan.index("sweep").exists()


def test_closing_needs_every_item(plan):
    from minarch.errors import UserError

    shutil.rmtree(_folders(plan)[0])
    with pytest.raises(UserError, match=r"sweep: 1 item\(s\) are missing, the first is digits-dnn"):
        close(plan, "sweep")


def test_closing_leaves_exactly_the_plan(plan, workspace):
    fewer = workspace.plan(sweep__families={"cnn": {"channels": 2}})
    close(fewer, "sweep")
    left = {p.name for p in (fewer.root / "sweep").iterdir()}
    assert left == {*fewer.items("sweep"), fewer.index("sweep").name}
    assert len(list(Path(".minarch/spare/sweep").iterdir())) == 4
