"""The stage quantize on real trained items."""

import json
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from minarch.flow.pruning import STRUCTURED
from minarch.flow.sections import Method
from minarch.prune import work as prune
from minarch.quantize import work

CONFIG = {"calibration": 64, "preset": "mixed", "seed": 0, "latency_rounds": 3}
FINETUNE = {"epochs": 2, "batch_size": 32, "optimizer": "adam", "learning_rate": 2e-3, "weight_decay": 0.0, "seed": 0}


@pytest.fixture
def run(tmp_path, data_item):
    """run(parent) -> the folder of the finished work."""

    def go(parent, data=data_item):
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        work(CONFIG, {"data": data, "parent": parent}, out)
        return out

    return go


def read(path):
    return json.loads(path.read_text())


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "timing.json"}


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_an_original_is_measured(run, sweep_items, family):
    out = run(sweep_items[family])
    results, timing, sweep = (
        read(p) for p in (out / "results.json", out / "timing.json", sweep_items[family] / "results.json")
    )
    assert (results["method"], results["level"]) == ("original", 0)
    for entry, trained in zip(results["repeats"], sweep["repeats"], strict=True):
        assert entry["status"] == "ok"
        assert (entry["parameters"], entry["macs"]) == (sweep["parameters"], sweep["macs"])
        assert entry["validation"]["torch"] == trained["best"]["validation_accuracy"]
        assert entry["validation"]["fp32"] == pytest.approx(entry["validation"]["torch"], abs=0.005)
        assert entry["agreement"] > 0.9
        for precision in ("fp32", "int8"):
            files = [out / f"{precision}-{entry['repeat']}.{suffix}" for suffix in ("xml", "bin")]
            assert entry["bytes"][precision] == sum(file.stat().st_size for file in files)
            assert entry["weight_bytes"][precision] == files[1].stat().st_size
    assert set(read(out / "test.json")["repeats"][1]) == {"repeat", "fp32", "int8"}
    assert set(timing["latency_ms"]) == {"1", "64"} and timing["threads"] == 1


def test_a_pruned_network_is_smaller_in_every_way(run, sweep_items, data_item, tmp_path):
    pruned = tmp_path / "pruned"
    pruned.mkdir()
    config = {"kind": STRUCTURED, "method": "l1", "level": 0.5, "round_to": 1, "training": FINETUNE}
    config |= Method.model_validate({}).identity()
    prune(config, {"data": data_item, "parent": sweep_items["cnn"]}, pruned)
    before, after = (read(run(item) / "results.json") for item in (sweep_items["cnn"], pruned))
    assert (after["method"], after["level"]) == ("l1", 0.5)
    for old, new in zip(before["repeats"], after["repeats"], strict=True):
        assert new["parameters"] < old["parameters"] and new["macs"] < old["macs"]
        for precision in ("fp32", "int8"):
            assert new["weight_bytes"][precision] < old["weight_bytes"][precision]


def test_running_again_gives_the_same_bytes(run, sweep_items):
    assert contents(run(sweep_items["dnn"])) == contents(run(sweep_items["dnn"]))


def test_calibration_sees_the_training_images_only(run, sweep_items, data_item, tmp_path):
    """Other validation and test images leave the exported files as they are; other training images do not."""
    changed = {}
    for name in ("train", "validation", "test"):
        data = tmp_path / f"data-{name}"
        shutil.copytree(data_item, data)
        split = load_file(data / f"{name}.safetensors")
        save_file(
            {"images": (2 * split["images"]).contiguous(), "labels": split["labels"]}, data / f"{name}.safetensors"
        )
        changed[name] = contents(run(sweep_items["dnn"], data))
    original = contents(run(sweep_items["dnn"]))
    differing = {name: {file for file in original if original[file] != files[file]} for name, files in changed.items()}
    assert differing["validation"] == {"results.json"}
    assert differing["test"] == {"test.json"}
    assert {"int8-0.xml", "int8-1.xml"} & differing["train"] or {"int8-0.bin", "int8-1.bin"} & differing["train"]


def test_weights_that_are_not_finite_are_recorded(run, sweep_items, tmp_path):
    item = tmp_path / "broken"
    shutil.copytree(sweep_items["dnn"], item)
    tensors = load_file(item / "best.safetensors")
    save_file({name: torch.full_like(tensor, torch.nan) for name, tensor in tensors.items()}, item / "best.safetensors")
    out = run(item)
    entry = read(out / "results.json")["repeats"][0]
    assert entry["status"] == "unstable" and entry["validation"] == {"torch": None, "fp32": None, "int8": None}
    assert read(out / "timing.json")["latency_ms"] == {}
    assert not list(out.glob("*.xml"))


FORK = """
import json, os, sys
from pathlib import Path
from minarch.quantize import work

config, data, parent, out = json.loads(sys.argv[1])
for job in ("first", "second"):
    if (child := os.fork()) == 0:
        (Path(out) / job).mkdir()
        work(config, {"data": Path(data), "parent": Path(parent)}, Path(out) / job)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit("the child failed")
"""


def test_work_runs_in_forked_children(run, sweep_items, data_item, tmp_path):
    """As in the fork server: a process that imported the stage, and did nothing else, forks one child per job."""
    folder = tmp_path / "forked"
    folder.mkdir()
    arguments = json.dumps([CONFIG, *map(str, (data_item, sweep_items["dnn"], folder))])
    subprocess.run([sys.executable, "-c", FORK, arguments], check=True, timeout=120)
    reference = contents(run(sweep_items["dnn"]))
    assert contents(folder / "first") == contents(folder / "second") == reference
