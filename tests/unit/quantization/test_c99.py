"""C of every family, compiled by cc without a warning, against OpenVINO on the test images; its parts against their
definitions; and names from data that would be code.
"""

import re
import subprocess
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from quantize_items import CONFIGS, PLAIN
from torch import nn

from minarch.c99 import NoSource
from minarch.c99.integers import with_integer_operators
from minarch.c99.levels import as_whole_numbers, pixel_weights, widened
from minarch.c99.memory import with_shared_memory
from minarch.c99.one_image import for_one_image, shapes_of
from minarch.c99.source import as_c, escaped, identifier
from minarch.models.weights import load_networks
from minarch.quantization.arithmetic import float_logits
from minarch.quantization.export import Deployed, export
from minarch.quantization.files import Exported
from minarch.quantization.int8 import calibration_images
from minarch.quantization.measure import core, runner
from minarch.quantization.methods import Source, quantize
from minarch.quantization.preprocessing import Preprocessing
from tests.compiled_c import STRICT, run_c

DIGITS = Preprocessing("digits", [1, 8, 8], [str(digit) for digit in range(10)], resize=False)
POOLINGS = {"MaxPool", "QLinearAveragePool", "QLinearGlobalAveragePool"}
ON_INTEGERS = {"QLinearConv", "QGemm", "QLinearAdd", "Reshape", *POOLINGS}
FAMILIES = ("dnn", "cnn", "vit", "basic", "bottlenecks", "separable")


