"""The recommendation for a budget against its definition; its files as the table names them; bad input in one line."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minarch.analysis.front import worthwhile
from minarch.analysis.reliability import Reliability
from minarch.commands.bounds import Bounds, choose, nearest
from minarch.commands.recommend import files_of, read_models, recommend
from minarch.errors import UserError
from minarch.flow.study import Study

REPOSITORY = Path(__file__).parents[3]
STUDY: dict[str, Any] = {section: {} for section in Study.model_fields} | {
    "data": {"datasets": ["digits"]},
    "sweep": {"repeats": 4, "block": 2, "families": {"dnn": {"depth": 1, "width": [4, 8]}}},
    "train": {"epochs": 2},
    "prune": {
        "levels": [0.25, 1 / 3],
        "methods": {"l1": {}, "step": {"schedule": "iterative"}},
        "finetune": {"epochs": 1},
        "magnitude_levels": [0, 0.5],
    },
    "quantize": {"methods": {"int8": {}, "int4": {"precision": "int4"}}, "precisions": ["fp32", "int8"]},
}
IDENTITY = {"dataset": "digits", "family": "dnn", "architecture": "dnn-depth1-width8", "method": "original", "level": 0}
ROW = IDENTITY | {"model": "m", "quantization": "int8", "precision": "int8", "repeats": 4, "failed": 0, "n": 4}
ROW |= {"items": "width8-r0-1-int8-f0 width8-r2-3-int8-a1"}
ROW |= {"parameters": 610, "bytes": 9000, "latency_1_ms": 0.02, "latency_1_ms_low": 0.01, "latency_1_ms_high": 0.03}
ROW |= {f"validation_{name}": value for name, value in (("mean", 0.91), ("low", 0.9), ("high", 0.92))}
ROW |= dict.fromkeys(["search_macs", "search_trainings"])  # of a model of the sweep
ROW |= {f"test_{name}": value for name, value in (("mean", 0.89), ("low", 0.88), ("high", 0.9))}
SAMPLED = {"test_sampled_low": 0.87, "test_sampled_high": 0.91}
ROW |= SAMPLED


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame([ROW | row for row in rows])


def model(name: str, size: int, validation: float, **more) -> dict:
    return {"model": name, "bytes": size, "validation_mean": validation, **more}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """study(rows ...) -> writes the study and its table into an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def write(*rows: dict, name: str = "params.yaml", reports: str = "reports") -> str:
        Path(name).write_text(yaml.safe_dump(STUDY, sort_keys=False))
        Path(reports, "tables").mkdir(parents=True)
        table(*rows).to_csv(Path(reports, "tables/models.csv"), index=False, float_format="%.10g")
        return name

    return write


FOUR = (model("a", 100, 0.90), model("b", 200, 0.95), model("c", 300, 0.955), model("d", 900, 0.96))


@pytest.mark.parametrize(
    ("max_bytes", "max_drop", "expected"),
    [
        (None, 1.0, "b"),  # exactly one point is allowed
        (None, 0.9, "c"),
        (None, 0, "d"),
        (None, 100, "a"),
        (900, None, "d"),
        (899, None, "c"),
        (100, None, "a"),
        (99, None, None),
        (1000, 1.0, "b"),
        (250, 1.0, "b"),
        (250, 0.9, None),  # the drop counts from the best of all, which is too large
    ],
)
def test_the_rule(max_bytes, max_drop, expected):
    models = table(*FOUR)
    chosen = choose(models, Bounds(bytes=max_bytes, drop=max_drop))
    assert (None if chosen is None else models.loc[chosen, "model"]) == expected


POINTS = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 8)), min_size=1, max_size=12)


COST = {"bytes": "bytes", "parameters": "parameters", "latency": "latency_1_ms"}
COST |= {"code": "c_bytes", "stack": "c_stack_bytes"}


@given(POINTS, st.sampled_from(list(COST)), st.none() | st.integers(1, 9), st.none() | st.integers(0, 9))
def test_the_choice_is_what_brute_force_finds(points, cost, most, max_drop):
    """Values are exact in percent, so that limits are met exactly."""
    bounds = Bounds(**{cost: most}, drop=max_drop)
    if not bounds.given:
        return
    rows = (model(f"{i:02}", size, value / 100) | {COST[cost]: size} for i, (size, value) in enumerate(points))
    models = table(*rows)
    models.index = range(7, 7 + len(models))
    best = max(value for _, value in points)
    fit = [
        (size, value)
        for size, value in points
        if (most is None or size <= most) and (max_drop is None or best - value <= max_drop)
    ]
    chosen = choose(models, bounds)
    if not fit:
        assert chosen is None
        least = min(size for size, value in points if max_drop is None or best - value <= max_drop)
        assert f"has {least} " in nearest(models, bounds)
        return
    key = (lambda p: (-p[1], p[0])) if max_drop is None else (lambda p: (p[0], -p[1]))
    assert points[chosen - 7] == min(fit, key=key)


