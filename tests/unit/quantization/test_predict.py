"""Predictions from image files are those that the stage recorded; what a model does not take is refused in one line."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from quantize_items import PLAIN
from safetensors.torch import load_file

from minarch.commands.classify import classify, read_image
from minarch.commands.exported import exported_model
from minarch.commands.predict import predict
from minarch.data.sources import read
from minarch.data.tensors import load_split
from minarch.errors import UserError
from minarch.flow.plan import Plan
from minarch.flow.study import Study
from minarch.holdings import holdings
from minarch.models.weights import load_networks
from minarch.quantization.export import save
from minarch.quantization.measure import core
from minarch.quantization.preprocessing import KEY, Preprocessing, read_preprocessing
from minarch.quantize import work

GREY = Preprocessing("digits", [1, 8, 8], [str(k) for k in range(10)], False)
COLOUR = Preprocessing("cifar10", [3, 8, 8], ["cat", "dog"], False)
FOLDER = Preprocessing("mine", [3, 8, 8], ["cat", "dog"], True)
STUDY = {section: {} for section in Study.model_fields} | {
    "data": {"datasets": ["digits"]},
    "sweep": {"repeats": 2, "families": {"cnn": {"depth": 2, "channels": 4}}},
    "train": {"epochs": 2},
    "prune": {"levels": [0.5], "finetune": {"epochs": 1}, "magnitude_levels": [0, 0.5]},
}


def file_of(item: str, repeat: int | None = None, precision: str | None = None) -> Path:
    return exported_model("params.yaml", item, repeat, precision).model.path


@pytest.fixture(scope="module")
def images(data_item, tmp_path_factory):
    """The study's test images as files."""
    folder = tmp_path_factory.mktemp("images")
    paths = []
    for i, image in enumerate(load_split(data_item, "test").images.numpy()):
        paths.append(str(folder / f"{i:03}.png"))
        Image.fromarray(image[0]).save(paths[-1])
    return paths


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_classes_are_those_that_the_stage_recorded(item, images, precision):
    predictions = classify(file_of(str(item), 0, precision), images)
    recorded = load_file(item / "classes.safetensors")[f"{precision}-0"].tolist()
    assert len(images) > 256  # more than one batch
    assert [int(prediction.label) for prediction in predictions] == recorded
    assert [prediction.image for prediction in predictions] == images


def test_probabilities_are_the_softmax_of_the_network_s_logits(item, images, sweep_items, data_item):
    predictions = classify(item / "fp32-0.onnx", images)
    network, split = load_networks(sweep_items["cnn"])[0], load_split(data_item, "test")
    with torch.no_grad():
        expected = network(split.batch(slice(None))).double().softmax(1)
    np.testing.assert_allclose(
        [prediction.probability for prediction in predictions], expected.amax(1), rtol=0, atol=1e-4
    )
    assert [int(prediction.label) for prediction in predictions] == expected.argmax(1).tolist()


def test_a_class_is_told_by_its_name_whatever_that_holds(images, sweep_items, data_item, tmp_path, capsys):
    names = ["=1+1", "<script>alert(1)", "a\"b'c", "$x$ {{y}} %s", "-rf", "@sum", "中文", "&amp;", "NA", "[red]\\n"]
    data, out = shutil.copytree(data_item, tmp_path / "data"), tmp_path / "quantized"
    record = json.loads((data / "record.json").read_text())
    (data / "record.json").write_text(json.dumps({**record, "class_names": names}))
    out.mkdir()
    work(PLAIN, {"data": data, "parent": sweep_items["cnn"]}, out)
    recorded = load_file(out / "classes.safetensors")["fp32-0"].tolist()
    predict("params.yaml", str(out / "fp32-0.onnx"), images, None, None)
    assert [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()] == [names[k] for k in recorded]
    assert set(recorded) == set(range(10))


def test_the_first_repeat_and_what_it_quantizes_to_are_taken_unless_told(item):
    assert file_of(str(item)).name == "int8-0.onnx"
    assert file_of(f"{item}/", None, "fp32").name == "fp32-0.onnx"


