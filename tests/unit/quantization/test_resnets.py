"""Stage quantize on trained ResNets of fewer blocks, basic ones and bottlenecks, and what is predicted by its files."""

import pytest
from PIL import Image
from quantize_items import CURVE, PLAIN
from safetensors.torch import load_file

from minarch.commands.predict import classify
from minarch.data.tensors import load_split
from minarch.files import read_json

EVERY = pytest.mark.parametrize("name", ["basic", "bottlenecks"])


@pytest.mark.parametrize("backend", ["openvino", "torch"])
@EVERY
def test_it_is_exported_quantized_and_predicted_by(run, resnet_items, data_item, tmp_path, name, backend):
    """The stage itself compares every file with its network: an exporter's bug raises."""
    out, trained = run(PLAIN | {"backend": backend}, resnet_items[name]), read_json(resnet_items[name] / "results.json")
    (entry,) = read_json(out / "results.json")["repeats"]
    assert entry["status"] == "ok"
    assert (entry["parameters"], entry["macs"]) == (trained["parameters"], trained["macs"])
    assert entry["validation"]["fp32"] == pytest.approx(trained["repeats"][0]["validation_accuracy"], abs=0.005)
    assert entry["validation"]["fp32"] > 0.8 and entry["validation"]["int8"] > entry["validation"]["fp32"] - 0.1
    assert entry["bytes"]["int8"] == (out / "int8-0.onnx").stat().st_size < 0.7 * entry["bytes"]["fp32"]

    paths = [str(tmp_path / f"{i}.png") for i in range(20)]
    for image, path in zip(load_split(data_item, "test").images.numpy(), paths, strict=False):
        Image.fromarray(image[0]).save(path)
    for precision in ("fp32", "int8"):
        predictions = classify(out / f"{precision}-0.onnx", paths)
        expected = load_file(out / "classes.safetensors")[f"{precision}-0"][:20]
        assert [int(prediction.label) for prediction in predictions] == expected.tolist()


@EVERY
def test_low_bits_are_simulated(run, resnet_items, name):
    out = run(CURVE, resnet_items[name])
    (entry,) = read_json(out / "results.json")["repeats"]
    assert entry["status"] == "ok" and len((out / "curve.csv").read_text().splitlines()) == 1 + 3