def test_bounds_hold_together():
    rows = [
        model("light", 100, 0.90, parameters=50, latency_1_ms=0.5, c_bytes=2000, c_stack_bytes=500),
        model("quick", 300, 0.92, parameters=90, latency_1_ms=0.1, c_bytes=2001, c_stack_bytes=800),
        model("lean", 400, 0.94, parameters=40, latency_1_ms=0.4, c_bytes=2500, c_stack_bytes=900),
        model("untimed", 90, 0.99, parameters=10, latency_1_ms=None),
    ]
    for most, expected in (
        ({"bytes": 300, "latency": 0.1}, "quick"),
        ({"parameters": 50, "latency": 0.5}, "lean"),
        ({"parameters": 50, "bytes": 350, "latency": 9.0}, "light"),
        ({"drop": 9.0, "latency": 0.5}, "light"),
        ({"drop": 5.5, "latency": 0.5}, "lean"),
        ({"code": 2000}, "light"),
        ({"code": 9000, "stack": 800}, "quick"),
        ({"drop": 8.0}, "untimed"),
    ):
        models = table(*rows)
        assert models.loc[choose(models, Bounds(**most)), "model"] == expected, most
    assert choose(table(*rows), Bounds(parameters=45, bytes=350, latency=9.0)) is None


@pytest.mark.parametrize("text", ["9000", "9k", "9 kB", "9.0k", "0.009M"])
def test_sizes_are_written_as_people_do(study, capsys, text):
    study(model("fits", 9000, 0.9), model("large", 9001, 0.99))
    recommend("params.yaml", max_bytes=text)
    assert "fits" in capsys.readouterr().out


def test_without_a_bound_it_is_the_study_s_own_recommendation(study, capsys):
    study(*FOUR)
    recommend("params.yaml", as_json=True)
    (chosen,) = json.loads(capsys.readouterr().out)["recommended"]
    assert chosen["model"] == "b"  # aggregate.max_drop_points is 1


def test_the_study_s_own_recommendation_is_the_report_s():
    tables = REPOSITORY / "reports/tables"
    models, front = read_models(tables / "models.csv", "x"), pd.read_csv(tables / "front.csv")
    for _, row in front[front["recommended"]].iterrows():
        of_set = Reliability(failure_share=0.05).reliable(models[models["dataset"] == row["dataset"]])
        chosen = of_set.loc[choose(of_set, Bounds(drop=1.0))]
        assert (chosen["bytes"], chosen["validation_mean"]) == (row["bytes"], row["validation_mean"])


