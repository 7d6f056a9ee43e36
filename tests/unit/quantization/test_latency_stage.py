"""The stage latency on real exports: every file that there is, once per batch."""

import shutil

import pytest
import torch
from quantize_items import CONFIGS, PLAIN, change_weights

from minarch.files import read_json, write_json
from minarch.latency import BATCHES, models
from minarch.latency import work as measure
from minarch.quantization.arithmetic import int8_kernel
from minarch.quantize import work


def exported(config, parent, data, out):
    out.mkdir()
    work(config, {"data": data, "parent": parent}, out)
    return out


@pytest.fixture
def exports(sweep_items, data_item, tmp_path):
    """INT8 and INT4 of the DNN, and the CNN, of which nothing is finite."""
    broken = shutil.copytree(sweep_items["cnn"], tmp_path / "broken")
    change_weights(broken, lambda _, tensor: torch.full_like(tensor, torch.inf))
    int4 = CONFIGS["int4"] | {"quantization": "int4", "float32": False}
    return [
        exported(PLAIN, sweep_items["dnn"], data_item, tmp_path / "int8"),
        exported(int4, sweep_items["dnn"], data_item, tmp_path / "int4"),
        exported(PLAIN, broken, data_item, tmp_path / "none"),
    ]


def test_every_file_is_timed_in_every_batch_and_the_processor_is_named(exports, data_item, tmp_path):
    out = tmp_path / "latency"
    out.mkdir()
    measure({"rounds": 3}, {"data": [data_item], "exports": exports}, out)
    timing = read_json(out / "timing.json")
    files = {(file["item"], file["precision"], file["batch"]) for file in timing["files"]}
    held = [("int8", "fp32"), ("int8", "int8"), ("int4", "int4")]
    assert files == {(*file, batch) for file in held for batch in BATCHES} and len(timing["files"]) == len(files)
    assert all(0 < file["low"] <= file["median"] <= file["high"] for file in timing["files"])
    assert (timing["int8_kernel"], timing["int8_saturates"]) == int8_kernel()
    assert timing["device"] and timing["threads"] == 1 and timing["rounds"] == 3 and timing["seconds"] > 0
    assert [path.name for path in out.iterdir()] == ["timing.json"]


def test_what_was_made_of_one_network_takes_turns(exports):
    (dataset, turn), (_, nothing) = models(exports)
    assert dataset == "digits" and not nothing
    assert list(turn) == [("int8", "fp32"), ("int8", "int8"), ("int4", "int4")]
    assert all(path.exists() for path in turn.values())


def test_the_files_are_those_of_the_first_repeat_that_is_finite(exports, tmp_path):
    folder = shutil.copytree(exports[0], tmp_path / "later")
    results = read_json(folder / "results.json")
    results["repeats"][0]["status"] = "unstable"
    write_json(folder / "results.json", results)
    for path in folder.glob("*-0.*"):
        path.rename(folder / path.name.replace("-0.", "-1."))
    ((_, turn),) = models([folder])
    assert {path.name for path in turn.values()} == {"fp32-1.onnx", "int8-1.onnx"}
