"""The stage quantize on real trained items."""

import json
import shutil
import subprocess
import sys
from functools import cache

import onnx
import pytest
import torch
from onnx import numpy_helper
from quantize_items import CONFIGS, CURVE, PLAIN, Convolutional, Spectral, change_weights, contents, untrained_item
from safetensors.torch import load_file, save_file

from minarch.data.tensors import load_split
from minarch.errors import UserError
from minarch.files import read_json, write_json
from minarch.quantization.arithmetic import int8_kernel
from minarch.quantization.measure import runner
from minarch.quantization.preprocessing import Preprocessing, read_preprocessing
from minarch.quantize import preprocessing_of, work

ENTRY = {"repeat", "status", "parameters", "macs", "bytes", "weight_bytes", "no_onnx"}
ENTRY |= {"validation", "agreement", "reverted", "qat"}
TESTED = {"repeat", "fp32", "parity", "processor_parity"}
ABOUT = {"kind", "parent", "dataset", "family", "architecture", "method", "level"}


@pytest.fixture(scope="module")
def made(data_item, tmp_path_factory):
    """made(name, parent) -> the folder of the finished work of CONFIGS[name], for all tests that only read it."""

    @cache
    def go(name, parent):
        out = tmp_path_factory.mktemp(f"made-{name}")
        work(CONFIGS[name], {"data": data_item, "parent": parent}, out)
        return out

    return go


@pytest.mark.parametrize(
    ("family", "name"), [("dnn", "torch"), ("cnn", "plain"), ("vit", "plain"), ("dnn", "int4"), ("cnn", "nf4")]
)
def test_an_original_is_measured(made, sweep_items, data_item, family, name):
    precision = CONFIGS[name]["precision"]
    out = made(name, sweep_items[family])
    results, timing, test = (read_json(out / f"{file}.json") for file in ("results", "timing", "test"))
    sweep = read_json(sweep_items[family] / "results.json")
    assert set(results) == ABOUT | {"quantization", "precision", "backend", "repeats"}
    assert (results["method"], results["level"], results["kind"]) == ("original", 0, "export")
    classes = load_file(out / "classes.safetensors")
    split = load_split(data_item, "test")
    for entry, trained, tested in zip(results["repeats"], sweep["repeats"], test["repeats"], strict=True):
        repeat = entry["repeat"]
        assert set(entry) == ENTRY and entry["status"] == "ok"
        assert (entry["parameters"], entry["macs"]) == (sweep["parameters"], sweep["macs"])
        assert entry["validation"]["torch"] == trained["final"]["validation_accuracy"]
        assert entry["validation"]["fp32"] == pytest.approx(entry["validation"]["torch"], abs=0.005)
        assert entry["agreement"] > 0.85
        for kind in ("fp32", precision):
            as_onnx = kind in ("fp32", "int8")
            assert as_onnx == (entry["no_onnx"][kind] is None)
            classes_of_file = classes[f"{kind}-{repeat}"]
            assert classes_of_file.dtype == torch.uint8
            assert tested[kind] == float((classes_of_file == split.labels).double().mean())
            files = {suffix: out / f"{kind}-{repeat}.{suffix}" for suffix in ("xml", "bin", "onnx")}
            here = {suffix: path.stat().st_size for suffix, path in files.items() if path.exists()}
            if repeat > 0:  # only the first one keeps its files
                assert not here
                continue
            assert set(here) == ({"onnx"} if as_onnx else {"xml", "bin"})
            assert entry["bytes"][kind] == sum(here.values()) > entry["weight_bytes"][kind]
            if as_onnx:
                stored = onnx.load(files["onnx"]).graph.initializer
                assert entry["weight_bytes"][kind] == sum(numpy_helper.to_array(tensor).nbytes for tensor in stored)
            else:
                assert entry["weight_bytes"][kind] == here["bin"]
            path = files["onnx" if as_onnx else "xml"]
            assert classes_of_file.equal(runner(path)(split.images).argmax(1).to(torch.uint8))
        quantized = f"{precision}.onnx" if precision == "int8" else f"{precision}.xml"
        assert set(tested) == TESTED | {precision} and set(tested["parity"]) == {"fp32.onnx", quantized}
        assert set(tested["processor_parity"]) == {"int8.onnx"} & {quantized}
        for parity in tested["processor_parity"].values():
            assert parity["median_difference"] <= parity["bound"] and not parity["saturated"]
        for file, parity in tested["parity"].items():
            typical = "median_difference" if file.startswith(precision) else "largest_difference"
            assert parity[typical] <= parity["bound"]
            assert parity["agreement"] > (0.999 if file.startswith("fp32") else 0.98)
    assert timing["threads"] == 1 and timing["seconds"] > 0
    assert (timing["int8_kernel"], timing["int8_saturates"]) == int8_kernel()
    assert not [path for path in out.iterdir() if path.is_dir()]


