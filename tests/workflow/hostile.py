"""A remote that lies: a directory remote whose objects are replaced under their honest names."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from minarch.flow.seal import RECORD, md5, read_sealed, write_sealed

from .conftest import Project
from .test_uses import cloned, pushed


class Remote:
    """What a study was pushed to."""

    def __init__(self, project: Project, folder: Path) -> None:
        pushed(project, str(folder))
        self.project, self.folder = project, folder

    def clone(self, target: Path) -> Project:
        """What a reviewer has of the study."""
        return cloned(self.project, target)

    def object(self, digest: str) -> Path:
        return self.folder / "files/md5" / digest[:2] / digest[2:]

    def manifest(self, output: str) -> Path:
        """The directory object of `artifacts/<stage>`."""
        stages = yaml.safe_load((self.project.root / "dvc.lock").read_text())["stages"]
        outs = [out for entry in stages.values() for out in entry["outs"]]
        return self.object(next(str(out["md5"]) for out in outs if out["path"] == output))

    def replace(self, file: Path, content: bytes) -> None:
        """Put another content under the name of an object."""
        file.chmod(0o644)
        file.write_bytes(content)

    def add(self, content: bytes) -> str:
        """A new object under its own hash."""
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self.object(digest).parent.mkdir(parents=True, exist_ok=True)
        self.object(digest).write_bytes(content)
        return digest

    def list_more(self, output: str, **files: bytes) -> None:
        """Let the directory object of an output list more files, path -> content."""
        manifest = self.manifest(output)
        entries = json.loads(manifest.read_bytes())
        entries += [{"md5": self.add(content), "relpath": path} for path, content in files.items()]
        self.replace(manifest, json.dumps(entries).encode())

    def forge_sweep_item(self) -> str:
        """Let every repeat of a sweep item be unstable, sealed as if it had been made so; returns the item's name."""
        item = forge(self.project, self.folder.with_name("forged"))
        truth = self.project.root / "artifacts/sweep" / item.name
        for name in ("results.json", "item.json"):
            self.replace(self.object(md5(truth / name)), (item / name).read_bytes())
        return item.name


def forge(project: Project, place: Path) -> Path:
    """A copy of a sweep item, named as the original, in which every repeat is unstable; its seal is right."""
    truth = sorted(folder for folder in (project.root / "artifacts/sweep").iterdir() if "width16" in folder.name)[0]
    item = Path(shutil.copytree(truth, place / truth.name))
    results: dict[str, Any] = json.loads((item / "results.json").read_text())
    for repeat in results["repeats"]:
        assert repeat["status"] != "unstable"
        repeat["status"] = "unstable"
    for name in ("results.json", "item.json"):
        (item / name).unlink()
    (item / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    shutil.copy(truth / "item.json", item)
    seal_again(item)
    return item


def seal_again(item: Path) -> None:
    """Let an item's record and seal be right for the files that lie there now."""
    record = read_sealed(item / RECORD)
    assert record is not None
    record["files"] = {name: md5(item / name) for name in record["files"]}
    (item / RECORD).unlink()
    write_sealed(item / RECORD, record)