def test_an_item_says_which_models_it_holds_by_the_files_that_are_there(item, tmp_path):
    folder = tmp_path / "item"
    folder.mkdir()
    for name in ("results.json", "test.json"):
        shutil.copy(item / name, folder)
    for file in item.glob("*-0.*"):
        for repeat in (3, 10):
            shutil.copy(file, folder / file.name.replace("-0.", f"-{repeat}."))
    assert [model.repeat for model in holdings(folder)] == sorted(model.repeat for model in holdings(folder))
    held = {(model.repeat, model.precision, model.path.suffix) for model in holdings(folder)}
    assert held == {(repeat, precision, ".onnx") for repeat in (3, 10) for precision in ("fp32", "int8")}
    assert file_of(str(folder)).name == "int8-3.onnx" and file_of(str(folder), 10).name == "int8-10.onnx"
    with pytest.raises(UserError, match=r"^--repeat: 0 is not in item; allowed: 3, 10$"):
        file_of(str(folder), 0)
    for file in folder.glob("int8-3.*"):
        file.unlink()
    assert file_of(str(folder)).name == "fp32-3.onnx"
    with pytest.raises(UserError, match=r"^--precision: 'int8' is not in item; allowed: fp32$"):
        file_of(str(folder), None, "int8")


def test_an_item_without_files_says_why(item, tmp_path):
    folder = shutil.copytree(item, tmp_path / "item")
    for model in holdings(folder):
        for file in model.files:
            file.unlink(missing_ok=True)
    with pytest.raises(UserError, match=r"holds no model, another item holds the files of this model"):
        file_of(str(folder))
    results = json.loads((folder / "results.json").read_text())
    for entry in results["repeats"]:
        entry["status"] = "unstable"
    (folder / "results.json").write_text(json.dumps(results))
    with pytest.raises(UserError, match=r"none of its networks has finite weights"):
        file_of(str(folder))


def test_output_that_is_no_terminal_is_a_line_with_tabs_per_image(item, images, capsys):
    predict("params.yaml", str(item), images[:5], None, None)
    expected = classify(item / "int8-0.onnx", images[:5])
    lines = [f"{prediction.image}\t{prediction.label}\t{prediction.probability:.6f}" for prediction in expected]
    assert capsys.readouterr().out.splitlines() == lines


def test_the_command_line(item, images, tmp_path):
    command = [sys.executable, "-m", "minarch", "predict", str(item / "fp32-0.onnx")]
    done = subprocess.run([*command, images[0]], capture_output=True, text=True, check=False)
    label = load_file(item / "classes.safetensors")["fp32-0"][0].item()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{images[0]}\t{label}\t")
    done = subprocess.run([*command, images[0], "nowhere.png"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "minarch: IMAGE: 'nowhere.png' is not there; allowed: image files\n"


def test_on_a_terminal_it_is_a_table(item, tmp_path):
    """Nothing in a file's name is taken for markup."""
    image = draw(tmp_path / "[red]3.png", "L")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "minarch", "predict", str(item / "fp32-0.onnx"), image.name]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, cwd=tmp_path, check=False)
    os.close(theirs)
    said = os.read(ours, 100_000).decode()
    os.close(ours)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "[red]3.png" in said and "%" in said and "probability" in said


# Names of a study's items.