def test_a_further_method_measures_float32_and_keeps_no_file_of_it(made, run, sweep_items):
    first, further = made("plain", sweep_items["dnn"]), run(PLAIN | {"float32": False}, sweep_items["dnn"])
    assert contents(further) == {name: text for name, text in contents(first).items() if "fp32" not in name}


def test_a_pruned_network_is_exported_as_what_it_is(run, sweep_items, tmp_path):
    """The line prune -> quantize: method and level are the parent's."""
    pruned = tmp_path / "pruned"
    shutil.copytree(sweep_items["dnn"], pruned)
    write_json(pruned / "results.json", read_json(pruned / "results.json") | {"method": "l1", "level": 0.5})
    results = read_json(run(PLAIN, pruned) / "results.json")
    assert (results["method"], results["level"], results["parent"]) == ("l1", 0.5, "pruned")


@pytest.mark.parametrize("name", ["accurate", "controlled", "qat", "nf4"])
def test_running_again_gives_the_same_bytes(made, run, damaged_item, name):
    assert contents(made(name, damaged_item)) == contents(run(CONFIGS[name], damaged_item))


def test_quantization_aware_training_is_recorded(made, damaged_item):
    for entry in read_json(made("qat", damaged_item) / "results.json")["repeats"]:
        assert entry["qat"]["trained"]
        lost = entry["validation"]["fp32"] - entry["qat"]["validation_before"]
        assert lost > 0.1
        assert entry["validation"]["fp32"] - entry["validation"]["int8"] < 0.5 * lost


def changed(data_item, folder, name):
    """A copy of a data item with other images (not labels) in one split."""
    shutil.copytree(data_item, folder)
    split = load_file(folder / f"{name}.safetensors")
    images = split["images"].flip(0).contiguous() if name != "train" else (15 * split["images"]).contiguous()
    save_file({"images": images, "labels": split["labels"]}, folder / f"{name}.safetensors")
    return folder


def test_calibration_sees_the_training_images_only(made, run, sweep_items, data_item, tmp_path):
    """Other validation and test images leave the exported files as they are; other training images do not."""
    original = contents(made("plain", sweep_items["dnn"]))
    differing = {}
    for name in ("train", "validation", "test"):
        others = contents(run(PLAIN, sweep_items["dnn"], changed(data_item, tmp_path / f"data-{name}", name)))
        differing[name] = {file for file in original if original[file] != others[file]}
    assert differing["validation"] == {"results.json"}
    assert differing["test"] == {"test.json", "classes.safetensors"}
    assert "int8-0.onnx" in differing["train"] and "fp32-0.onnx" not in differing["validation"]


@pytest.mark.parametrize("name", ["controlled", "qat"])
def test_what_validates_never_sees_the_test_images(made, run, damaged_item, data_item, tmp_path, name):
    original = contents(made(name, damaged_item))
    others = contents(run(CONFIGS[name], damaged_item, changed(data_item, tmp_path / "data", "test")))
    assert {file for file in original if original[file] != others[file]} == {"test.json", "classes.safetensors"}


def test_more_calibration_images_than_there_are_is_one_line(run, sweep_items):
    with pytest.raises(UserError, match=r"quantize\.calibration: 5000 is not allowed, .*allowed: 1 to \d+") as raised:
        run(PLAIN | {"calibration": 5000}, sweep_items["dnn"])
    assert "\n" not in str(raised.value)


