"""The stage latency on real exports: every file that there is, once per batch, and once as C."""

import shutil
import subprocess

import onnx
import pytest
import torch
from quantize_items import CONFIGS, PLAIN, change_weights

from minarch.c99.compiled import NotCompiled, compiled_bytes, deepest_stack, elf_sections, find_compiler
from minarch.c99.source import as_c
from minarch.files import read_json, write_json
from minarch.latency import BATCHES, as_compiled, models
from minarch.latency import work as measure
from minarch.quantization.arithmetic import int8_kernel
from minarch.quantization.preprocessing import read_preprocessing
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

    assert timing["compiler"].endswith(f", for {find_compiler().target}") and timing["no_compiler"] is None
    in_c = {(row["item"], row["precision"]): row for row in timing["c"]}
    assert set(in_c) == set(held) and len(timing["c"]) == len(held)
    float32, int8, int4 = (in_c[file] for file in held)
    assert int4["no_c"] == "it has no ONNX file" and int4["code"] is int4["weights"] is int4["stack"] is None
    results = read_json(exports[0] / "results.json")["repeats"][0]
    for row, size in ((float32, 4), (int8, 1)):
        assert row["no_c"] is None and min(row["code"], row["stack"]) > 100
        assert size * results["parameters"] <= row["weights"] < size * results["parameters"] + 2500


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


def test_without_a_compiler_it_says_why_and_measures_the_rest(exports, monkeypatch):
    files = {name: path for _, turn in models(exports) for name, path in turn.items()}
    monkeypatch.setenv("CC", "/nowhere/cc -O2")
    assert as_compiled(files) == {"compiler": None, "no_compiler": "no C compiler '/nowhere/cc'", "c": []}
    monkeypatch.setenv("CC", '"cc')
    assert as_compiled(files)["no_compiler"] == "CC cannot be read (No closing quotation)"
    monkeypatch.setenv("CC", "cc -Werror -DEMX_NODE_FN=nonsense")
    timing = as_compiled(files)
    refused = [row["no_c"] for row in timing["c"]]
    assert timing["compiler"] and refused[0].startswith("cc refuses (") and refused[-1] == "it has no ONNX file"
    assert all(len(reason.splitlines()) == 1 for reason in refused)


def test_a_compiler_is_called_with_arguments_and_never_by_a_shell(exports, monkeypatch, tmp_path):
    monkeypatch.setenv("CC", f"cc; touch {tmp_path}/made")
    with pytest.raises(NotCompiled, match="no C compiler 'cc;'"):
        find_compiler()
    assert not (tmp_path / "made").exists()


def test_sections_are_those_that_binutils_lists(exports, tmp_path):
    path = exports[0] / "int8-0.onnx"
    source = as_c(onnx.load(path), read_preprocessing(path), "t")
    (tmp_path / "model.c").write_text(source)
    for wide in ("-m64", "-m32"):
        built = subprocess.run(["cc", wide, "-Os", "-ffreestanding", "-c", "model.c"], cwd=tmp_path, check=False)
        if built.returncode == 0 or wide == "-m64":  # some machines lack the headers of the other one
            said = subprocess.run(["size", "-A", "model.o"], cwd=tmp_path, capture_output=True, text=True, check=True)
            rows = [line.split() for line in said.stdout.splitlines()]
            listed = {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[0].startswith(".")}
            sections = dict(elf_sections((tmp_path / "model.o").read_bytes()))
            assert listed.items() <= sections.items() and ".text" in listed
    with pytest.raises(NotCompiled, match="ELF"):
        list(elf_sections(b"\xcf\xfa\xed\xfe" + bytes(100)))
    sizes = compiled_bytes(source, find_compiler())
    assert compiled_bytes(source, find_compiler()) == sizes


def test_the_deepest_stack_is_that_of_the_entries_and_the_largest_that_they_call():
    frames = {"node0_conv": 48, "node1_qgemm": 96, "net": 500, "digits_logits": 8, "digits_predict": 64}
    usage = "".join(f"model.c:{i}:9:{name}\t{size}\tstatic\n" for i, (name, size) in enumerate(frames.items()))
    assert deepest_stack(usage) == 64 + 8 + 500 + 96
    assert deepest_stack("model.c:1:2:digits_predict\t40\tstatic\n") == 40