@pytest.fixture
def study(tmp_path, monkeypatch):
    """The plan of a study whose representative is its only model."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump(STUDY))
    for stage, decided in (("representatives", [{"items": list(Plan().items("sweep"))}]), ("finalists", [])):
        (file,) = Plan().decision_files(stage)
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(decided))
    return Plan()


def test_an_item_is_found_by_its_name(study, item):
    planned = next(iter(study.items("quantize").values()))
    folder = study.folder(planned.path)
    with pytest.raises(UserError, match=r"^ITEM: .*: not computed yet, or not here: `snakemake` makes it"):
        file_of(planned.name)
    shutil.copytree(item, folder)
    for name in (planned.name, planned.slug, str(folder)):
        assert file_of(name) == folder / "int8-0.onnx"


def test_an_item_of_another_stage_is_refused(study):
    name = next(iter(study.items("sweep")))
    with pytest.raises(UserError, match=rf"^ITEM: {name} is an item of stage sweep; allowed: of stage quantize$"):
        file_of(name)
    with pytest.raises(UserError, match=r"'nothing' is no item of params\.yaml"):
        file_of("nothing")


@pytest.mark.parametrize(
    ("repeat", "precision", "expected"),
    [
        (7, None, "--repeat: 7 is not in quantized0; allowed: 0"),
        (1, None, "--repeat: 1 is not in quantized0; allowed: 0"),
        (-1, None, "--repeat: -1 is not in"),
        (None, "nf4", "--precision: 'nf4' is not in quantized0; allowed: fp32, int8"),
        (None, "", "--precision: '' is not in"),
    ],
)
def test_what_an_item_does_not_hold_is_one_line(item, repeat, precision, expected):
    with pytest.raises(UserError) as error:
        file_of(str(item), repeat, precision)
    assert str(error.value).startswith(expected)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(("repeat", "precision"), [(0, None), (None, "fp32")])
def test_which_of_an_item_s_files_has_no_effect_on_a_file(item, repeat, precision):
    with pytest.raises(UserError, match=r"has no effect with a file"):
        predict("params.yaml", str(item / "int8-0.onnx"), ["x.png"], repeat, precision)


def _not_there(folder):
    return folder / "int8-9.onnx"


def _no_model(folder):
    (folder / "notes.txt").write_text("nothing")
    return folder / "notes.txt"


def _foreign(folder):
    (folder / "page.xml").write_text("<?xml version='1.0'?><page/>")
    return folder / "page.xml"


def _as_ir(folder):
    """FP32 as OpenVINO IR, which has its weights in a file beside it."""
    path = folder / "fp32-0.onnx"
    save(core().read_model(path), path.with_suffix(".xml"), read_preprocessing(path))
    path.unlink()
    return path.with_suffix(".xml")


def _without_weights(folder):
    path = _as_ir(folder)
    path.with_suffix(".bin").unlink()
    return path


def _weights_that_never_come(folder):
    path = _without_weights(folder)
    os.mkfifo(path.with_suffix(".bin"))
    return path


def _half(folder):
    path = folder / "fp32-0.onnx"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def _half_the_weights(folder):
    path = _as_ir(folder)
    weights = path.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    return path


def _unfinished(folder):
    (folder / "results.json").unlink()
    return folder


def _curve(folder):
    (folder / "results.json").write_text('{"kind": "curve"}')
    return folder


def _rewritten(pattern, by):
    """A model whose graph, or what it says of its images, was changed."""

    def make(folder):
        path = _as_ir(folder)
        text = path.read_text()
        path.write_text(changed := re.sub(pattern, lambda _: by, text))
        assert changed != text
        return path

    return make


QUOTE = "&quot;"
CRAFTED = [
    _rewritten(rf"{QUOTE}shape{QUOTE}: \[.*?\]", f"{QUOTE}shape{QUOTE}: 7"),
    _rewritten(rf"{QUOTE}shape{QUOTE}: \[.*?\]", f"{QUOTE}shape{QUOTE}: [1, 8]"),
    _rewritten(rf"{QUOTE}shape{QUOTE}: \[.*?\]", f"{QUOTE}shape{QUOTE}: [100000, 100000, 100000]"),
    _rewritten(rf"{QUOTE}classes{QUOTE}: \[.*?\]", f"{QUOTE}classes{QUOTE}: []"),
    _rewritten(rf"{QUOTE}classes{QUOTE}: \[.*?\]", f"{QUOTE}classes{QUOTE}: [{QUOTE}a{QUOTE}, {QUOTE}b{QUOTE}]"),
    _rewritten(rf"\{{{QUOTE}dataset{QUOTE}.*?\}}", "[" * 100_000),
    _rewritten(r'size="\d+"', 'size="999999999999"'),
    _rewritten(r'offset="\d+"', 'offset="999999999999"'),
    _rewritten(r'shape="\?,1,8,8"', 'shape="?,100000,100000,8"'),
]


def _saying(folder, **other):
    path = folder / "fp32-0.onnx"
    model = onnx.load(path)
    (said,) = (entry for entry in model.metadata_props if entry.key == KEY)
    said.value = json.dumps({**json.loads(said.value), **other})
    path.write_bytes(model.SerializeToString())
    return path


def _one_class(folder):
    return _saying(folder, classes=["cat"])


def _huge(folder):
    return _saying(folder, shape=[1, 10**6, 10**6], resize=True)


def _negative(folder):
    return _saying(folder, shape=[1, -8, 8], resize=True)


def _no_list(folder):
    return _saying(folder, classes=3)


def _escapes(folder):
    return _saying(folder, classes=[f"\x1b[{number}J" for number in range(10)])


MAKERS = [
    _not_there,
    _no_model,
    _foreign,
    _without_weights,
    _weights_that_never_come,
    _half,
    _half_the_weights,
    _unfinished,
    _curve,
]
FORGED = [_one_class, _huge, _negative, _no_list, _escapes]


@pytest.mark.parametrize("make", [*MAKERS, *FORGED, *CRAFTED])
def test_what_is_no_exported_model_is_one_line(item, images, tmp_path, make):
    model = make(shutil.copytree(item, tmp_path / "item"))
    with pytest.raises(UserError) as error:
        predict("params.yaml", str(model), images[:1], None, None)
    assert str(model) in str(error.value)
    assert len(str(error.value).splitlines()) == 1


# Images.


def draw(path: Path, mode: str = "RGB", size: tuple[int, int] = (8, 8), seed: int = 0) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


@pytest.mark.parametrize(("mode", "name"), [("L", "x.png"), ("1", "x.png"), ("LA", "x.png"), ("L", "x.bmp")])
def test_a_grey_image_keeps_its_pixels(tmp_path, mode, name):
    path = draw(tmp_path / name, mode)
    pixels = read_image(path, GREY)
    assert pixels.dtype == np.uint8 and pixels.shape == (1, 8, 8)
    with Image.open(path) as image:
        assert (pixels[0] == np.asarray(image.convert("L"))).all()


def test_a_palette_of_greys_is_grey_or_colour_as_the_model_wants(tmp_path):
    levels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    image = Image.fromarray(levels).convert("P")
    image.putpalette([value for k in range(64) for value in 3 * (3 * k,)])
    image.save(tmp_path / "grey.png")
    assert (read_image(tmp_path / "grey.png", GREY)[0] == 3 * levels).all()
    assert (read_image(tmp_path / "grey.png", COLOUR) == 3 * levels).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_colour_image_keeps_its_pixels(tmp_path, mode):
    path = draw(tmp_path / "x.png", mode)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB"))
    assert (read_image(path, COLOUR).transpose(1, 2, 0) == expected).all()


@pytest.mark.parametrize(
    ("mode", "size", "given", "expected"),
    [
        ("RGB", (8, 8), GREY, "is 8 x 8 pixels, colour; allowed: 8 x 8 pixels, grey, as in digits"),
        ("RGBA", (8, 8), GREY, "colour; allowed"),
        ("P", (8, 8), GREY, "colour; allowed"),
        ("L", (8, 8), COLOUR, "is 8 x 8 pixels, grey; allowed: 8 x 8 pixels, colour, as in cifar10"),
        ("L", (28, 20), GREY, "is 28 x 20 pixels, grey; allowed: 8 x 8 pixels, grey"),
        ("RGB", (8, 9), COLOUR, "is 8 x 9 pixels, colour; allowed: 8 x 8"),
        ("I;16", (8, 8), GREY, "is 8 x 8 pixels, 16-bit grey; allowed"),
        ("I;16", (8, 8), COLOUR, "is 8 x 8 pixels, 16-bit grey; allowed"),
    ],
)
def test_an_image_of_another_size_or_kind_is_one_line(tmp_path, mode, size, given, expected):
    path = draw(tmp_path / "x.png", "L" if mode == "I;16" else mode, size)
    if mode == "I;16":
        Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(path)
    with pytest.raises(UserError) as error:
        read_image(path, given)
    assert str(error.value).startswith(f"IMAGE: {str(path)!r} ")
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("mode", ["L", "1", "LA", "RGB", "RGBA", "P", "I;16"])
@pytest.mark.parametrize("beside", ["L", "RGB"])
@pytest.mark.parametrize("size", [(8, 8), (13, 5), (200, 30)])
def test_images_of_a_folder_are_read_as_the_study_reads_them(tmp_path, mode, size, beside):
    root, upright = tmp_path / "mine", Image.Exif()
    upright[0x0112] = 6  # held on its side
    draw(root / "cat/x.png", "L" if mode == "I;16" else mode, size)
    with Image.open(root / "cat/x.png") as image:
        if mode == "I;16":
            image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
        image.save(root / "cat/x.png", exif=upright)
    draw(root / "dog/y.png", beside)
    study, _ = read(f"folder:{root}", None, 8)
    channels = 3 if {mode, beside} & {"RGB", "RGBA", "P"} else 1
    as_the_study = replace(FOLDER, shape=[channels, 8, 8])
    assert study.images.shape[1] == channels
    assert (read_image(root / "cat/x.png", as_the_study) == study.images[0]).all()


def test_a_colour_image_is_read_as_its_luminance_where_the_folder_was_grey(tmp_path):
    path = draw(tmp_path / "x.png", "RGB", (13, 5))
    with Image.open(path) as image:
        expected = np.asarray(image.resize((8, 8), Image.Resampling.BILINEAR).convert("L"))
    assert (read_image(path, replace(FOLDER, shape=[1, 8, 8]))[0] == expected).all()


@pytest.mark.parametrize("given", [GREY, COLOUR, FOLDER])
def test_a_name_that_would_break_the_lines_of_the_output_is_refused(tmp_path, given):
    for name in ("a\tb.png", "a\nb.png", "a\udce9.png"):
        with pytest.raises(UserError) as error:
            read_image(draw(tmp_path / name), given)
        assert str(error.value).startswith("IMAGE: ") and len(str(error.value).splitlines()) == 1
        assert "is no name to print; allowed: " in str(error.value)


def _missing(path):
    path.unlink()


def _text(path):
    path.write_text("not an image")


def _cut(path):
    path.write_bytes(path.read_bytes()[:60])


def _empty(path):
    path.write_bytes(b"")


def _directory(path):
    path.unlink()
    path.mkdir()


def _fifo(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (_missing, "is not there"),
        (_text, "cannot be read"),
        (_cut, "cannot be read"),
        (_empty, "cannot be read"),
        (_directory, "is no regular file"),
        (_fifo, "is no regular file"),
    ],
)
@pytest.mark.parametrize("given", [GREY, FOLDER])
def test_what_is_no_image_is_one_line(tmp_path, make, expected, given):
    path = draw(tmp_path / "x.png", "L")
    make(path)
    with pytest.raises(UserError) as error:
        read_image(path, given)
    assert str(error.value).startswith(f"IMAGE: {str(path)!r} {expected}")
    assert len(str(error.value).splitlines()) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_a_damaged_image_is_read_or_is_one_line(tmp_path, data):
    name = data.draw(st.sampled_from(["x.png", "x.jpg", "x.bmp", "x.gif", "x.tiff"]))
    shape = data.draw(st.sampled_from([GREY, FOLDER]))
    truth = draw(tmp_path / name, "L").read_bytes()
    start = data.draw(st.integers(0, len(truth) - 1))
    noise = data.draw(st.binary(max_size=8))
    tail = truth[start + len(noise) :] if data.draw(st.booleans()) else b""
    (tmp_path / name).write_bytes(truth[:start] + noise + tail)
    try:
        pixels = read_image(tmp_path / name, shape)
    except UserError as error:
        message = str(error)
    else:
        message = "IMAGE" if pixels.shape == tuple(shape.shape) and pixels.dtype == np.uint8 else ""
    assert message.startswith("IMAGE") and "\n" not in message


def test_images_that_are_not_resized_are_never_changed(tmp_path, item, images):
    """One bad image among good ones: nothing is said of the others."""
    large = draw(tmp_path / "large.png", "L", (9, 8))
    with pytest.raises(UserError, match=r"is 9 x 8 pixels, grey; allowed: 8 x 8 pixels, grey, as in digits"):
        classify(item / "int8-0.onnx", [*images[:2], str(large)])
