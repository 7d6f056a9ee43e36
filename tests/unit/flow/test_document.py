"""A params file is read as every version of YAML reads it, or refused in one line, and never for long."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minarch.errors import UserError
from minarch.flow.document import read

pytestmark = pytest.mark.timeout(60)  # a guard against what hangs, not a claim of speed

LAUGHS = "a0: &a0 [1, 1]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 19))
MERGED = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 19))
REFUSED = {
    "octal of YAML 1.1": ("a: 010", "a: 010 is not allowed; allowed: a decimal number such as 8"),
    "digits in groups": ("a: 1_0", "a: 1_0 is not allowed; allowed: a decimal number"),
    "hexadecimal": ("a: 0x10", "a: 0x10 is not allowed; allowed: a decimal number"),
    "binary": ("a: 0b1", "a: 0b1 is not allowed; allowed: a decimal number"),
    "of base 60": ("a: 1:30", "a: 1:30 is not allowed; allowed: a decimal number"),
    "of base 60 with a fraction": ("a: 1:30.5", "a: 1:30.5 is not allowed; allowed: a finite decimal number"),
    "a fraction in groups": ("a: [1_0.5]", "a.0: 1_0.5 is not allowed; allowed: a finite decimal number"),
    "infinity": ("a: -.inf", "a: -.inf is not allowed; allowed: a finite decimal number"),
    "no number": ("a: .NaN", "a: .NaN is not allowed; allowed: a finite decimal number"),
    "too large for a float": ("a: 1.0e+400", "a: 1.0e+400 is not allowed; allowed: a finite decimal number"),
    "yes": ("a: yes", "a: yes is not allowed; allowed: true or false; a text in quotes"),
    "off": ("a: {b: Off}", "a.b: Off is not allowed; allowed: true or false; a text in quotes"),
    "400 digits": (f"a: 1{'0' * 400}", "is not allowed; allowed: at most 18 digits"),
    "100,000 digits": (f"a: -{'9' * 100_000}", "is not allowed; allowed: at most 18 digits"),
    "100,000 digits in a float": (f"a: {'9' * 100_000}.0", "is not allowed; allowed: a finite decimal number"),
    "a date": ("a: 2020-01-01", "a: line 1: !!timestamp is not allowed; allowed: numbers, texts"),
    "a set": ("a: !!set {b}", "a: line 1: !!set is not allowed"),
    "bytes": ("a: !!binary aGk=", "a: line 1: !!binary is not allowed"),
    "pairs": ("a: !!omap [b: 1]", "a: line 1: !!omap is not allowed"),
    "an object": ("a: !!python/object:os.system x", "a: line 1: !!python/object:os.system is not allowed"),
    "a call": ("a: !!python/object/apply:os.abort []", "a: line 1: !!python/object/apply:os.abort is not allowed"),
    "a tag of one's own": ("!mine {a: 1}", "line 1: !mine is not allowed"),
    "a tag that lies": ("a: !!int [1]", "a: line 1: !!int is not allowed"),
    "a null that is none": ("a: !!null b", "a: b is not allowed; allowed: null"),
    "a boolean that is none": ("a: !!bool b", "a: b is not allowed; allowed: true or false"),
    "an integer that is none": ("a: !!int b", "a: b is not allowed; allowed: a decimal number"),
    "the value key": ("a: =", "a: line 1: !!value is not allowed"),
    "an integer as key": ("1: 2", "line 1: the key 1 is not allowed; allowed: texts (in quotes)"),
    "null as key": ("a:\n  null: 2", "a: line 2: the key null is not allowed"),
    "nothing as key": ("? \n: 2", "line 1: the key  is not allowed"),
    "true as key": ("true: 2", "line 1: the key true is not allowed"),
    "on as key": ("on: 2", "line 1: the key on is not allowed"),
    "a list as key": ("[a]: 2", "line 1: the key a list or mapping is not allowed"),
    "a key twice": ("a: {b: 1, c: 2, b: 1}", "a.b: the key stands twice, line 1; allowed: once"),
    "a key twice beside a merge": ("x: &x {b: 1}\na: {<<: *x, b: 1, b: 2}", "a.b: the key stands twice, line 2"),
    "two merges": ("x: &x {b: 1}\na:\n  <<: *x\n  <<: *x", "the key stands twice, line 4; allowed: once"),
    "a merge of no mapping": ("a: {<<: 1}", "1 is not allowed; allowed: a mapping, or several"),
    "a merge of no mappings": ("a: {<<: [{}, 1]}", "1 is not allowed; allowed: a mapping, or several"),
    "lines in a text": ('a: "b\\nc"', r"a: b\nc is not allowed; allowed: printable characters on one line"),
    "a zero byte in a key": ('"a\\0": 1', r"a\x00 is not allowed; allowed: printable characters"),
    "a long text": (f"a: {'b' * 5000}", "allowed: printable characters on one line, at most 4,000"),
    "two documents": ("a: 1\n---\nb: 2", "not YAML: expected a single document"),
    "an alias of nothing": ("a: *b", "not YAML: found undefined alias"),
    "not closed": ("a: {b: 1", "not YAML: "),
    "a tab": ("a:\n\t- 1", "not YAML: "),
    "its own alias": ("&a [*a]", "nested too deep; allowed: at most 20 levels, and no alias inside its own anchor"),
    "its own merge": ("a: &a {<<: *a}", "nested too deep; allowed: at most 20 levels"),
    "aliases of aliases": (LAUGHS, "more than 500,000 values, aliases expanded; allowed: fewer"),
    "merges of merges": (MERGED, "more than 500,000 values, aliases expanded; allowed: fewer"),
    "10,000 lists in lists": ("[" * 10_000 + "]" * 10_000, "nested too deep; allowed: at most 20 levels"),
    "a million lists in lists": ("[" * 1_000_000, "nested too deep; allowed: at most 20 levels"),
    "10,000 mappings in mappings": ("{a: " * 10_000 + "1" + "}" * 10_000, "nested too deep"),
    "a million keys that are keys": ("? " * 1_000_000, "nested too deep"),
    "a text in UTF-16": ("a: 1".encode("utf-16"), "not YAML: 'utf-8' codec can't decode"),
    "bytes that are no text": (bytes(range(128, 256)), "not YAML: 'utf-8' codec can't decode"),
    "a program": (b"\x7fELF\x02\x01\x01\0\0", "not YAML: "),
    "zeros": (b"\0" * 1000, "not YAML: "),
}


def _said(path) -> str:
    with pytest.raises(UserError) as error:
        read(path)
    lines = str(error.value).splitlines()
    assert len(lines) == 1 and len(lines[0]) < 300 and "allowed: " in lines[0]
    return lines[0]


@pytest.mark.parametrize(("content", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_stands_in_no_study_is_refused_in_one_line(tmp_path, content, expected):
    path = tmp_path / "params.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert expected in _said(path)


READ = {
    "decimals": ("[0, -0, +5, 10, 0.5, .5, 5., -1.5, 1.5e+3]", [0, 0, 5, 10, 0.5, 0.5, 5.0, -1.5, 1500.0]),
    "what YAML 1.1 takes for a text": ("[1e-3, 08, 0o10, n, y]", ["1e-3", "08", "0o10", "n", "y"]),
    "texts in quotes": (
        "['010', \"1:30\", 'yes', '2020-01-01', '<<', '=']",
        ["010", "1:30", "yes", "2020-01-01", "<<", "="],
    ),
    "booleans and null": ("[true, False, null, ~, ]", [True, False, None, None]),
    "anchors": ("a: &a [1, {b: 2}]\nc: *a", {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}),
    "a merge": ("x: &x {a: 1, b: 2}\ny: {b: 3, <<: *x}", {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}}),
    "several merges, of which the first counts": (
        "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}",
        {"x": {"a": 1}, "y": {"a": 2, "b": 2}, "z": {"a": 1, "b": 2}},
    ),
    "tags that say what is there": ("a: !!int '8'\nb: !!str 8\nc: !!map {}", {"a": 8, "b": "8", "c": {}}),
    "other letters": ("ü: 'é 日本'", {"ü": "é 日本"}),
    "a mark of the byte order": ("\ufeffa: 1", {"a": 1}),
    "nothing": ("# only this\n", None),
}


@pytest.mark.parametrize(("content", "expected"), READ.values(), ids=READ)
def test_what_is_clear_is_read(tmp_path, content, expected):
    path = tmp_path / "params.yaml"
    path.write_text(content, encoding="utf-8")
    values = read(path)
    assert values == expected and repr(values) == repr(expected)


def test_minus_zero_is_zero(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("[-0.0, -0., -0]")
    assert repr(read(path)) == "[0.0, 0.0, 0]"


def test_an_alias_is_a_value_of_its_own(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: &a {b: 1}\nc: *a")
    values = read(path)
    values["a"]["b"] = 2
    assert values["c"] == {"b": 1}


def test_only_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(2**30)
    (tmp_path / "file").touch()
    long = tmp_path / ("a" * 5000)
    for path, expected in {
        tmp_path: "is no file; allowed: a params file",
        tmp_path / "pipe.yaml": "is no file; allowed: a params file",
        "/dev/zero": "is no file; allowed: a params file",
        tmp_path / "large.yaml": "is larger than a params file; allowed: at most 4,194,304 bytes",
        tmp_path / "loop.yaml": "cannot be read ",
        tmp_path / "file/params.yaml": "cannot be read ",
        long: "cannot be read ",
        "a\0b": "cannot be read ",
        tmp_path / "none.yaml": "no such study; allowed: a params file",
    }.items():
        assert expected in _said(path)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    said = "allowed: "
    try:
        read(path)
    except UserError as error:
        said = str(error)
    assert len(said.splitlines()) == 1 and "allowed: " in said
