"""Folders as single files, which a storage such as S3 takes and gives whole or not at all: nodes without a shared disk
get what they read, and send what they made, as parcels.

A parcel is a tar file. What comes out of one is data: no member may lead outside its folder, and items are checked
against their seals.
"""

import os
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from minarch.errors import UserError
from minarch.flow.seal import damage

SUFFIX = ".tar"


def pack(folder: Path, parcel: Path) -> None:
    """Write a folder's files into a parcel."""
    parcel.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(parcel, "w", dereference=True) as tar:  # files may be links into DVC's cache
        tar.add(folder, arcname=".")


def unpack(parcel: Path, folder: Path) -> None:
    """Make the folder that a parcel holds, in place of one that is there.

    Raises:
        UserError: it does not read, or a member would lie outside the folder.
    """
    temporary = folder.with_name(f".tmp-{os.getpid()}-{folder.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        with tarfile.open(parcel) as tar:  # by hand: not every Python 3.11 has extractall's filter
            for member in tar:
                _place(tar, member, temporary)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
    except (tarfile.TarError, OSError) as error:
        raise UserError(f"{parcel}: does not read as a parcel of {folder.name}: {error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _place(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isdir() or member.isfile()):
        raise tarfile.TarError(f"{member.name!r} is not a file or a folder inside it")
    if source := tar.extractfile(member):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("xb") as target:
            shutil.copyfileobj(source, target)
    else:
        (folder / path).mkdir(parents=True, exist_ok=True)


def unpack_items(paths: Iterable[str], root: Path, parcels: Path) -> list[str]:
    """Make the items `<stage>/<name>` that are not in a study's folder yet, of parcels of the same names; returns
    those.

    Raises:
        UserError: a parcel does not read, or what it holds is not the item as it was sealed.
    """
    missing = [path for path in paths if not (root / path).exists()]
    for path in missing:
        parcel, folder = parcels / f"{path}{SUFFIX}", root / path
        unpack(parcel, folder)
        if reason := damage(folder, folder.name):
            shutil.rmtree(folder)
            raise UserError(f"{parcel}: {reason}; remove it from the storage, and it is made again")
    return missing