def test_json_has_the_table_s_columns_and_the_files_that_are_here(study, capsys):
    study(model("easy", 9000, 0.91), model("hard", 900, 0.4, dataset="cifar10", **SEARCHED))
    folder = Path("artifacts/quantize/width8-r2-3-int8-a1")
    folder.mkdir(parents=True)
    for name in ("int8-2.xml", "int8-2.bin", "fp32-2.onnx", "notes-of-mine.txt"):
        (folder / name).write_text("")
    with pytest.raises(UserError, match=r"^cifar10: no reliable model has at most 600 parameters"):
        recommend("params.yaml", max_parameters="600", max_latency=0.02, dataset="cifar10", as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert body["recommended"] == [] and list(body["unmet"]) == ["cifar10"]
    recommend("params.yaml", max_bytes="10k", as_json=True)
    hard, easy = json.loads(capsys.readouterr().out)["recommended"]
    assert set(easy) == {*ROW, "files"}
    assert (easy["bytes"], easy["n"], easy["search_macs"]) == (9000, 4, None)
    assert (hard["dataset"], hard["search_macs"]) == ("cifar10", pytest.approx(SEARCHED["search_macs"]))
    assert easy["items"] == ["width8-r0-1-int8-f0", "width8-r2-3-int8-a1"]
    assert easy["files"] == [str(folder / f"int8-2{suffix}") for suffix in (".xml", ".bin")]


def test_a_finalist_that_is_no_representative_is_recommended_like_any_other():
    models = table(*FOUR, model("finalist", 150, 0.951, role="further"))
    assert models.loc[choose(models, Bounds(drop=1.0)), "model"] == "finalist"


@pytest.mark.parametrize(("size", "expected"), [(100, "int8"), (200, "fp32"), (300, "fp32")])
def test_fewer_bits_are_recommended_only_where_they_make_the_file_smaller(size, expected):
    models = table(model("a", 200, 0.94, precision="fp32"), model("a", size, 0.95, precision="int8"))
    for bounds in (Bounds(drop=1.0), Bounds(bytes=1000), Bounds(bytes=1000, drop=1.0)):
        assert models.loc[choose(worthwhile(models), bounds), "precision"] == expected


def test_test_accuracy_plays_no_part():
    models = table(*FOUR)
    drawn = np.random.default_rng(0).random((20, len(models)))
    for values in drawn:
        assert models.loc[choose(models.assign(test_mean=values), Bounds(bytes=899, drop=1.0)), "model"] == "b"


def test_what_fits_is_printed_with_interval_and_n(study, capsys):
    study(model("small", 9000, 0.91), model("large", 20_000, 0.95))
    recommend("params.yaml", max_bytes="10000")
    said = capsys.readouterr().out
    for text in (
        "digits",
        "small",
        "9,000",
        "610",
        "91.00 % (90.00 to 92.00, n = 4)",
        "89.00 % (88.00 to 90.00, n = 4)",
        "87.00 to 91.00 %: with the sampling of test images, too",
    ):
        assert text in said
    assert "20.0 µs (10.0 µs to 30.0 µs)" in said
    assert "large" not in said


def test_one_repeat_has_no_interval(study, capsys):
    study(ROW | {"n": 1} | dict.fromkeys(["validation_low", "validation_high", "test_low", "test_high", *SAMPLED]))
    recommend("params.yaml", max_bytes="10000")
    assert "91.00 % (no interval, n = 1)" in capsys.readouterr().out


SEARCHED = {"search_macs": 1_234_567_890_123, "search_trainings": 1.42}


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (SEARCHED, "cost to find it  1.23e+12 MACs, 1.4 times a training of the whole network"),
        (SEARCHED | {"search_trainings": None}, "cost to find it  1.23e+12 MACs"),
    ],
)
def test_what_a_search_cost_is_printed_of_the_model_that_it_found(study, capsys, cost, expected):
    study(model("grown", 100, 0.91, **cost), model("swept", 900, 0.95))
    recommend("params.yaml", max_bytes="500")
    lines = [re.sub(r"[│|]", " ", line).strip() for line in capsys.readouterr().out.splitlines()]
    assert [re.sub(r"   +", "  ", line) for line in lines if "cost" in line] == [expected]
    recommend("params.yaml", max_drop=1.0)
    said = capsys.readouterr().out
    assert "swept" in said and "cost" not in said


def test_unreliable_models_are_not_recommended(study, capsys):
    study(model("broken", 10, 0.99, failed=1), model("whole", 100, 0.9))
    recommend("params.yaml", max_drop=5.0)
    said = capsys.readouterr().out
    assert "whole" in said and "broken" not in said


def test_every_data_set_has_its_own_best(study, capsys):
    study(model("easy", 500, 0.99), model("hard", 700, 0.4, dataset="cifar10"), model("na", 800, 0.4, dataset="NA"))
    recommend("params.yaml", max_drop=1.0)
    said = capsys.readouterr().out
    assert all(name in said for name in ("easy", "hard", "digits", "cifar10", "NA"))
    recommend("params.yaml", max_drop=1.0, dataset="cifar10")
    said = capsys.readouterr().out
    assert "hard" in said and "easy" not in said


def test_what_fits_one_data_set_is_printed_before_what_does_not_fit_another(study, capsys):
    study(model("easy", 500, 0.99), model("hard", 700, 0.4, dataset="cifar10"))
    with pytest.raises(
        UserError, match=r"^cifar10: no reliable model has at most 600 bytes; the least, hard, has 700 bytes$"
    ):
        recommend("params.yaml", max_bytes="600")
    assert "easy" in capsys.readouterr().out


