"""What the stages of a study took: seconds and processors of their items."""

from minarch.files import write_json
from minarch.reporting.tables.run import COLUMNS, run_table


def item(root, stage, name, **timing):
    folder = root / stage / name
    folder.mkdir(parents=True)
    if timing:
        write_json(folder / "timing.json", timing)
    return folder


def test_seconds_are_added_up_by_the_stage_that_an_item_is_of(tmp_path):
    """Of repeats that were timed one by one, too; items without a timing, and what was read twice, do not count."""
    first = item(tmp_path, "sweep", "a", seconds=[1.0, 2.0], device="cpu", processor="one")
    second = item(tmp_path, "sweep", "b", seconds=[3.0], device="cpu", processor="other")
    refined = item(tmp_path, "refined", "c", seconds=[4.0], device="a GPU", processor="one")
    cut = item(tmp_path, "prune", "d", seconds=5.0, device="cpu")
    timed = item(tmp_path, "latency", "e", seconds=6.5, device="A processor, in full")
    inputs = {
        "data": [item(tmp_path, "data", "digits")],
        "sweep": [first, second, refined],
        "refined": [refined],
        "prune": [cut],
        "latency": timed,
    }
    table = run_table(inputs)
    assert list(table.columns) == COLUMNS
    assert table.to_numpy().tolist() == [
        ["sweep", 2, 6.0, "one; other"],
        ["refined", 1, 4.0, "a GPU"],
        ["prune", 1, 5.0, ""],
        ["latency", 1, 6.5, "A processor, in full"],
    ]


def test_a_study_without_timed_items_has_no_rows(tmp_path):
    assert run_table({"data": [item(tmp_path, "data", "digits")], "refine": []}).empty
