"""The section of data: extremes are one line or work, and a folder's name can name files."""

import pytest

from minarch.data.sources import read
from minarch.data.split import cut, limit
from minarch.errors import UserError
from minarch.flow.config import load

PATHS = "allowed: folder:PATH of at most 1000 printable characters, whose last part has letters or digits and at most"
BAD = {
    "a seed beyond scikit-learn's": ({"seed": 2**32}, "seed: 4294967296 is not allowed; allowed: less than 4294967296"),
    "a seed below zero": ({"seed": -1}, "seed: -1 is not allowed; allowed: greater than or equal to 0"),
    "few images": ({"limit": 9}, "limit: 9 is not allowed; allowed: greater than or equal to 10"),
    "tiny images": ({"image_size": 3}, "image_size: 3 is not allowed; allowed: greater than or equal to 4"),
    "huge images": ({"image_size": 10**17}, f"image_size: {10**17} is not allowed; allowed: less than or equal to 512"),
    "an empty root": ({"root": ""}, "root: '' is not allowed; allowed: "),
    "no data set": ({"datasets": []}, "datasets: [] is not allowed; allowed: at least 1"),
    "a long data set": ({"datasets": ["x" * 3000]}, f"datasets: '{'x' * 99} is no data set; allowed: digits"),
    "a long folder": ({"datasets": [f"folder:{'x' * 3000}"]}, f"datasets: 'folder:{'x' * 92} cannot name a data set;"),
    "a deep folder": ({"datasets": [f"folder:{'x/' * 1200}x"]}, PATHS),
    "a folder with a long name": ({"datasets": [f"folder:{'é' * 51}"]}, PATHS),
    "a folder with a NUL": (
        {"datasets": ["folder:a\0b"]},
        r"datasets.0: folder:a\x00b is not allowed; allowed: printable",
    ),
    "a folder with a line break": (
        {"datasets": ["folder:a\nb"]},
        r"datasets.0: folder:a\nb is not allowed; allowed: printable",
    ),
    "an invisible character": (
        {"datasets": ["folder:\u200ba"]},
        r"datasets.0: folder:\u200ba is not allowed; allowed: printable",
    ),
    "the root": ({"datasets": ["folder:/"]}, "datasets: 'folder:/' cannot name a data set; allowed: "),
    "a folder without letters": ({"datasets": ["folder:--"]}, "datasets: 'folder:--' cannot name a data set; "),
    "two folders of one name": ({"datasets": ["folder:a/x", "folder:b/x"]}, "datasets: 'x' is the name of two"),
    "two that would have one name": ({"datasets": ["folder:a b", "folder:a-b"]}, "datasets: 'a-b' is the name of two"),
    "a folder named like a data set": ({"datasets": ["digits", "folder:x/digits"]}, "'digits' is the name of two"),
}


@pytest.mark.parametrize(("changes", "expected"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_line(workspace, changes, expected):
    with pytest.raises(UserError) as error:
        load(workspace.write(**{f"data__{name}": value for name, value in changes.items()}))
    assert str(error.value).startswith("params.yaml: data.") and expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_the_largest_seed_and_limit_work(workspace):
    data = load(workspace.write(data__seed=2**32 - 1, data__limit=10**12)).data
    source, _ = read("digits", None, 8)
    assert limit(source, data.limit, data.seed) is source
    left, right = cut(source, data.validation, data.seed, "validation")
    assert len(left.labels) + len(right.labels) == len(source.labels)


@pytest.mark.parametrize("share", [1e-9, 5e-324, 1 - 1e-16])
@pytest.mark.parametrize("purpose", ["validation", "test"])
def test_a_share_of_nothing_or_of_all_is_one_line(workspace, share, purpose):
    data = load(workspace.write(**{f"data__{purpose}": share})).data
    source, _ = read("digits", None, 8)
    with pytest.raises(UserError, match=rf"^data\.{purpose}: {share} of 1797 images in 10 classes .*; allowed: "):
        cut(source, getattr(data, purpose), 0, purpose)
