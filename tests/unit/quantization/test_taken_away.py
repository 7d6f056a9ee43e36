"""What users do with exported models: the accuracy over a folder of classes, and a model taken away and used alone."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from quantize_items import CONFIGS
from safetensors.torch import load_file

from minarch.commands.classify import classify, read_image
from minarch.commands.export import export
from minarch.commands.exported import exported_model
from minarch.commands.predict import predict
from minarch.commands.recognise import recognise
from minarch.commands.snippet import pixels
from minarch.data.tensors import load_split
from minarch.errors import UserError
from minarch.holdings import holdings
from minarch.quantization.preprocessing import Preprocessing
from minarch.quantize import work
from tests.compiled_c import run_c


@pytest.fixture(scope="module")
def classes(data_item, tmp_path_factory):
    """The study's test images as files, in a folder per class."""
    folder, split = tmp_path_factory.mktemp("test"), load_split(data_item, "test")
    for i, (image, label) in enumerate(zip(split.images.numpy(), split.labels.tolist(), strict=True)):
        place = folder / str(label)
        place.mkdir(exist_ok=True)
        Image.fromarray(image[0]).save(place / f"{i:03}.png")
    return folder


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_accuracy_over_the_test_folder_is_exactly_the_one_that_the_stage_measured(item, classes, precision):
    tests = [test[precision] for test in json.loads((item / "test.json").read_text())["repeats"]]
    for repeat in {model.repeat for model in holdings(item) if model.precision == precision}:
        exported = exported_model("params.yaml", str(item), repeat, precision)
        recognised = recognise(exported.model.path, classes)
        right, images = (sum(getattr(row, name) for row in recognised) for name in ("right", "images"))
        assert right / images == tests[repeat] == exported.accuracies[0]
        assert exported.accuracies[1:] == [tests[1 - repeat]]
    assert [row.label for row in recognised] == [str(k) for k in range(10)]
    assert images == sum(1 for _ in classes.glob("*/*.png"))


def test_each_class_tells_what_it_was_most_often_mistaken_for(item, classes):
    path = item / "fp32-0.onnx"
    for row in recognise(path, classes):
        labels = [p.label for p in classify(path, sorted(map(str, (classes / row.label).iterdir())))]
        wrong = [label for label in labels if label != row.label]
        assert (row.images, row.right) == (len(labels), len(labels) - len(wrong))
        assert wrong.count(row.mistaken_for) == max((wrong.count(label) for label in wrong), default=0)
        assert bool(row.mistaken_for) == bool(wrong)


def test_output_that_is_no_terminal_has_a_line_per_class_and_one_of_all(item, classes, capsys):
    predict("params.yaml", str(item), [str(classes)], 0, "fp32")
    said = capsys.readouterr()
    *rows, total = [line.split("\t") for line in said.out.splitlines()]
    assert [row[0] for row in rows] == [str(k) for k in range(10)]
    assert total[0] == "all" and int(total[2]) == sum(int(row[2]) for row in rows)
    tests = [test["fp32"] for test in json.loads((item / "test.json").read_text())["repeats"]]
    assert float(total[3]) == pytest.approx(tests[0], abs=1e-6)
    assert f"{100 * tests[0]:.2f} %; {50 * sum(tests):.2f} % is the mean of its 2 repeats" in said.err


def _unknown(folder):
    (folder / "3").rename(folder / "zebra")
    return "zebra' is no class of "


def _splits(folder):
    for name in ("train", "test"):
        shutil.copytree(folder, folder.with_name("whole") / name)
    shutil.rmtree(folder)
    folder.with_name("whole").rename(folder)
    return "has splits; allowed: one of them, test or train"


def _images(folder):
    shutil.copy(folder / "3" / next((folder / "3").iterdir()).name, folder / "x.png")
    return "lies in no class; allowed: images in a folder per class"


