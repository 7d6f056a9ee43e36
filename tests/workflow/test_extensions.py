"""What a user brings: a family in a file of theirs, a data set in a folder of theirs."""

import json

import pytest

from .conftest import Project, jobs
from .test_bad_input import draw

pytestmark = pytest.mark.workflow

FAMILY = """
from dataclasses import dataclass
from typing import ClassVar

from minarch.models.families import Family
from narrow_layers import Net


@dataclass(frozen=True, kw_only=True)
class Narrow(Family):
    network: ClassVar[str] = "narrow:Net"
    width: int

    def spec(self, shape, classes):
        return {"family": self.name, "shape": list(shape), "classes": classes, "hidden": [self.width] * self.depth}
"""
LAYERS = """
from math import prod

from torch import nn


class Net(nn.Module):
    def __init__(self, shape, classes, hidden):
        super().__init__()
        sizes = [prod(shape), *hidden]
        self.shape, self.hidden = list(shape), nn.ModuleList(map(nn.Linear, sizes, sizes[1:]))
        self.classifier = nn.Linear(sizes[-1], classes)

    def forward(self, images):
        values = images.flatten(1)
        for layer in self.hidden:
            values = layer(values).tanh()
        return self.classifier(values)

    def spec(self):
        sizes = [len(layer.weight) for layer in (*self.hidden, self.classifier)]
        return {"family": "narrow:Narrow", "shape": self.shape, "classes": sizes[-1], "hidden": sizes[:-1]}
"""


def test_a_users_own_family_goes_through_every_stage(fresh: Project, tmp_path) -> None:
    project = fresh.copy(tmp_path / "project")
    (project.root / "narrow.py").write_text(FAMILY)
    (project.root / "narrow_layers.py").write_text(LAYERS)
    project.edit(sweep__families={"narrow:Narrow": {"depth": 1, "width": [32, 64]}}, depth={}, complexity={})  # of DNNs
    project.commit()
    said = project.run("snakemake")
    assert jobs(said, "sweep_item") == len(project.items("sweep")) == 2
    assert all(name.startswith("digits-narrow-depth1-width") for name in project.items("sweep"))
    assert project.items("prune") and project.items("quantize")
    project.assert_clean()
    (project.root / "narrow_layers.py").write_text(LAYERS + "\n# a comment\n")
    assert "Nothing to be done" in project.run("snakemake", "-n")
    (project.root / "narrow_layers.py").write_text(LAYERS.replace("tanh", "relu"))
    assert jobs(project.run("snakemake", "sweep"), "sweep_item") == 2


def test_a_folder_of_images_goes_through_the_sweep(fresh: Project, tmp_path) -> None:
    project = fresh.copy(tmp_path / "project")
    draw(project.root / "data/folders/small", 3, 20)
    families = {"dnn": {"depth": 1, "width": 8}, "cnn": {"channels": 2}}
    project.edit(data__datasets=["folder:data/folders/small"], data__image_size=8, sweep__families=families)
    refused = project.run("snakemake", "sweep", ok=False)
    assert (
        "minarch sweep: train.batch_size: 64 is not allowed, there are only 38 training images; allowed: 1 to 38"
        in refused
    )
    project.edit(train__batch_size=16)
    said = project.run("snakemake", "sweep")
    assert jobs(said, "sweep_item") == len(project.items("sweep")) == 2
    record = json.loads(next((project.root / "artifacts/data").glob("small-*/record.json")).read_text())
    assert record["resized"]
    assert record["shape"] == [1, 8, 8]  # all files are grey
    assert record["class_names"] == ["0", "1", "2"]
    assert record["counts"] == {"train": 38, "validation": 10, "test": 12}
    for path in (project.root / "artifacts/sweep").glob("small-*/results.json"):
        results = json.loads(path.read_text())
        assert results["classes"] == 3 and results["repeats"][0]["spec"]["shape"] == [1, 8, 8]
    (project.root / "data/folders/small/0/0.png").unlink()  # another data set now
    assert jobs(project.run("snakemake", "sweep"), "sweep_item") == 2
