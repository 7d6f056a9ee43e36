"""What a checkout says of its artifacts before anything is installed: the same as DVC says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.config import Config

from minarch.errors import UserError
from minarch.flow import dvc
from minarch.flow.published import default_remote, directories, lacking, object_in

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".dvc").mkdir()
    return tmp_path


def _dvc(*words):
    command = [sys.executable, "-m", "dvc", *words]
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "url", [".dvc/published", "a folder", "../beside", "/else", "s3://bucket/a", "ssh://me@host:2/a"]
)
def test_the_default_remote_is_read_as_dvc_wrote_it(checkout, url):
    with Config.init(".dvc").edit() as config:
        config["remote"] = {"other": {"url": "/another"}, "store": {"url": url}}
        config["core"]["remote"] = "store"
    remote = default_remote()
    assert remote.name == "store"
    known = Config(".dvc")["remote"]["store"]["url"]
    read = str(remote.folder.resolve()) if remote.folder else remote.url
    assert os.path.normpath(read) == os.path.normpath(known)
    assert (remote.folder is None) == ("://" in url)
    assert remote.is_inside == url.startswith((".dvc", "a"))


def test_the_local_configuration_comes_before_that_of_the_commit(checkout):
    Path(".dvc/config").write_text("[core]\n    remote = a\n['remote \"a\"']\n    url = a # inside\n")
    assert str(default_remote()) == "remote 'a' (.dvc/a, in this checkout)"
    Path(".dvc/config.local").write_text("[core]\n    remote = b\n['remote \"b\"']\n    url = /b\n")
    assert str(default_remote()) == "remote 'b' (/b)"


@pytest.mark.parametrize(
    "text", ["", "[core]\n", "[core]\nremote = a\n", "['remote \"a\"']\nurl = a\n", "[core\n", "remote\n"]
)
def test_what_names_no_remote_is_one_line(checkout, text):
    Path(".dvc/config").write_text(text)
    with pytest.raises(UserError, match=r"^\.dvc/config: .*; allowed: [^\n]*$"):
        default_remote()


def test_the_artifacts_of_this_repository_are_read_as_by_a_reader_of_yaml(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    assert {output.path.as_posix(): output.manifest for output in directories()} == dvc.directories()
    entries = [entry for stage in dvc.locked().values() for entry in stage["outs"] if "nfiles" in entry]
    assert sum(output.size for output in directories()) == sum(entry["size"] for entry in entries) > 0
    assert sum(output.files for output in directories()) == sum(entry["nfiles"] for entry in entries) > 0


def test_a_folder_that_was_added_is_named_and_what_a_remote_lacks_of_it(checkout):
    _dvc("init", "--no-scm", "--force")
    images = Path("data/folders/it's: mine/cats")
    images.mkdir(parents=True)
    for name in ("a.png", "b ü.png"):
        (images / name).write_text(name)
    _dvc("add", str(images.parent))
    (output,) = directories()
    assert (output.path, output.files, output.size) == (images.parent, 2, len("a.pngb ü.png".encode()))
    store = Path("store")
    assert list(lacking(store, output)) == [images.parent]
    _dvc("remote", "add", "--default", "store", "store")
    _dvc("push")
    assert list(lacking(store, output)) == []
    listing = object_in(store, output.manifest)
    for file in store.rglob("*"):
        if file.is_file() and file != listing:
            file.unlink()
    assert sorted(lacking(store, output)) == [images / "a.png", images / "b ü.png"]
    listing.chmod(0o644)
    listing.write_text("[]")
    with pytest.raises(UserError, match=r"its directory object .*: its content is not what its name says"):
        list(lacking(store, output))


def test_the_standard_library_is_enough(checkout):
    """Python without the packages that are installed (-S)."""
    command = [sys.executable, "-S", "-m", "minarch.commands.announce", "params.yaml"]
    environment = {"PYTHONPATH": str(REPOSITORY / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == "review: dvc.lock: names no artifacts; allowed: a commit of a study that was computed\n"
