"""Folders of images: every file in them is an image of a class, or they are refused at once in one line."""

import os
from pathlib import Path

import pytest

from minarch.data.catalogue import slug
from minarch.data.folders import SUFFIXES, listing
from minarch.errors import UserError
from minarch.flow.folder import fingerprint
from minarch.flow.tree import tree

NO_TIME = pytest.mark.timeout(20)  # what hangs fails here


def _fill(root: Path, *classes: str) -> Path:
    """Files that have the names of images; nothing looks into them here."""
    for name in classes or ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for k in range(2):
            (root / name / f"{k}.png").write_text(ascii(f"{name} {k}"))
    return root


def _names(classes: dict[str, list[Path]]) -> dict[str, list[str]]:
    return {name: [file.name for file in files] for name, files in classes.items()}


def _line(root: Path) -> str:
    """What both planning and stage data say of it."""
    said = []
    for refuse in (listing, fingerprint):
        with pytest.raises(UserError) as error:
            refuse(root)
        said.append(str(error.value))
    assert said[0] == said[1] and len(said[0].splitlines()) == 1
    assert said[0].startswith("data.datasets: ") and "; allowed: " in said[0]
    return said[0]


def test_classes_and_their_files_are_in_order(tmp_path):
    _fill(tmp_path, "dog", "cat", "Ant")
    both = ["0.png", "1.png"]
    assert listing(tmp_path).keys() == {"train"}
    assert list(_names(listing(tmp_path)["train"]).items()) == [("Ant", both), ("cat", both), ("dog", both)]


def test_train_and_test_are_two_splits(tmp_path):
    _fill(tmp_path / "train")
    assert listing(tmp_path).keys() == {"train"}
    _fill(tmp_path / "test")
    assert listing(tmp_path).keys() == {"train", "test"}
    assert listing(tmp_path)["test"]["cat"] == [tmp_path / "test/cat/0.png", tmp_path / "test/cat/1.png"]


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".PNG", ".Jpeg"])
def test_an_image_is_known_by_its_suffix(tmp_path, suffix):
    (_fill(tmp_path) / "cat" / f"x{suffix}").touch()
    assert f"x{suffix}" in _names(listing(tmp_path)["train"])["cat"]


def test_what_systems_hide_is_passed_over(tmp_path):
    expected = listing(_fill(tmp_path))
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._0.png"):
        (tmp_path / name).touch()
        (tmp_path / "cat" / name).touch()
    for name in (".ipynb_checkpoints", ".git"):
        _fill(tmp_path / name)
        _fill(tmp_path / "cat" / name)
    (tmp_path / "README.md").touch()
    (tmp_path / "labels.csv").touch()
    assert listing(tmp_path) == expected


def test_any_name_that_can_be_printed_is_a_class(tmp_path):
    names = ["=1+1", "<script>alert(1)", "a\"b'c", "$x$ {{y}} %s", "-rf", "@sum", "中文", "été", "a b", "NA", "\\n"]
    assert list(listing(_fill(tmp_path, *names))["train"]) == sorted(names)


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "\x1b[31m", "\u202eb", "\x7f", os.fsdecode(b"caf\xe9")])
def test_a_class_that_cannot_be_printed_is_refused(tmp_path, name):
    assert f"has a class {name!r}; allowed: printable characters" in _line(_fill(tmp_path, "cat", name))


def _text_beside(root):
    (root / "cat/notes.txt").touch()
    return "cat/notes.txt' is no image by its name; allowed: .bmp, .gif"


def _raw_beside(root):
    (root / "cat/x.cr2").touch()
    return "cat/x.cr2' is no image by its name"


def _nested(root):
    _fill(root / "cat/young")
    return "cat/young' is a folder in a class; allowed: image files"


def _empty(root):
    (root / "fox").mkdir()
    return "fox' holds no image; allowed: at least one in each class"


def _hidden_only(root):
    (root / "fox").mkdir()
    (root / "fox/.0.png").touch()
    return "fox' holds no image"


def _outside(root):
    (root / "x.png").touch()
    return "x.png' lies in no class"


def _fifo(root):
    os.mkfifo(root / "cat/x.png")
    return "cat/x.png' is a FIFO, a socket, a device or a broken link"


def _device(root):
    (root / "cat/x.png").symlink_to("/dev/zero")
    return "cat/x.png' is a FIFO, a socket, a device"


def _broken(root):
    (root / "cat/x.png").symlink_to("nowhere.png")
    return "cat/x.png' is a FIFO, a socket, a device or a broken link"


def _own_target(root):
    (root / "cat/x.png").symlink_to("x.png")
    return "Too many levels of symbolic links"


def _upwards(root):
    (root / "cat/up").symlink_to("..")
    return "cat/up' is a folder in a class"


def _class_of_classes(root):
    (root / "fox").symlink_to(".")
    return "fox/cat' is a folder in a class"


@NO_TIME
@pytest.mark.parametrize(
    "spoil",
    [
        _text_beside,
        _raw_beside,
        _nested,
        _empty,
        _hidden_only,
        _outside,
        _fifo,
        _device,
        _broken,
        _own_target,
        _upwards,
        _class_of_classes,
    ],
)
def test_what_is_no_image_of_a_class_is_refused_by_name(tmp_path, spoil):
    expected = spoil(_fill(tmp_path / "set"))
    assert expected in _line(tmp_path / "set")


