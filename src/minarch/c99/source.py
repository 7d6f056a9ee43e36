"""One C99 file of a model: from ONNX by emx-onnx-cgen, with names of its own and a comment that says how to call it."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import onnx

from minarch.c99 import NoSource
from minarch.c99.integers import with_integer_operators
from minarch.c99.memory import with_shared_memory
from minarch.c99.one_image import for_one_image
from minarch.errors import one_line
from minarch.quantization.preprocessing import Preprocessing

ENTRY = "net"  # what the generator calls its function
LOADER = f"_Bool {ENTRY}_load(const char *path) {{\n    (void)path;\n    return 1;\n}}\n\n"  # of weights in a file
PLAIN = re.compile(rb"[A-Za-z0-9 _.,+-]")


def as_c(model: onnx.ModelProto, preprocessing: Preprocessing, title: str) -> str:
    """The source: `int NAME_predict(const uint8_t *image)` and `void NAME_logits(const uint8_t *image, float *logits)`,
    where NAME is the data set's; they take what the ONNX file takes, and need no memory but the stack.

    The same model gives the same text. Weights are the integers, or the floats, of the model.

    Args:
        title: what is said of the model in the source's first line.

    Raises:
        NoSource: an operator has no C, the model is not what `preprocessing` says, or ONNX cannot read it.
    """
    try:
        code = _generated(for_one_image(model, preprocessing.shape, len(preprocessing.classes)))
    except NoSource:
        raise
    except Exception as error:  # of what they do not know ONNX and the generator raise whatever they come upon
        raise NoSource(one_line(error) or type(error).__name__) from None
    return "\n".join([*_comment(preprocessing, title), "", code, "", *_functions(preprocessing), ""])


def identifier(name: str) -> str:
    """The beginning of a C identifier that is nearest to a name."""
    plain = re.sub(r"[^0-9A-Za-z]", "_", name)
    return plain if re.match(r"[A-Za-z]", plain) else f"net_{plain.lstrip('_')}".rstrip("_")


def escaped(text: str) -> str:
    """A text that ends no comment, no string and no line, in UTF-8: other than plain characters are octal escapes."""
    return "".join(
        chr(byte) if PLAIN.match(bytes([byte])) else f"\\{byte:03o}" for byte in text.encode("utf-8", "surrogatepass")
    )


@cache
def _compiler() -> Any:
    """The generator, which reads all its templates once: two seconds. Nothing else needs it, so it comes here."""
    from emx_onnx_cgen.compiler import Compiler, CompilerOptions

    return Compiler(CompilerOptions(model_name=ENTRY, large_weight_threshold=0, large_temp_threshold_bytes=0))


def _generated(model: onnx.ModelProto) -> str:
    """The C of a model for one image, of which nothing is seen outside the file, from the first #include on."""
    generated = str(_compiler().compile(with_integer_operators(model)))
    code = with_shared_memory(generated.replace(LOADER, ""), ENTRY)
    code = code[code.index("#include") :].rstrip()
    code = re.sub(r"^extern const .*\n", "", code, flags=re.MULTILINE)
    code = re.sub(r"^const EMX_UNUSED ", "static const EMX_UNUSED ", code, flags=re.MULTILINE)
    return code.replace(f"void {ENTRY}(", f"static void {ENTRY}(")


def _comment(preprocessing: Preprocessing, title: str) -> list[str]:
    """What the file says of itself. Names of data sets and classes come from folders, so that they are escaped."""
    channels, height, width = preprocessing.shape
    name, planes = identifier(preprocessing.dataset), {1: "one plane of grey", 3: "planes of red, green and blue"}
    shown = planes.get(channels, f"{channels} planes")
    size = "resized to that size by bilinear interpolation" if preprocessing.resize else "of that size"
    return [
        "/*",
        f" * {escaped(title)}",
        f" * classifies images of the data set {escaped(preprocessing.dataset)}, in C99 without a runtime.",
        " *",
        f" *     int {name}_predict(const uint8_t *image);  returns the class",
        f" *     void {name}_logits(const uint8_t *image, float *logits);  writes {len(preprocessing.classes)} numbers",
        " *",
        f" * An image is {channels} x {height} x {width} bytes, {shown}, row by row,",
        f" * {size}. Its pixels are from 0 to 255, as in an image file: they are normalised here.",
        " * Link with -lm. The classes, in which other than plain characters are octal escapes of UTF-8:",
        " *",
        *(f" *     {number} {escaped(label)}" for number, label in enumerate(preprocessing.classes)),
        " *",
        " * Written by minarch with emx-onnx-cgen.",
        " */",
    ]


def _functions(preprocessing: Preprocessing) -> Iterable[str]:
    """The functions for whoever includes the file or declares them."""
    (channels, height, width), classes = preprocessing.shape, len(preprocessing.classes)
    name = identifier(preprocessing.dataset)
    return [
        f"void {name}_logits(const uint8_t *image, float *logits);",
        f"int {name}_predict(const uint8_t *image);",
        "",
        f"void {name}_logits(const uint8_t *image, float *logits) {{",
        f"    {ENTRY}((const uint8_t (*)[{channels}][{height}][{width}])image, (float (*)[{classes}])logits);",
        "}",
        "",
        f"int {name}_predict(const uint8_t *image) {{",
        f"    float logits[{classes}];",
        "    int best = 0;",
        f"    {name}_logits(image, logits);",
        f"    for (int i = 1; i < {classes}; ++i) {{",
        "        if (logits[i] > logits[best]) {",
        "            best = i;",
        "        }",
        "    }",
        "    return best;",
        "}",
    ]
