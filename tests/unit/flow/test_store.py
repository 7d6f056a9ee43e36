"""Items made before come back whole or not at all, and only into their own folder."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from minarch.flow import dvc, store
from minarch.flow.seal import RECORD, damage, files, md5, write_sealed
from minarch.flow.vouch import NAMED, Vouchers, note_made

NAME = "thing-0123456789ab"
PATH = f"sweep/{NAME}"
FOLDER = Path("artifacts", PATH)


def _item(folder: Path, text: str = "result", name: str = NAME) -> Path:
    (folder / "inner").mkdir(parents=True)
    (folder / "results.json").write_text(text)
    (folder / "inner/weights.bin").write_bytes(b"\0\1")
    listed = {str(p.relative_to(folder)): md5(p) for p in files(folder)}
    write_sealed(folder / RECORD, {"item": name, "files": listed})
    return folder


def _keep(source: Path, prefix: str = NAME, **more: str) -> Path:
    """Put an item into the cache as DVC does; returns the directory object. `more` are further entries of it."""
    entries = []
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        digest = md5(path)
        stored = dvc.cached_object(digest)
        stored.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, stored)
        entries.append({"md5": digest, "relpath": f"{prefix}/{path.relative_to(source)}"})
    entries += [{"md5": digest, "relpath": relpath} for relpath, digest in more.items()]
    return _manifest(entries)


def _manifest(entries: object) -> Path:
    text = json.dumps(entries)
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    path = dvc.cached_object(f"{digest}.dir")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    _name(path)
    return path


def _name(*manifests: Path) -> None:
    """Let dvc.lock have named these, and the last one now."""
    hashes = [path.parent.name + path.name for path in manifests]
    NAMED.parent.mkdir(exist_ok=True)
    with NAMED.open("a") as file:
        file.writelines(f"{name}\n" for name in hashes)


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dvc.cache_folder.cache_clear()
    yield tmp_path
    dvc.cache_folder.cache_clear()


def _restore() -> list[str]:
    return store.restore([(PATH, FOLDER)], Vouchers())


def _put_aside() -> None:
    store.put_aside(FOLDER, "sweep", Vouchers())


def test_an_item_in_the_cache_comes_back(tmp_path):
    truth = _item(tmp_path / "source")
    _keep(truth)
    assert _restore() == [PATH]
    assert damage(FOLDER, NAME) is None
    assert (FOLDER / "inner/weights.bin").read_bytes() == b"\0\1"


@pytest.mark.parametrize("place", [".minarch/spare", "artifacts/studies/other"])
def test_an_item_of_this_workspace_comes_back(place):
    _item(Path(place, PATH))
    assert _restore() == [PATH]
    assert damage(FOLDER, NAME) is None


def test_a_damaged_item_of_this_workspace_does_not(tmp_path):
    _item(Path(".minarch/spare", PATH))
    Path(".minarch/spare", PATH, "results.json").write_text("edited")
    assert _restore() == []
    _keep(_item(tmp_path / "source"))
    assert _restore() == [PATH]  # but the one in the cache does


def test_nothing_was_made_before():
    assert _restore() == []
    assert not FOLDER.exists()


@pytest.mark.parametrize(
    "climbing",
    [f"{NAME}/../../../outside.txt", f"../{NAME}/../outside.txt", f"{NAME}/../x", f"/{NAME}/../../outside.txt"],
)
def test_a_path_that_climbs_out_is_not_followed(tmp_path, climbing):
    payload = tmp_path / "payload"
    payload.write_text("malicious")
    stored = dvc.cached_object(md5(payload))
    stored.parent.mkdir(parents=True)
    payload.rename(stored)
    before = _places(tmp_path)
    _keep(_item(tmp_path / "source"), **{climbing: stored.parent.name + stored.name})
    _restore()
    assert _places(tmp_path) == before
    assert not FOLDER.exists()


def _places(root: Path) -> list[Path]:
    ours = {".dvc", ".minarch", "source"}
    return sorted(path for path in root.rglob("*") if not ours & set(path.parts) and path.is_file())


def test_content_that_does_not_match_the_seal_is_refused(tmp_path):
    source = _item(tmp_path / "source")
    (source / "results.json").write_text("forged after sealing")
    _keep(source)
    assert _restore() == []
    assert list(FOLDER.parent.glob("*")) == []


def test_one_file_too_many_is_refused(tmp_path):
    source = _item(tmp_path / "source")
    (source / "extra.py").write_text("")
    _keep(source)
    assert _restore() == []


def test_a_truncated_object_leaves_the_cache_and_a_lost_one_is_refused(tmp_path):
    source = _item(tmp_path / "source")
    _keep(source)
    stored = dvc.cached_object(md5(source / "results.json"))
    stored.write_text("res")
    assert _restore() == []
    assert not stored.exists() and dvc.cached_object(md5(source / "inner/weights.bin")).exists()
    assert _restore() == []


def test_of_two_versions_the_later_whole_one_comes_back(tmp_path):
    """Made twice, with other times in it: what was committed last is what git knows."""
    older, newer = _item(tmp_path / "a", "older"), _item(tmp_path / "b", "newer")
    first, second = _keep(older), _keep(newer)
    os.utime(first, (1e9, 1e9))
    os.utime(second, (2e9, 2e9))
    assert _restore() == [PATH]
    assert (FOLDER / "results.json").read_text() == "newer"
    shutil.rmtree(FOLDER)
    dvc.cached_object(md5(newer / "results.json")).unlink()
    assert _restore() == [PATH]
    assert (FOLDER / "results.json").read_text() == "older"


@pytest.mark.parametrize(
    "entries",
    [
        "text",
        7,
        None,
        [1, 2],
        [{"md5": "0" * 32}],
        [{"relpath": f"{NAME}/x", "md5": None}],
        [{"relpath": f"{NAME}/x", "md5": "../../../etc/passwd"}],
        [{"relpath": 3, "md5": "0" * 32}],
        [{"relpath": NAME, "md5": "0" * 32}],
    ],
)
def test_a_strange_directory_object_is_passed_over(tmp_path, entries):
    _manifest(entries)
    assert _restore() == []
    _keep(_item(tmp_path / "source"))
    assert _restore() == [PATH]


def test_what_is_no_json_is_passed_over(tmp_path):
    _manifest([]).write_bytes(b"\xff\0")
    _keep(_item(tmp_path / "source"))
    assert _restore() == [PATH]


def test_what_is_taken_out_is_kept_unless_the_cache_has_it():
    _item(FOLDER)
    _put_aside()
    assert not FOLDER.exists()
    assert damage(store.SPARE / PATH, NAME) is None
    shutil.move(store.SPARE / PATH, FOLDER)
    _keep(FOLDER)
    _put_aside()
    assert not FOLDER.exists() and not (store.SPARE / PATH).exists()


def test_what_is_taken_out_is_kept_if_the_cache_has_its_files_but_nothing_that_lists_them():
    manifest = _keep(_item(FOLDER))
    manifest.unlink()
    _put_aside()
    assert damage(store.SPARE / PATH, NAME) is None


def test_a_manifest_that_dvc_lock_never_named_is_not_believed(tmp_path):
    """A forged manifest can have made `dvc pull` bring it."""
    _keep(_item(tmp_path / "source"))
    NAMED.unlink()
    assert _restore() == []
    assert not FOLDER.exists()


def test_a_manifest_that_a_commit_names_is_believed(tmp_path):
    manifest = _keep(_item(tmp_path / "source"))
    NAMED.unlink()
    lock = {"stages": {"sweep": {"outs": [{"path": "artifacts/sweep", "md5": manifest.parent.name + manifest.name}]}}}
    for text in (yaml.safe_dump(lock), "stages: {}\n"):  # named once, and not any more
        Path("dvc.lock").write_text(text)
        for words in (
            ["init", "-q"],
            ["add", "dvc.lock"],
            ["-c", "user.name=a", "-c", "user.email=b", "commit", "-qm."],
        ):
            subprocess.run(["git", *words], check=True)
    assert _restore() == [PATH]


def test_a_manifest_of_a_branch_that_was_only_fetched_is_not_believed(tmp_path):
    manifest = _keep(_item(tmp_path / "source"))
    NAMED.unlink()
    lock = {"stages": {"sweep": {"outs": [{"path": "artifacts/sweep", "md5": manifest.parent.name + manifest.name}]}}}
    as_somebody = ["-c", "user.name=a", "-c", "user.email=b"]
    Path("dvc.lock").write_text(yaml.safe_dump(lock))
    for words in (
        ["init", "-q"],
        [*as_somebody, "commit", "-qm.", "--allow-empty"],
        ["add", "dvc.lock"],
        [*as_somebody, "commit", "-qm."],
        ["update-ref", "refs/remotes/fork/theirs", "HEAD"],
        ["reset", "-q", "--hard", "HEAD~1"],
    ):
        subprocess.run(["git", *words], check=True)
    assert _restore() == []
    subprocess.run(["git", "branch", "mine", "fork/theirs"], check=True)
    assert _restore() == [PATH]


def test_what_the_cache_holds_under_the_name_of_another_record_is_refused(tmp_path):
    """An item forged as a whole under the honest names of its files."""
    truth, forged = _item(tmp_path / "truth"), _item(tmp_path / "forged", "better")
    _keep(truth)
    for name in ("results.json", RECORD):
        dvc.cached_object(md5(truth / name)).write_bytes((forged / name).read_bytes())
    assert damage(forged, NAME) is None
    assert _restore() == []
    assert not FOLDER.exists()


def test_an_item_beside_that_contradicts_what_was_made_here_is_refused():
    forged = _item(Path(store.SPARE, PATH), "better")
    note_made(PATH, "0" * 32)
    assert _restore() == []
    note_made(PATH, md5(forged / RECORD))
    assert _restore() == [PATH]


def test_what_is_taken_out_is_kept_if_the_cache_has_it_damaged():
    _keep(_item(FOLDER))
    dvc.cached_object(md5(FOLDER / "results.json")).write_text("resul")
    _put_aside()
    assert damage(store.SPARE / PATH, NAME) is None
