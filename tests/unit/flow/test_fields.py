"""What holds of every field of every section, so that a later one cannot forget it."""

import re
from typing import get_origin

import pytest

from minarch.errors import UserError
from minarch.flow.config import load
from minarch.flow.study import Study

from study_fields import NAME, example, smallest, walk, with_value, write  # isort: skip

FIELDS = {".".join(place): (place, kind) for place, kind in walk()}
LISTS = [name for name, (_, kind) in FIELDS.items() if get_origin(kind) is list]
INTEGERS = [name for name, (_, kind) in FIELDS.items() if kind is int]
REALS = [name for name, (_, kind) in FIELDS.items() if kind is float]
UNBOUNDED = ["data.limit"]  # more images than there are: all


def _refused(path, name, value) -> str:
    """What is said of a field with this value; "" where it is accepted."""
    place, _ = FIELDS[name]
    if place[-1] == "0":
        place, value = place[:-1], [value]
    try:
        load(write(with_value(place, value), path))
    except UserError as error:
        lines = str(error).splitlines()
        assert all(len(line) < 300 + len(str(path)) for line in lines)
        return "\n".join(line for line in lines if name.removesuffix(".0") in line)
    return ""


@pytest.fixture
def path(workspace, tmp_path):
    return tmp_path / "params.yaml"


def test_the_walk_meets_what_it_should(path):
    assert {"prune.levels", "quantize.precisions", "data.datasets", "representatives.roles"} <= set(LISTS)
    assert {"train.seed", f"quantize.methods.{NAME}.qat.epochs", f"prune.methods.{NAME}.rewind"} <= set(INTEGERS)
    assert {"prune.levels.0", "train.learning_rate"} <= set(REALS)
    assert isinstance(load(write(smallest(), path)), Study)


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_a_set(path, name):
    """A value that stands twice would be computed, counted and averaged twice."""
    place, kind = FIELDS[name]
    value = example(place, kind)[0]
    assert re.search(r"twice|two data sets", _refused(path, name, [value, value]))


@pytest.mark.parametrize("name", [name.removesuffix(".0") for name in REALS if name.endswith(".0")])
def test_a_number_is_the_same_however_it_is_written(path, name):
    for twice in ([0, 0.0], [0.5, "5e-1"], [0.25, 0.0, 0.5, -0.0], [0, False]):
        assert re.search("twice|valid number", _refused(path, name, twice))


@pytest.mark.parametrize("name", [name for name in INTEGERS if name not in UNBOUNDED])
def test_every_integer_has_a_bound_and_says_it(path, name):
    said = _refused(path, name, 10**17)
    bound, most = re.search(r"allowed: (less than(?: or equal to)?) (\d+)$", said.splitlines()[0]).groups()
    most = int(most) - (bound == "less than")
    assert f"{most + 1} is not allowed; allowed: less" in _refused(path, name, most + 1)
    assert "allowed: less than or" not in _refused(path, name, most)
    assert "is not allowed; allowed: greater" in _refused(path, name, -1)


@pytest.mark.parametrize("name", REALS)
def test_every_real_has_bounds_and_says_them(path, name):
    assert "is not allowed; allowed: less than" in _refused(path, name, 1e300)
    assert "is not allowed; allowed: greater than" in _refused(path, name, -1e300)


@pytest.mark.parametrize("name", REALS)
def test_a_real_is_a_number_or_a_text_that_yaml_1_2_reads_as_one(path, name):
    for text in ("1e-3", "5e-1", "+.5e0"):
        assert "valid number" not in _refused(path, name, text)
    for wrong in (True, "", " 0.5", "0.5 ", "1_0", "0x1", "1:30", "05", "nan", "inf", "1e", "half", "٥", [0.5], {}):
        assert "is not allowed; allowed: a valid number" in _refused(path, name, wrong)
    assert "allowed: a finite number" in _refused(path, name, "1e400")


@pytest.mark.parametrize("name", INTEGERS)
def test_an_integer_is_nothing_else(path, name):
    for wrong in (True, 1.0, "1", "1e3", "", [1], {}):
        assert "is not allowed; allowed: a valid integer" in _refused(path, name, wrong)


@pytest.mark.parametrize("name", [name for name, (_, kind) in FIELDS.items() if kind is bool])
def test_a_boolean_is_nothing_else(path, name):
    for wrong in (0, 1, "true", "", None, []):
        assert "is not allowed; allowed: true or false" in _refused(path, name, wrong)


SECTIONS = [()] + [place for place, kind in FIELDS.values() if isinstance(kind, type) and hasattr(kind, "model_fields")]


@pytest.mark.parametrize("place", SECTIONS, ids=".".join)
def test_an_unknown_key_is_told_with_those_that_are_known(path, place):
    with pytest.raises(UserError, match=r"nonesuch: unknown key; allowed: [a-z_]+") as error:
        load(write(with_value((*place, "nonesuch"), 1), path))
    assert f"{'.'.join((*place, 'nonesuch'))}: unknown key" in str(error.value)


def test_of_many_mistakes_the_first_are_told_and_how_many_more(path):
    study = smallest()
    study["train"] |= {f"key{i}": i for i in range(20_000)}
    with pytest.raises(UserError) as error:
        load(write(study, path))
    lines = str(error.value).splitlines()
    assert len(lines) == 6 and all("unknown key; allowed: epochs" in line for line in lines[:5])
    assert lines[5].endswith(": and 19,995 more; allowed: none")


def test_a_long_list_is_no_set(path):
    study = with_value(("prune", "sensitivity_levels"), [i / 20_000 for i in range(20_000)])
    with pytest.raises(UserError, match="20,000 values are not allowed; allowed: at most 1,000"):
        load(write(study, path))