def test_a_family_that_openvino_refuses_is_one_line(run, tmp_path):
    item = untrained_item(tmp_path / "spectral", Spectral)
    with pytest.raises(UserError, match="mine: OpenVINO refuses it") as raised:
        run(PLAIN, item)
    assert "\n" not in str(raised.value)


def test_a_family_without_linear_layers_has_int8_but_no_int4(run, tmp_path):
    item = untrained_item(tmp_path / "convolutional", Convolutional)
    assert read_json(run(PLAIN, item) / "results.json")["repeats"][0]["status"] == "ok"
    with pytest.raises(UserError, match="no linear layer"):
        run(CONFIGS["int4"], item)


@pytest.mark.parametrize("value", [torch.nan, 1e38], ids=["weights", "logits"])
def test_a_repeat_that_is_not_finite_is_recorded(run, sweep_items, tmp_path, value):
    item = tmp_path / "broken"
    shutil.copytree(sweep_items["dnn"], item)
    change_weights(item, lambda name, tensor: torch.full_like(tensor, value) if name.startswith("0.") else tensor)
    out = run(PLAIN, item)
    broken, whole = read_json(out / "results.json")["repeats"]
    nothing = {"fp32": None, "int8": None}
    assert set(broken) == set(whole) == ENTRY
    assert (broken["status"], whole["status"]) == ("unstable", "ok")
    assert broken["validation"] == {"torch": None, **nothing} and broken["bytes"] == broken["weight_bytes"] == nothing
    tested = read_json(out / "test.json")["repeats"]
    assert tested[0] == {"repeat": 0, **nothing, "parity": {}, "processor_parity": {}} and set(tested[0]) == set(
        tested[1]
    )
    assert {path.name for path in out.glob("*.onnx")} == {"fp32-1.onnx", "int8-1.onnx"}
    assert not list(out.glob("*-0.*")) and set(load_file(out / "classes.safetensors")) == {"fp32-1", "int8-1"}


def test_nothing_finite_leaves_no_files(run, sweep_items, tmp_path):
    item = tmp_path / "broken"
    shutil.copytree(sweep_items["dnn"], item)
    change_weights(item, lambda _, tensor: torch.full_like(tensor, torch.inf))
    out = run(PLAIN, item)
    assert not list(out.glob("*-*.*")) and not load_file(out / "classes.safetensors")


def test_a_curve_is_labelled_as_simulated(run, sweep_items):
    out = run(CURVE, sweep_items["dnn"])
    results = read_json(out / "results.json")
    assert set(results) == ABOUT | {"simulated", "precisions", "schemes", "repeats"}
    assert results["simulated"] is True and results["kind"] == "curve"
    assert set(read_json(out / "timing.json")) == {"seconds", "device", "threads"}
    assert {p.name for p in out.iterdir()} == {"results.json", "timing.json", "curve.csv", "test.csv"}
    assert contents(run(CURVE, sweep_items["dnn"])) == contents(out)


def test_files_say_what_their_images_are(made, sweep_items, data_item):
    out = made("plain", sweep_items["dnn"])
    expected = Preprocessing("digits", [1, 8, 8], [str(digit) for digit in range(10)], resize=False)
    for name in ("fp32-0.onnx", "int8-0.onnx"):
        assert read_preprocessing(out / name) == expected
    assert preprocessing_of(data_item) == expected


@pytest.mark.parametrize("resized", [True, False])
def test_images_are_resized_as_those_of_the_data_item_were(data_item, tmp_path, resized):
    write_json(tmp_path / "record.json", read_json(data_item / "record.json") | {"resized": resized})
    assert preprocessing_of(tmp_path).resize is resized


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


def test_work_runs_in_forked_children(made, sweep_items, data_item, tmp_path):
    """As in the fork server: a process that imported the stage, and did nothing else, forks one child per job."""
    folder = tmp_path / "forked"
    folder.mkdir()
    arguments = json.dumps([CONFIGS["torch"], *map(str, (data_item, sweep_items["dnn"], folder))])
    subprocess.run([sys.executable, "-c", FORK, arguments], check=True, timeout=600)
    reference = contents(made("torch", sweep_items["dnn"]))
    assert contents(folder / "first") == contents(folder / "second") == reference