@pytest.mark.parametrize("spoil", [_unknown, _splits, _images])
def test_a_folder_that_is_laid_out_otherwise_is_one_line(item, classes, tmp_path, spoil):
    expected = spoil(shutil.copytree(classes, tmp_path / "folder"))
    with pytest.raises(UserError) as error:
        predict("params.yaml", str(item), [str(tmp_path / "folder")])
    assert str(error.value).startswith("IMAGE: ") and expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_what_is_exported_runs_without_minarch_and_says_the_same(item, classes, tmp_path, precision):
    export("params.yaml", str(item), str(tmp_path / "mine"), 0, precision)
    suffixes = {file.suffix for model in holdings(item) if model.precision == precision for file in model.files}
    names = {path.name for path in (tmp_path / "mine").iterdir()}
    assert names == {f"model{suffix}" for suffix in suffixes} | {"classes.json", "predict.py"}
    images = sorted(map(str, classes.glob("*/*.png")))[:40]
    command = [sys.executable, "-I", str(tmp_path / "mine/predict.py"), *images]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    expected = classify(item / f"{precision}-0.onnx", images)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines] == [[prediction.image, prediction.label] for prediction in expected]
    assert [float(line[2]) for line in lines] == pytest.approx([p.probability for p in expected], abs=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "I;16"])
def test_the_exported_program_reads_images_of_any_kind_and_size_as_minarch_does(tmp_path, mode, channels):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 200)
    path = tmp_path / "x.png"
    (image if mode == "I;16" else image.convert(mode)).save(path)
    shape = [channels, 6, 6]
    read = read_image(path, Preprocessing("mine", shape, ["a", "b"], resize=True))
    assert (pixels(str(path), shape, True)[0] == read).all()


def test_an_export_never_overwrites(item, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("all of it")
    with pytest.raises(UserError, match=r"^DEST: .* is no empty folder; allowed: a new or empty folder$"):
        export("params.yaml", str(item), str(tmp_path / "mine"))
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_what_has_no_counterpart_in_onnx_is_exported_with_its_weights_and_runs_too(
    sweep_items, data_item, tmp_path, classes
):
    folder = tmp_path / "item"
    folder.mkdir()
    work(CONFIGS["int4"], {"data": data_item, "parent": sweep_items["cnn"]}, folder)
    export("params.yaml", str(folder), str(tmp_path / "mine"))
    names = {path.name for path in (tmp_path / "mine").iterdir()}
    assert names == {"model.xml", "model.bin", "classes.json", "predict.py"}
    image = str(next((classes / "7").iterdir()))
    command = [sys.executable, "-I", str(tmp_path / "mine/predict.py"), image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split("\t")[1] == classify(folder / "int4-0.xml", [image])[0].label


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_one_c_file_knows_the_test_images_as_the_report_says(item, data_item, tmp_path, precision, capsys):
    place = tmp_path / "mine"
    export("params.yaml", str(item), str(place), 0, precision, "c")
    assert {path.name for path in place.iterdir()} == {"model.c", "classes.json"}
    assert f"cc -std=c99 -O2 -c {place / 'model.c'}" in capsys.readouterr().out
    split = load_split(data_item, "test")
    _, classes = run_c((place / "model.c").read_text(), "digits", split.images, 10, tmp_path)
    assert torch.equal(classes.to(torch.uint8), load_file(item / "classes.safetensors")[f"{precision}-0"])
    tests = json.loads((item / "test.json").read_text())["repeats"]
    assert float((classes == split.labels).double().mean()) == tests[0][precision]


def test_what_has_no_onnx_file_has_no_c(sweep_items, data_item, tmp_path):
    folder = tmp_path / "item"
    folder.mkdir()
    work(CONFIGS["int4"], {"data": data_item, "parent": sweep_items["dnn"]}, folder)
    with pytest.raises(UserError) as error:
        export("params.yaml", str(folder), str(tmp_path / "mine"), format="c")
    assert str(error.value) == (
        "--format: 'c' is not possible for int4 of item, which has no ONNX file; allowed: onnx, or fp32 or int8 as"
        " --precision"
    )
    assert not (tmp_path / "mine").exists()


def test_the_command_line_writes_c(item, tmp_path):
    command = [sys.executable, "-m", "minarch", "export", str(item), str(tmp_path / "mine"), "--format", "c"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    source = (tmp_path / "mine/model.c").read_text()
    assert source.startswith("/*\n * ") and "int digits_predict(const uint8_t *image)" in source