class Separable(nn.Module):
    """Depthwise and pointwise convolutions, one in two groups, batch norms, poolings, a linear layer."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.depthwise = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False) for _ in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(2))
        self.pointwise = nn.ModuleList(nn.Conv2d(8, 8, 1) for _ in range(2))
        self.grouped = nn.Conv2d(8, 12, 3, padding=1, groups=2)
        self.classifier = nn.Linear(12, 10)

    def forward(self, images):
        values = self.stem(images).relu()
        for depthwise, norm, pointwise in zip(self.depthwise, self.norms, self.pointwise, strict=True):
            values = pointwise(norm(depthwise(values)).relu()).relu()
        values = nn.functional.avg_pool2d(nn.functional.max_pool2d(values, 2), 2)
        return self.classifier(self.grouped(values).relu().mean((2, 3)))


def _trained(network, split):
    """A network, trained a little, so that its classes mean something."""
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    draws = torch.Generator().manual_seed(0)
    for _ in range(150):
        chosen = torch.randint(len(split.labels), (64,), generator=draws)
        pixels = (split.images[chosen].float() - split.mean[:, None, None]) / split.std[:, None, None]
        loss = nn.functional.cross_entropy(network(pixels), split.labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


@pytest.fixture(scope="module")
def files(sweep_items, resnet_items, splits, tmp_path_factory):
    """(family, precision) -> the ONNX file that stage quantize writes."""
    networks = {family: load_networks(sweep_items[family])[0] for family in ("dnn", "cnn", "vit")}
    networks |= {name: load_networks(resnet_items[name])[0] for name in ("basic", "bottlenecks")}
    torch.manual_seed(0)
    networks["separable"] = _trained(Separable(), splits["train"])
    images = calibration_images(splits["train"].images, 64, seed=0)
    written = {}
    for family, network in networks.items():
        deployed = Deployed(network, splits["train"].mean, splits["train"].std)
        model = export(deployed, DIGITS.shape, family)
        quantized = quantize(PLAIN, Source(network, model, family, family == "vit", 0), splits, images)
        models = {"fp32": model, "int8": quantized.model}
        exported = Exported(tmp_path_factory.mktemp(family), 0, models, {"fp32": deployed, "int8": quantized.network})
        sizes = exported.write(DIGITS, family)
        assert all(size.no_onnx is None for size in sizes.values())
        written |= {(family, precision): exported.path(precision) for precision in models}
    return written


@pytest.mark.parametrize("family", FAMILIES)
def test_c_of_floats_computes_what_openvino_does(files, splits, family, tmp_path):
    path, images = files[family, "fp32"], splits["test"].images
    logits, classes = run_c(as_c(onnx.load(path), DIGITS, "t"), "digits", images, 10, tmp_path)
    expected = runner(path)(images)
    assert torch.equal(classes, logits.argmax(1)) and torch.equal(classes, expected.argmax(1))
    assert float((logits - expected).abs().max()) < 1e-4 * float(expected.abs().max())


@pytest.mark.parametrize("family", FAMILIES)
def test_c_of_integers_is_as_near_to_the_file_as_openvino(files, splits, family, tmp_path):
    """What the file says is float arithmetic on its levels. Biases are rounded in C, residual sums in OpenVINO, so that
    single values come out one level higher or lower.
    """
    path, images = files[family, "int8"], splits["test"].images
    logits, classes = run_c(as_c(onnx.load(path), DIGITS, "t"), "digits", images, 10, tmp_path)
    (said,) = float_logits([core().read_model(path)], images)
    of_openvino = runner(path)(images)
    assert torch.equal(classes, logits.argmax(1))
    assert int((classes != said.argmax(1)).sum()) <= 0.01 * len(images)
    assert int((classes != of_openvino.argmax(1)).sum()) <= 0.01 * len(images)
    away = (logits - said).abs().amax(1)
    assert float(away.median()) < 0.01 * float(said.abs().max())


@pytest.mark.parametrize("family", ["dnn", "cnn", "basic", "bottlenecks", "separable"])
def test_what_is_quantized_is_computed_on_integers_alone(files, family):
    model = with_integer_operators(for_one_image(onnx.load(files[family, "int8"]), [1, 8, 8], 10))
    kinds = {node.op_type for node in model.graph.node}
    assert kinds <= ON_INTEGERS and {"QGemm", "QLinearConv"} <= kinds
    large = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
    assert all(array.dtype in (np.int8, np.uint8) for array in large if array.ndim > 1)


def test_a_transformer_keeps_the_weights_of_its_products_as_integers(files):
    model = with_integer_operators(for_one_image(onnx.load(files["vit", "int8"]), [1, 8, 8], 10))
    constants = {tensor.name for tensor in model.graph.initializer}
    dequantized = {n.output[0] for n in model.graph.node if n.op_type == "DequantizeLinear" and n.input[0] in constants}
    assert {n.op_type for n in model.graph.node if dequantized & set(n.input)} == {"Conv"}  # of the patches, into float
    assert sum(node.op_type == "QGemm" for node in model.graph.node) >= 7


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_model_gives_the_same_text_with_two_functions_and_no_more_to_see(files, family, tmp_path):
    model = onnx.load(files[family, "int8"])
    source = as_c(model, DIGITS, "t")
    assert as_c(model, DIGITS, "t") == source and max(map(len, source.splitlines())) < 2000
    (tmp_path / "model.c").write_text(source)
    subprocess.run(["cc", *STRICT, "-c", "model.c"], cwd=tmp_path, check=True)
    symbols = subprocess.run(["nm", "model.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r" [A-TV-Z] (\w+)", symbols)) == {"digits_logits", "digits_predict"}
    needed = set(re.findall(r" U (\w+)", symbols))
    assert not needed & {"malloc", "free", "printf", "fopen"}


def test_a_model_for_one_image_knows_every_shape_and_nothing_of_its_classes(files):
    model = for_one_image(onnx.load(files["vit", "fp32"]), [1, 8, 8], 10)
    assert not model.metadata_props
    shapes = shapes_of(model)
    assert all(all(shapes[name]) for node in model.graph.node for name in node.output)
    assert "Shape" not in {node.op_type for node in model.graph.node}


@settings(deadline=None)
@given(
    st.floats(-255, 0, width=32),
    st.floats(1, 200, width=32),
    st.floats(0.0078125, 0.125, width=32),
    st.integers(0, 255),
)
def test_pixels_as_a_product_have_the_level_of_every_value_or_there_is_none(shift, divisor, scale, zero):
    found = pixel_weights(np.array([shift]), np.array([divisor]), scale, zero)
    if found is None:
        return
    weights, scales, biases = found
    for pixel in range(256):
        value = np.float32(np.float32(pixel) + np.float32(shift)) / np.float32(divisor) / np.float32(scale)
        expected = min(max(np.rint(value) + zero, 0), 255)
        total = np.float32(pixel * int(weights[0]) + int(biases[0]))
        assert min(max(np.rint(total * (scales[0] / np.float32(scale))) + zero, 0), 255) == expected


@pytest.mark.parametrize("shift", [-33.3, -72.9, -120.1])
def test_pixels_of_usual_data_sets_are_a_product(shift):
    assert pixel_weights(np.array([shift]), np.array([65.0]), 0.0157, 100) is not None


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-127, 127), min_size=2, max_size=2), min_size=1, max_size=5))
def test_finer_units_leave_the_weights_what_they_are(rows):
    integers = np.array(rows, np.int8)
    finer, factors = widened(integers, 0)
    np.testing.assert_array_equal(finer.astype(int), integers.astype(int) * factors[:, None])
    largest = np.abs(finer.astype(int)).max(1)
    assert ((largest > 63) | (largest == 0)).all() and (factors >= 1).all()


def test_a_bias_is_a_whole_number_of_units_or_too_much():
    np.testing.assert_array_equal(as_whole_numbers(np.array([1.0, -0.26]), np.array([0.5, 0.1])), [2, -3])
    assert as_whole_numbers(np.array([1.0]), np.array([1e-12])) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["float", "uint8_t"]), st.integers(1, 50)), min_size=1))
def test_arrays_that_are_needed_at_the_same_time_share_nothing(steps):
    """Step i makes array i of an earlier one, or of the input."""
    arrays, calls, functions, last = [], [], [], {}
    for i, (back, kind, size) in enumerate(steps):
        source = i - 1 - back % (i + 1)
        before = f"a{source}" if source >= 0 else "images"
        parameter = f"const {steps[source][1]} x[{steps[source][2]}]" if source >= 0 else "const uint8_t x[4]"
        functions.append(f"EMX_NODE_FN void f{i}({parameter}, {kind} y[{size}]) {{")
        arrays.append(f"    {kind} a{i}[{size}];")
        calls.append(f"    f{i}({before}, a{i});")
        last |= {before: i, f"a{i}": i}
    text = "\n".join([*functions, "void net(const uint8_t images[4]) {", *arrays, *calls, "}", ""])
    shared = with_shared_memory(text, "net")
    sizes = {
        name: (kind, int(size)) for kind, name, size in re.findall(r"^    (\w+) (memory\d+)\[(\d+)\];", shared, re.M)
    }
    places = re.findall(r"^    f\d+\(.*\((\w+) \*\)(memory\d+)\);", shared, re.M)
    assert len(places) == len(steps)
    for i, (kind, place) in enumerate(places):
        assert sizes[place][0] == kind == steps[i][1] and sizes[place][1] >= steps[i][2]
        for j in range(i):
            if places[j][1] == place:
                assert last[f"a{j}"] < i
    assert sum(size for _, size in sizes.values()) <= sum(size for _, _, size in steps)


@settings(deadline=None)
@given(st.text())
def test_names_are_identifiers(name):
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", f"{identifier(name)}_predict")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_escaped_text_is_plain_and_says_everything(text):
    said = escaped(text)
    assert re.fullmatch(r"[A-Za-z0-9 _.,+\\-]*", said)
    raw = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), said.encode())
    assert raw == text.encode("utf-8", "surrogatepass")


def test_names_from_folders_are_no_code(files, splits, tmp_path):
    hostile = [
        "*/ int main(void) { return 1; } /*",
        '"); system("x',
        "??/",
        "\\",
        "a\nb",
        "日本",
        "%s",
        "//",
        "$(x)",
        "`x`",
    ]
    given_ = Preprocessing("*/9 äx;", [1, 8, 8], hostile, resize=True)
    model = onnx.load(files["dnn", "fp32"])
    model.metadata_props.add(key="*/", value="*/ #error stop /*")
    model.producer_name = model.graph.name = model.graph.node[0].name = model.doc_string = "*/ #error stop /*"
    for entry in (*model.graph.node[1].input, *model.graph.node[1].output):
        _rename(model.graph, entry, f"{entry}*/ #error stop /*")
    source = as_c(model, given_, "*/ int x; /*")
    assert "system" not in source.replace("system\\050", "") and "#error" not in source
    name = identifier(given_.dataset)
    images = splits["test"].images[:5]
    _, classes = run_c(source, name, images, 10, tmp_path)
    assert torch.equal(classes, runner(files["dnn", "fp32"])(images).argmax(1))


def _rename(graph, before, after):
    for tensor in graph.initializer:
        tensor.name = after if tensor.name == before else tensor.name
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [after if name == before else name for name in names]


def test_attributes_that_are_no_words_are_refused(files):
    model = onnx.load(files["dnn", "fp32"])
    model.graph.node[-1].attribute.append(helper.make_attribute("note", "*/ #error stop /*"))
    with pytest.raises(NoSource, match="no plain word"):
        as_c(model, DIGITS, "t")


@pytest.mark.parametrize("wrong", [{"shape": [1, 8, 9]}, {"classes": ["0", "1"]}])
def test_a_model_that_is_not_what_it_says_has_no_c(files, wrong):
    with pytest.raises(NoSource, match="not a classifier of"):
        as_c(onnx.load(files["cnn", "int8"]), replace(DIGITS, **wrong), "t")


def _model(nodes, opset, constants=None):
    """A model of images uint8 [N, 1, 8, 8] with logits float32 [N, 10]."""
    ends = [
        helper.make_tensor_value_info(name, kind, ["batch", *shape])
        for name, kind, shape in (("images", TensorProto.UINT8, [1, 8, 8]), ("logits", TensorProto.FLOAT, [10]))
    ]
    tensors = [numpy_helper.from_array(np.array(value), name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("mine", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


UNHEARD = helper.make_node("Unheard", ["images"], ["logits"], domain="mine")
UNKNOWN_TO_ONNX = helper.make_node("Unheard", ["images"], ["logits"], domain="nobodys")
OF_A_WORD = helper.make_node("Cast", ["word"], ["logits"], to=TensorProto.FLOAT)


@pytest.mark.parametrize(
    ("node", "why"), [(UNHEARD, "Unheard"), (UNKNOWN_TO_ONNX, "nobodys"), (OF_A_WORD, "could not convert")]
)
def test_what_has_no_c_is_said_on_one_line(node, why):
    with pytest.raises(NoSource, match=why) as error:
        as_c(_model([node], 17, {"word": "bird"}), DIGITS, "t")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("opset", [17, 18])
def test_a_mean_over_everything_or_over_axes_that_are_an_input_has_c(splits, opset, tmp_path):
    """The mean of an image, times 1 to 10."""
    over = helper.make_node("ReduceMean", ["floats", *(["axes"] if opset == 18 else [])], ["mean"])
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        over,
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "factors"], ["logits"]),
    ]
    factors = np.arange(1, 11, dtype=np.float32)[None]
    model = _model(nodes, opset, {"axes": np.array([1, 2, 3]), "factors": factors})
    images = splits["test"].images[:20]
    logits, _ = run_c(as_c(model, DIGITS, "t"), "digits", images, 10, tmp_path)
    torch.testing.assert_close(logits, images.float().mean((1, 2, 3))[:, None] * torch.from_numpy(factors))


def _in_c_as_in_the_file(model, split, folder):
    onnx.save(model, folder / "int8-0.onnx")
    logits, classes = run_c(as_c(model, DIGITS, "t"), "digits", split.images, 10, folder)
    (said,) = float_logits([core().read_model(folder / "int8-0.onnx")], split.images)
    assert int((classes != said.argmax(1)).sum()) <= 0.01 * len(classes)
    assert float((logits - said).abs().amax(1).median()) < 0.01 * float(said.abs().max())


def test_an_activation_with_a_scale_per_channel_stays_in_float(files, splits, tmp_path):
    """What the first depthwise convolution reads, and the stem rounds."""
    model = onnx.load(files["separable", "int8"])
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    made = {node.output[0]: node for node in model.graph.node}
    _, depthwise, *_ = (node for node in model.graph.node if node.op_type == "Conv")
    back = made[depthwise.input[0]]
    scale, zero = (constants[name] for name in back.input[1:])
    scales, zeros = np.linspace(1, 1.5, 8, dtype=np.float32) * scale, np.full(8, zero)
    model.graph.initializer.extend([numpy_helper.from_array(scales, "scales"), numpy_helper.from_array(zeros, "zeros")])
    for node in (made[back.input[0]], back):
        node.input[1:] = ["scales", "zeros"]
    turned = with_integer_operators(for_one_image(model, [1, 8, 8], 10))
    kinds = [node.op_type for node in turned.graph.node]
    assert (kinds.count("Conv"), kinds.count("QLinearConv")) == (2, 5)  # of pixels, and of four convolutions of six
    _in_c_as_in_the_file(model, splits["test"], tmp_path)


def test_kernels_with_a_scale_per_input_stay_in_float(files, splits, tmp_path):
    model = onnx.load(files["separable", "int8"])
    _, _, pointwise, *_ = (node for node in model.graph.node if node.op_type == "Conv")
    (back,) = (node for node in model.graph.node if node.output[0] == pointwise.input[1])
    back.attribute[0].CopyFrom(helper.make_attribute("axis", 1))
    turned = with_integer_operators(for_one_image(model, [1, 8, 8], 10))
    assert [node.op_type for node in turned.graph.node].count("Conv") == 1
    _in_c_as_in_the_file(model, splits["test"], tmp_path)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_each_colour_is_normalised_by_its_own_numbers(splits, precision, tmp_path):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(80, 5)
    )
    deployed = Deployed(network, torch.tensor([125.3, 123.0, 113.9]), torch.tensor([63.0, 62.1, 66.7]))
    given_ = Preprocessing("colours", [3, 8, 9], list("abcde"), resize=False)
    images = torch.randint(0, 256, (300, 3, 8, 9), dtype=torch.uint8)
    model = export(deployed, given_.shape, "colours")
    quantized = quantize(PLAIN, Source(network, model, "colours", False, 0), splits, images[:64])
    exported = Exported(tmp_path, 0, {"fp32": model, "int8": quantized.model}, {"fp32": deployed, "int8": None})
    exported.write(given_, "colours")
    proto = onnx.load(exported.path(precision))
    if precision == "int8":
        kinds = [node.op_type for node in with_integer_operators(for_one_image(proto, [3, 8, 9], 5)).graph.node]
        assert set(kinds) <= ON_INTEGERS
    logits, _ = run_c(as_c(proto, given_, "t"), "colours", images, 5, tmp_path)
    (said,) = float_logits([core().read_model(exported.path(precision))], images)
    away = (logits - said).abs().amax(1)
    assert float(away.median()) < (1e-5 if precision == "fp32" else 0.01) * float(said.abs().max())


@pytest.mark.parametrize("name", ["torch", "vnni"])
@pytest.mark.parametrize("family", ["dnn", "cnn"])
def test_other_methods_give_c_too(sweep_items, splits, family, name, tmp_path):
    network = load_networks(sweep_items[family])[0]
    deployed = Deployed(network, splits["train"].mean, splits["train"].std)
    model = export(deployed, DIGITS.shape, family)
    images = calibration_images(splits["train"].images, 64, seed=0)
    quantized = quantize(CONFIGS[name], Source(network, model, family, False, 0), splits, images)
    exported = Exported(tmp_path, 0, {"int8": quantized.model}, {"int8": quantized.network})
    exported.write(DIGITS, family)
    path, tests = exported.path("int8"), splits["test"].images
    _, classes = run_c(as_c(onnx.load(path), DIGITS, "t"), "digits", tests, 10, tmp_path)
    (said,) = float_logits([core().read_model(path)], tests)
    assert int((classes != said.argmax(1)).sum()) <= 0.01 * len(tests)
