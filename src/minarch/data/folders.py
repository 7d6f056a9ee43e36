"""The layout of a user's image folder: class/image, or train/class/image beside test/class/image.

Nothing is opened here, and what is not laid out so is refused at the first entry: planning asks this of any folder.
"""

import os
from pathlib import Path

from minarch.errors import UserError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
HIDDEN = ("thumbs.db", "desktop.ini")  # Windows'; elsewhere a leading dot hides

Classes = dict[str, list[Path]]


def listing(folder: Path) -> dict[str, Classes]:
    """Split ("train" and, where the folder brings one, "test") -> class -> its image files, all in order of names.

    Hidden files and folders are passed over, and so are files beside class folders that are no images. Links are
    followed.

    Raises:
        UserError: the folder is not there or not laid out so.
    """
    title = f"data.datasets: 'folder:{folder}'"
    try:
        if not os.path.isdir(folder):
            raise UserError(f"{title} is not there; allowed: a directory with one folder per class")
        names = _folders(folder)
        if "train" not in names:
            return {"train": _classes(folder, title)}
        if extra := sorted(set(names) - {"train", "test"}):
            raise UserError(f"{title} has {extra[0]!r} beside 'train'; allowed: train and test")
        splits = {name: _classes(folder / name, title) for name in names}
    except OSError as error:
        raise UserError(f"{title} cannot be read ({error}); allowed: folders and files that can be read") from None
    if "test" in splits and list(splits["test"]) != list(splits["train"]):
        raise UserError(f"{title} has classes {list(splits['test'])} in test/; allowed: {list(splits['train'])}")
    return splits


def _classes(folder: Path, title: str) -> Classes:
    names = _folders(folder)
    if odd := next((name for name in names if not name.isprintable()), None):
        raise UserError(f"{title} has a class {odd!r}; allowed: printable characters in UTF-8")
    if len(names) < 2:
        raise UserError(f"{title} has {len(names)} class folder(s) ({', '.join(names) or 'none'}); allowed: at least 2")
    return {name: _images(folder / name) for name in names}


def _folders(folder: Path) -> list[str]:
    """The folders in a folder that holds no images itself."""
    entries = _visible(folder)
    if image := next((e for e in entries if e.name.lower().endswith(SUFFIXES) and not e.is_dir()), None):
        raise UserError(f"data.datasets: {image.path!r} lies in no class; allowed: images in a folder per class")
    return [entry.name for entry in entries if entry.is_dir()]


def _images(folder: Path) -> list[Path]:
    entries = _visible(folder)
    for entry in entries:
        if entry.is_dir():
            raise UserError(f"data.datasets: {entry.path!r} is a folder in a class; allowed: image files")
        if not entry.name.lower().endswith(SUFFIXES):
            raise UserError(f"data.datasets: {entry.path!r} is no image by its name; allowed: {', '.join(SUFFIXES)}")
        if not entry.is_file():
            raise UserError(
                f"data.datasets: {entry.path!r} is a FIFO, a socket, a device or a broken link; allowed: regular files"
                " and links to them"
            )
    if not entries:
        raise UserError(f"data.datasets: {str(folder)!r} holds no image; allowed: at least one in each class")
    return [Path(entry.path) for entry in entries]


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        shown = [e for e in entries if not e.name.startswith(".") and e.name.lower() not in HIDDEN]
    return sorted(shown, key=lambda entry: entry.name)
