"""Parcels: whole folders as single files, and data whatever they hold."""

import io
import shutil
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minarch.errors import UserError
from minarch.flow.parcel import SUFFIX, pack, unpack, unpack_items
from minarch.flow.seal import RECORD

CONTENTS = st.dictionaries(st.sampled_from(["a.json", "inner/b.bin", "inner/deep/c"]), st.binary(max_size=200))
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)


def _files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _tar(parcel, name, **fields):
    """A parcel of a good file and one member made by hand."""
    with tarfile.open(parcel, "w") as tar:
        for member in (tarfile.TarInfo("good"), tarfile.TarInfo(name)):
            if member.name == name:
                for field, value in fields.items():
                    setattr(member, field, value)
            tar.addfile(member, io.BytesIO(b""))


@SHARED
@given(CONTENTS)
def test_what_is_unpacked_is_what_was_packed(tmp_path, contents):
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir()
    for name, content in contents.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    pack(source, tmp_path / "some/where.tar")
    unpack(tmp_path / "some/where.tar", target)  # in place of what the example before left there
    assert _files(target) == contents


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("../outside", {}),
        ("inner/../../outside", {}),
        ("/outside", {}),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "../outside"}),
        ("link", {"type": tarfile.LNKTYPE, "linkname": "../outside"}),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("pipe", {"type": tarfile.FIFOTYPE}),
        ("device", {"type": tarfile.CHRTYPE}),
    ],
)
def test_a_member_that_leads_out_of_the_folder_is_refused_in_one_line(tmp_path, name, fields):
    parcel, folder = tmp_path / "parcel.tar", tmp_path / "place/folder"
    _tar(parcel, name, **fields)
    with pytest.raises(UserError, match=r"parcel\.tar: does not read as a parcel of folder: [^\n]*$"):
        unpack(parcel, folder)
    assert list((tmp_path / "place").iterdir()) == [] and not (tmp_path / "outside").exists()


def test_links_are_packed_as_what_they_lead_to(tmp_path):
    for folder in ("cache", "source"):
        (tmp_path / folder).mkdir()
    (tmp_path / "cache/object").write_bytes(b"content")
    (tmp_path / "source/symbolic").symlink_to(tmp_path / "cache/object")
    for name in ("hard", "same"):
        (tmp_path / "source" / name).hardlink_to(tmp_path / "cache/object")
    pack(tmp_path / "source", tmp_path / "parcel.tar")
    unpack(tmp_path / "parcel.tar", tmp_path / "target")
    assert _files(tmp_path / "target") == dict.fromkeys(("symbolic", "hard", "same"), b"content")
    assert not (tmp_path / "target/symbolic").is_symlink()


@pytest.mark.parametrize("keep", [0, 1, 600, 1_500])
def test_a_damaged_parcel_is_one_line_and_what_was_there_stays(tmp_path, keep):
    source, folder, parcel = tmp_path / "source", tmp_path / "folder", tmp_path / "parcel.tar"
    for place, content in ((source, b"new" * 1_000), (folder, b"old")):
        place.mkdir()
        (place / "file").write_bytes(content)
    pack(source, parcel)
    parcel.write_bytes(parcel.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"parcel\.tar: does not read as a parcel of folder"):
        unpack(parcel, folder)
    assert _files(folder) == {"file": b"old"}


@pytest.fixture
def parcels(workspace, tmp_path):
    """The workspace's plan with its first item of data packed and gone."""
    plan = workspace.plan()
    workspace.make(plan, "data")
    item = next(iter(plan.items("data").values()))
    pack(plan.folder(item.path), tmp_path / f"parcels/{item.path}{SUFFIX}")
    truth = _files(plan.folder(item.path))
    shutil.rmtree(plan.folder(item.path))
    return plan, item, tmp_path / "parcels", truth


def test_items_come_out_of_their_parcels_once(parcels):
    plan, item, folder, truth = parcels
    assert unpack_items([item.path], plan.root, folder) == [item.path]
    assert _files(plan.folder(item.path)) == truth
    assert unpack_items([item.path], plan.root, folder) == []


def test_an_item_that_was_changed_in_its_parcel_is_refused_by_name(parcels, tmp_path):
    plan, item, folder, truth = parcels
    parcel = folder / f"{item.path}{SUFFIX}"
    unpack(parcel, tmp_path / "changed")
    victim = next(name for name in truth if name != RECORD)
    (tmp_path / "changed" / victim).write_bytes(truth[victim] + b" ")
    pack(tmp_path / "changed", parcel)
    with pytest.raises(UserError, match=f"{item.name}{SUFFIX}: {victim} was changed or damaged; remove it"):
        unpack_items([item.path], plan.root, folder)
    assert not plan.folder(item.path).exists()