def test_both_bounds_missed_names_what_misses_one():
    text = nearest(table(*FOUR), Bounds(bytes=250, drop=0.9))
    assert text == (
        "no reliable model has at most 250 bytes within 0.9 points of the best; the least of those so accurate, c, has"
        " 300 bytes; the best of at most 250 bytes, b, is 1.00 points below"
    )


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"max_bytes": "0"}, "--max-bytes: '0' is not allowed; allowed: at least 1, such as 50000, 50k or 1.5M"),
        ({"max_bytes": "-5", "max_drop": 1.0}, "--max-bytes: '-5' is not allowed"),
        ({"max_parameters": "many"}, "--max-parameters: 'many' is not allowed"),
        ({"max_code": "0.5"}, "--max-code: '0.5' is not allowed; allowed: at least 1"),
        ({"max_stack": "1k"}, "--max-stack: '1k' has no effect, nothing was compiled as C; allowed: none"),
        ({"max_latency": 0.0}, "--max-latency: 0 is not allowed; allowed: above 0 (milliseconds)"),
        ({"max_latency": float("nan")}, "--max-latency: nan is not allowed"),
        ({"max_drop": -1.0}, "--max-drop: -1 is not allowed; allowed: 0 to 100"),
        ({"max_drop": float("nan")}, "--max-drop: nan is not allowed"),
        ({"max_drop": 101.0}, "--max-drop: 101 is not allowed"),
        ({"max_bytes": "100", "dataset": "mnist"}, "--dataset: 'mnist' is not in the study's table; allowed: digits"),
        ({"max_bytes": "100"}, "digits: no reliable model has at most 100 bytes; the least, m, has 9,000 bytes"),
        ({"max_parameters": "9"}, "digits: no reliable model has at most 9 parameters; the least, m, has 610 param"),
        ({"max_latency": 0.01}, "digits: no reliable model has at most 0.01 ms for an image; the least, m, has 0.02"),
    ],
)
def test_bad_bounds_are_one_line(study, bounds, expected):
    study(ROW)
    with pytest.raises(UserError) as error:
        recommend("params.yaml", **bounds)
    assert str(error.value).startswith(expected)
    assert len(str(error.value).splitlines()) == 1


def test_a_bound_on_what_was_not_measured_is_one_line(study):
    study(ROW)
    path = Path("reports/tables/models.csv")
    table(ROW).drop(columns=["latency_1_ms", "latency_1_ms_low", "latency_1_ms_high"]).to_csv(path, index=False)
    with pytest.raises(UserError, match=r"^--max-latency: 1 has no effect, no latency was measured"):
        recommend("params.yaml", max_latency=1.0)


def test_a_model_as_c_is_shown_with_its_bytes_or_why_there_is_none(study, capsys):
    in_c = {"c_bytes": 1234, "c_stack_bytes": 567}
    study(model("small", 100, 0.9, **in_c), model("large", 900, 0.95, no_c="it has no ONNX file"))
    recommend("params.yaml", max_code="1.3k")
    said = capsys.readouterr().out
    assert "small" in said and "1,234 bytes of code and weights, 567 of stack" in said and "--format c" in said
    recommend("params.yaml", max_bytes="1k")
    said = capsys.readouterr().out
    assert "large" in said and "none: it has no ONNX file" in said and "--format c" not in said


def test_no_reliable_model_is_one_line(study):
    study(ROW | {"failed": 4, "validation_mean": None})
    for bounds in ({"max_drop": 1.0}, {"max_bytes": "10"}, {"max_bytes": "10", "max_drop": 1.0}):
        with pytest.raises(UserError, match=r"^digits: no model is reliable: too many repeats of each failed$"):
            recommend("params.yaml", **bounds)


def test_a_missing_table_says_to_run_the_study(study):
    study(ROW, name="other.yaml", reports="reports/studies/other")
    recommend("other.yaml", max_bytes="10000")
    Path("params.yaml").write_text(Path("other.yaml").read_text())
    with pytest.raises(UserError, match=r"^reports/tables/models\.csv: not computed yet; run the study first"):
        recommend("params.yaml", max_bytes="10000")


def _without(column):
    return lambda rows: rows.drop(columns=column)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_without("bytes"), "is no table of models, it lacks bytes"),
        (_without(["n", "model"]), "it lacks model, n"),
        (_without("items"), "it lacks items; run the study again"),
        (lambda rows: rows.assign(model=None), "it lacks model"),
        (lambda rows: rows[:0], "holds no model"),
        (lambda rows: rows.assign(bytes="many"), "does not read as a table of models"),
    ],
)
def test_a_table_that_is_none_is_one_line(tmp_path, change, expected):
    path = tmp_path / "models.csv"
    change(table(ROW)).to_csv(path, index=False)
    with pytest.raises(UserError) as error:
        read_models(path, "params.yaml")
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