def test_a_folder_beside_train_and_test_is_refused(tmp_path):
    for name in ("train", "test", "val"):
        _fill(tmp_path / name)
    assert "has 'val' beside 'train'; allowed: train and test" in _line(tmp_path)


def test_other_classes_in_test_are_refused(tmp_path):
    _fill(tmp_path / "train")
    _fill(tmp_path / "test", "cat", "fox")
    assert "has classes ['cat', 'fox'] in test/; allowed: ['cat', 'dog']" in _line(tmp_path)


def test_a_folder_whose_path_no_disk_can_hold_is_not_there():
    assert "is not there; allowed: a directory" in _line(Path("x" * 300, "pets"))


@NO_TIME
@pytest.mark.parametrize("place", ["/", "/proc", "/dev", "/usr", ".."])
def test_a_large_part_of_the_disk_is_refused_at_its_first_entry(place):
    _line(Path(place))


# Its identity is DVC's hash of all that is in it.


def test_links_to_files_elsewhere_are_followed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _fill(Path("one"))
    _fill(Path("elsewhere"))
    Path("two/cat").mkdir(parents=True)
    for k in range(2):
        Path("two/cat", f"{k}.png").symlink_to(tmp_path / f"elsewhere/cat/{k}.png")
    Path("two/dog").symlink_to(tmp_path / "elsewhere/dog")
    assert fingerprint(Path("two")) == fingerprint(Path("one")) == tree(Path("one"))
    assert _names(listing(Path("two"))["train"]) == _names(listing(Path("one"))["train"])


def test_what_a_repository_keeps_for_itself_is_no_part_of_the_data(tmp_path):
    before = tree(_fill(tmp_path))
    _fill(tmp_path / ".git")
    assert tree(tmp_path) == before
    (tmp_path / ".DS_Store").touch()
    assert tree(tmp_path) != before  # DVC counts it


@NO_TIME
@pytest.mark.parametrize(
    ("hide", "expected"),
    [
        (lambda root: os.mkfifo(root / ".pipe"), ".pipe' is a FIFO, a socket or a device"),
        (lambda root: os.mkfifo(root / "pipe"), "pipe' is a FIFO"),
        (lambda root: (root / ".zero").symlink_to("/dev/zero"), ".zero' is a FIFO, a socket or a device"),
        (lambda root: (root / ".gone").symlink_to("nowhere"), "No such file or directory"),
        (lambda root: (root / ".self").symlink_to(".self"), "Too many levels of symbolic links"),
        (lambda root: [(root / f".{k}").symlink_to(".") for k in range(3)], "leads to a folder that is part of it"),
        (lambda root: (root / "fox").symlink_to("cat"), "leads to a folder that is part of it already"),
    ],
)
def test_what_reading_would_never_end_at_is_refused(tmp_path, hide, expected):
    hide(_fill(tmp_path / "set"))
    with pytest.raises(UserError) as error:
        fingerprint(tmp_path / "set")
    assert str(error.value).startswith("data.datasets: 'folder:") and expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that not even root can read")
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (_fill(Path("set")) / "cat/x.png").symlink_to("/proc/self/mem")
    with pytest.raises(UserError, match=r"data\.datasets: 'folder:set': .*; allowed: files that can be read"):
        fingerprint(Path("set"))


def test_a_folder_that_is_not_pulled_has_the_hash_that_git_holds(tmp_path):
    recorded = f"{'0123456789abcdef' * 2}.dir"
    (tmp_path / "set.dvc").write_text(f"outs:\n- md5: {recorded}\n  hash: md5\n  path: set\n")
    assert fingerprint(tmp_path / "set") == recorded


@NO_TIME
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"outs: 3",
        b"[]",
        b"[" * 100_000,
        b"outs: [{md5: 5}]",
        b"outs:\n- md5: ../../etc/passwd\n",
        b"\0\xff",
        b"outs: &a [*a]",
        b"outs: {md5: 0}",
        b"!!python/object/apply:os.getcwd []",
    ],
)
def test_a_sidecar_that_dvc_did_not_write_is_one_line(tmp_path, text):
    (tmp_path / "set.dvc").write_bytes(text)
    with pytest.raises(UserError) as error:
        fingerprint(tmp_path / "set")
    assert str(error.value).startswith(f"data.datasets: {str(tmp_path / 'set.dvc')!r} names no folder's MD5; allowed: ")
    assert len(str(error.value).splitlines()) == 1


@NO_TIME
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_sidecar_is_not_opened(tmp_path, make):
    make(tmp_path / "set.dvc")
    assert "is not there" in _line(tmp_path / "set")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("folder:data/pets", "pets"),
        ("folder:data/pets/", "pets"),
        ("folder:data/pets/../cats", "cats"),
        ("folder:../x/.", "x"),
        ("folder:my pets (2)", "my-pets--2"),
        ("folder:-rf", "rf"),
        ("folder:=1+1", "1-1"),
        ("folder:/", ""),
        ("mnist", "mnist"),
    ],
)
def test_a_data_set_is_called_after_its_folder(name, expected):
    """A name in tables and on command lines begins with a letter or a digit: it is no formula and no option."""
    assert slug(name) == expected


def test_the_working_folder_and_the_one_above_have_their_names(tmp_path, monkeypatch):
    (tmp_path / "above/here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "above/here")
    assert (slug("folder:."), slug("folder:..")) == ("here", "above")
