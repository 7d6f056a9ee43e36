"""Export and INT8: the files compute what the network did, from raw pixels, for any batch, the same bytes each time."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from minarch.data.tensors import load_split
from minarch.models.cost import parameters
from minarch.models.weights import load_networks
from minarch.quantization.export import export, save
from minarch.quantization.int8 import calibration_images, quantize_int8
from minarch.quantization.measure import core, latency_ms, predictor
from minarch.training.evaluate import evaluate

FAMILIES = pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])


@pytest.fixture(scope="module")
def splits(data_item):
    return {name: load_split(data_item, name) for name in ("train", "validation")}


@pytest.fixture(scope="module")
def exported(sweep_items, splits, tmp_path_factory):
    """Family -> (network, folder with fp32.xml and int8.xml)."""
    found = {}
    for family, item in sweep_items.items():
        network, folder = load_networks(item)[0], tmp_path_factory.mktemp(family)
        write_both(network, splits["train"], folder, family)
        found[family] = (network, folder)
    return found


def write_both(network, train, folder, family):
    model = export(network, train.mean, train.std)
    save(model, folder / "fp32.xml")
    images = calibration_images(train.images, 128, seed=0)
    save(quantize_int8(model, images, preset="mixed", transformer=family == "vit"), folder / "int8.xml")


@FAMILIES
@pytest.mark.parametrize("batch", [1, 7, 100])
def test_fp32_logits_equal_torch_s_for_any_batch(exported, splits, family, batch):
    network, folder = exported[family]
    split = splits["validation"]
    found = core().compile_model(folder / "fp32.xml", "CPU")(split.images[:batch].numpy())[0]
    with torch.no_grad():
        expected = network(split.batch(slice(batch))).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@FAMILIES
def test_the_weights_on_disk_are_real_float32(exported, family):
    """Nothing was compressed to 16 bits: the .bin holds 4 bytes for each parameter, and little more."""
    network, folder = exported[family]
    extra = (folder / "fp32.bin").stat().st_size - 4 * parameters(network)
    assert 0 <= extra < 700


@FAMILIES
def test_int8_weights_are_about_a_quarter(exported, family):
    _, folder = exported[family]
    ratio = (folder / "int8.bin").stat().st_size / (folder / "fp32.bin").stat().st_size
    assert 0.25 < ratio < (0.45 if family == "vit" else 0.35)
    assert 'element_type="i8"' in (folder / "int8.xml").read_text()


@FAMILIES
def test_int8_agrees_with_torch(exported, splits, family):
    network, folder = exported[family]
    expected = evaluate(network, splits["validation"])
    found = predictor(folder / "int8.xml")(splits["validation"].images)
    assert (found == expected.predictions).double().mean() >= 0.93
    assert abs(float((found == splits["validation"].labels).double().mean()) - expected.accuracy) < 0.04


@FAMILIES
def test_the_same_network_is_the_same_bytes(exported, splits, family, tmp_path):
    network, folder = exported[family]
    write_both(network, splits["train"], tmp_path, family)
    for file in sorted(tmp_path.iterdir()):
        assert file.read_bytes() == (folder / file.name).read_bytes(), file.name


def test_predictions_do_not_depend_on_the_batch(exported, splits):
    _, folder = exported["cnn"]
    images = splits["validation"].images
    assert predictor(folder / "fp32.xml", batch_size=1000)(images).equal(
        predictor(folder / "fp32.xml", batch_size=7)(images)
    )


def test_latency_is_ordered_and_positive(exported, splits):
    _, folder = exported["cnn"]
    files = {name: folder / f"{name}.xml" for name in ("fp32", "int8")}
    for batch in (1, 64):
        for found in latency_ms(files, splits["validation"].images, batch, rounds=3).values():
            assert 0 < found["low"] <= found["median"] <= found["high"] < 100


def test_calibration_images_are_a_fixed_subset_without_repetition(splits):
    images = splits["train"].images
    first = calibration_images(images, 50, seed=1)
    assert first.equal(calibration_images(images, 50, seed=1))
    assert not first.equal(calibration_images(images, 50, seed=2))
    source = {image.numpy().tobytes() for image in images}
    assert all(image.numpy().tobytes() in source for image in first)
    assert len({image.numpy().tobytes() for image in first}) == 50
    assert len(calibration_images(images, 10**6, seed=1)) == len(images)


def test_importing_starts_no_thread_and_no_telemetry():
    """Stages are imported once and forked per job: a thread would not survive that."""
    code = (
        "import sys, threading, minarch.quantize, minarch.prune; "
        "sys.exit(threading.active_count() > 1 or sys.modules['openvino_telemetry'] is not None)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