UNUSED = ("method", "level", "quantization", "role")  # of the table's columns; `model` says it in words


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 700), noise=st.binary(max_size=8), cut=st.booleans())
def test_a_damaged_table_is_read_or_is_one_line(tmp_path, start, noise, cut):
    path = tmp_path / "models.csv"
    table(*FOUR).to_csv(path, index=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:start] + noise + (b"" if cut else whole[start + len(noise) :]))
    try:
        lacking = set(ROW) - set(read_models(path, "params.yaml"))
    except UserError as error:
        lacking, message = set(), str(error)
    else:
        message = ""
    assert all(name.startswith("latency") or name in UNUSED for name in lacking)
    assert len(message.splitlines()) <= 1


# Where the files lie.


def test_the_files_are_those_of_every_block_of_the_model_s_repeats(study, capsys):
    study(ROW)
    here, absent = (Path("artifacts/quantize", name) for name in ROW["items"].split())
    here.mkdir(parents=True)
    for name in ("item.json", "int8-0.xml", "int8-0.bin", "fp32-0.xml", "fp32-0.bin"):
        (here / name).write_text("{}")
    assert files_of(Path("artifacts/quantize"), ROW | {"items": [here.name, absent.name]}) == [
        str(here / "int8-0.xml"),
        str(here / "int8-0.bin"),
    ]
    recommend("params.yaml", max_bytes="10k")
    said = capsys.readouterr().out
    assert f"{here}/int8-0.xml " in said and "fp32-0" not in said
    assert f"{absent} (not here: `snakemake` makes it, `make review` fetches it)" in said
    assert said.count("make review") == 1
    assert f"minarch predict {here.name} --precision int8 IMAGE" in said


def test_a_study_with_a_name_has_its_files_in_a_folder_of_its_own(study, capsys):
    study(ROW, name="other.yaml", reports="reports/studies/other")
    recommend("other.yaml", max_bytes="10k")
    assert "artifacts/studies/other/quantize/width8-r2-3-int8-a1 (not here" in capsys.readouterr().out


def _console(*arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"COLUMNS": "200", "PYTHONPATH": str(REPOSITORY / "src")}
    command = [sys.executable, "-m", "minarch", "recommend", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_without_artifacts_the_files_need_a_pull(study):
    study(ROW)
    done = _console("--max-bytes", "10000")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("(not here: `snakemake` makes it, `make review` fetches it)") == 2


def test_the_command_line_ends_in_one_line_and_exit_code_1(study):
    study(ROW)
    done = _console("--max-bytes", "10")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"minarch: digits: no reliable model has at most 10 bytes; .*\n", done.stderr)
    help_text = " ".join(_console("--help").stdout.split())
    assert "the one of fewest bytes among those within the drop" in help_text


def test_with_a_target_the_smallest_reliable_model_is_recommended_and_what_is_proven_told(study, capsys):
    proof = {"repeats": 10, "failed": 0, "n": 10, "reached": 10, "proven": 0.05**0.1}
    missed = proof | {"failed": 1, "reached": 9, "proven": 0.6}
    rows = (model("lucky", 50, 0.99, **proof | {"repeats": 3, "reached": 3}), model("missed", 100, 0.96, **missed))
    study(*rows, model("answer", 200, 0.955, **proof), model("best", 900, 0.99, **proof))
    body = yaml.safe_load(Path("params.yaml").read_text())
    reliable = {"target": 0.95, "trainings": 10, "failure_share": 0.0}
    Path("params.yaml").write_text(yaml.safe_dump(body | {"convergence": reliable}))
    recommend("params.yaml", as_json=True)
    (row,) = json.loads(capsys.readouterr().out)["recommended"]
    assert row["model"] == "answer" and row["reached"] == 10 and row["proven"] == pytest.approx(0.05**0.1)
    recommend("params.yaml")
    assert "10 of 10 trainings; with 95 % confidence at least 74 % of all do" in capsys.readouterr().out
    Path("params.yaml").write_text(yaml.safe_dump(body | {"convergence": reliable | {"trainings": 11}}))
    with pytest.raises(UserError, match=r"^digits: no model is reliable: .* failed, or there are fewer than 11$"):
        recommend("params.yaml")
