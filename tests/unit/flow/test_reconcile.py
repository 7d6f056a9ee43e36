"""Before a run: what exists under the plan's names is whole, what was made before is back, what a kill left is gone."""

import os
import shutil
import time
from pathlib import Path

import pytest

from minarch.flow import dvc
from minarch.flow.close import close
from minarch.flow.reconcile import CHECKED, reconcile
from minarch.flow.seal import LIST, RECORD, damage, md5, read_sealed, write_sealed
from minarch.flow.vouch import MADE


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
    assert (Path(".minarch/apart/sweep") / _folders(plan)[0].name / name).exists()
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
    (root / ".tmp-4194305-thing").mkdir()  # a number that no process has
    (root / ".tmp-4194305-thing/part.bin").write_text("x")
    (root / ".tmp-4194305-index").write_text("x")
    reconcile(plan, record=False)
    assert _tree() == before
    assert not list(root.glob(".tmp-*")) and not Path(".minarch/apart").exists()


def test_temporary_files_of_a_process_at_work_stay(plan):
    begun = plan.root / "sweep" / f".tmp-{os.getpid()}-thing"
    begun.mkdir()
    reconcile(plan, record=False)
    assert begun.exists()


@pytest.mark.parametrize("name", ["my-notes", ".tmp-notes", ".tmp-99999999999-thing", "half-0123456789ab"])
def test_what_is_not_ours_is_moved_and_named_each_time_to_a_place_of_its_own(plan, name, capsys):
    for number, aside in enumerate((name, f"{name}-2", f"{name}-3")):
        (plan.root / "sweep" / name).mkdir()
        (plan.root / "sweep" / name / "idea.txt").write_text(f"{number}")
        reconcile(plan, record=False)
        assert capsys.readouterr().err == (
            f"artifacts/sweep/{name}: is not part of the stage (moved to .minarch/apart/sweep/{aside})\n"
        )
        assert (Path(".minarch/apart/sweep") / aside / "idea.txt").read_text() == f"{number}"
    assert plan.index("sweep").exists()


def test_a_file_whose_name_is_no_utf8_is_named(plan, capfd):
    folder = _folders(plan)[0]
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9")).touch()
    reconcile(plan, record=False)
    assert "is not part of it; it is made again" in capfd.readouterr().err


def test_an_item_that_lost_its_record_is_set_apart_whatever_it_is(plan, capsys):
    as_folder, as_file, as_link = _folders(plan)[:3]
    (as_folder / RECORD).unlink()
    for victim in (as_file, as_link):
        shutil.rmtree(victim)
    as_file.write_text("a file")
    as_link.symlink_to("/nowhere")
    reconcile(plan, record=False)
    assert capsys.readouterr().err.count(f"has no {RECORD}; it is made again") == 3
    assert not any(os.path.lexists(victim) for victim in (as_folder, as_file, as_link))


def test_a_fifo_in_an_item_or_in_place_of_its_record_is_not_waited_for(plan, capsys):
    inside, instead = _folders(plan)[:2]
    os.mkfifo(inside / "pipe")
    (instead / RECORD).unlink()
    os.mkfifo(instead / RECORD)
    reconcile(plan, record=False)
    said = capsys.readouterr().err
    assert "pipe is not part of it" in said and f"has no {RECORD}" in said


def test_an_item_made_here_and_sealed_again_is_set_apart(plan, capsys):
    reconcile(plan, record=False)
    victim = _folders(plan)[0]
    (victim / "results.json").write_text("forged")
    record = read_sealed(victim / RECORD)
    record["files"]["results.json"] = md5(victim / "results.json")
    write_sealed(victim / RECORD, record)
    assert damage(victim, victim.name) is None
    assert reconcile(plan, record=False) == ["sweep"]
    assert "neither what dvc.lock names nor what was made here" in capsys.readouterr().err
    assert not victim.exists()


def test_what_was_made_is_noted_before_it_has_its_name(plan, monkeypatch, workspace):
    """A run killed in between must not take its own item for a forged one."""
    victim = _folders(plan)[0]
    shutil.rmtree(victim)
    monkeypatch.setattr("minarch.flow.job.discard", lambda *_: pytest.fail("killed"))  # the step before
    with pytest.raises(pytest.fail.Exception):
        workspace.make(plan, "sweep")
    assert not victim.exists()
    assert MADE.read_text().count(f" sweep/{victim.name}\n") == 2


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
    assert left == {*fewer.items("sweep"), LIST, fewer.index("sweep").name}
    assert len(list(Path(".minarch/spare/sweep").iterdir())) == 4


@pytest.mark.parametrize("damage", ["edited", "lost", "a folder", "a link"])
def test_the_list_of_items_is_the_plans_whatever_became_of_it(plan, damage, tmp_path):
    close(plan, "sweep")
    file, elsewhere = plan.root / "sweep" / LIST, tmp_path / "cached"
    whole = "".join(f"{name}\n" for name in [plan.index("sweep").name, *sorted(plan.items("sweep"))])
    assert file.read_text() == whole
    elsewhere.write_text("of the cache")
    file.unlink(missing_ok=damage == "lost")
    if damage == "edited":
        file.write_text("other\n")
    elif damage == "a folder":
        (file / "inner").mkdir(parents=True)
    elif damage == "a link":
        file.symlink_to(elsewhere)
    reconcile(plan, ["sweep"], record=False)
    assert file.read_text() == whole and not file.is_symlink()
    assert elsewhere.read_text() == "of the cache"


def test_a_record_from_the_future_gets_the_time_of_now(plan):
    """Left there, Snakemake would fail the jobs that read it."""
    record = _folders(plan)[0] / RECORD
    os.utime(record, (4e9, 4e9))
    reconcile(plan, record=False, dry=True)
    assert record.stat().st_mtime == 4e9
    reconcile(plan, record=False)
    assert record.stat().st_mtime <= time.time()
    assert reconcile(plan, record=False) == [] and record.exists()
