"""The aggregate stage on a constructed study that has a target."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from target_study import write_target_study

from minarch import aggregate

pytestmark = pytest.mark.slow  # whole reports


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The finished folder of a study of one data set."""
    return reported(tmp_path_factory.mktemp("target"), {"digits": ["dnn", "cnn"]})


def reported(root: Path, datasets: dict[str, list[str]]) -> Path:
    config, inputs = write_target_study(root, datasets)
    (root / "aggregate").mkdir()
    aggregate.work(config, inputs, root / "aggregate")
    return root / "aggregate"


def table(out: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(out / "tables" / f"{name}.csv")


def words(out: Path) -> str:
    text = re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", (out / "report.html").read_text(), flags=re.S)
    return re.sub(r" (?=[.,:;)])", "", " ".join(text.replace("&nbsp;", " ").split()))


def test_sizes_say_how_many_trainings_reach_the_target_and_what_that_proves(report) -> None:
    sizes = table(report, "sizes").query("family == 'dnn'").set_index("parameters")
    assert sizes["repeats"].to_dict() == {50: 2, 400: 1, 1000: 10, 6000: 4}
    assert sizes["reached"].tolist() == [0, 0, 10, 4]
    assert sizes["proven"].tolist() == pytest.approx([0, 0, 0.05**0.1, 0.05**0.25])
    assert sizes["regime"].tolist()[:2] == ["unstable", "unstable"]
    minimal = table(report, "minimal").query("depth == 'all'")
    assert minimal["p_min"].tolist() == [1000, 1000]


def test_only_models_trained_often_enough_of_which_all_reach_the_target_can_be_the_answer(report) -> None:
    candidates = table(report, "candidates")
    assert candidates.loc[candidates["finalist"], "architecture"].tolist() == ["cnn-1000", "dnn-1000"]
    (answer,) = table(report, "answers").to_dict("records")
    assert (answer["model"], answer["repeats"], answer["reached"]) == ("cnn-1000, FP32", 10, 10)
    assert answer["smaller_model"] == "cnn-1000, INT8" and answer["smaller_reached"] == 0
    assert answer["margin_points"] == pytest.approx(0.5) and answer["proven"] == pytest.approx(0.05**0.1)
    models = table(report, "models").set_index("model")
    assert models.at["dnn-1000, INT8", "failed"] == 10, "it lost too much, as shipped"
    assert table(report, "routes")["within_points"].unique().tolist() == [100]


def test_the_report_says_what_was_asked_and_what_is_proven(report) -> None:
    said = words(report)
    assert "On digits, the smallest model of which all 10 trainings reach 97 % is" not in said
    assert "On digits, the smallest model of which all 10 trainings reach 95 % is cnn-1000, FP32." in said
    assert "10 of 10 trainings reach it: with 95 % confidence at least 74 % of all trainings do." in said
    assert "cnn-1000, INT8 (1,900 bytes), reaches it in 0 of 10 trainings." in said
    assert "1 to 10 repeats each" in said and "(n = 1 to 10 seeds)" in said
    assert "A size with fewer than 10 trainings is not called reliable" in said
    assert "validation accuracy below 95 %" in said and "below twice chance" not in said
    assert "within 1 point of the best" not in said.split("Appendix")[1].split("Which way leads")[0]


def test_without_representatives_the_report_says_why_nothing_was_pruned(report) -> None:
    said = words(report)
    assert "What does pruning do?" not in said
    assert said.count("no model was chosen to be pruned") >= 4
    assert table(report, "representatives").empty and table(report, "pruning").empty
    assert "nan" not in said.lower().split() and "None" not in said
    appendix = r'<details id="[a-z_]+" class="section">.*?</summary>(.*?)</details>'
    for section in re.findall(appendix, (report / "report.html").read_text(), re.S):
        assert re.sub(r"<[^>]*>", "", section).strip(), "a section of the appendix says something"


def test_headlines_are_there(report) -> None:
    digits = json.loads((report / "metrics.json").read_text())["digits"]
    assert digits["recommended"]["model"] == "cnn-1000, FP32" and digits["p_min"] == 1000


def test_of_many_data_sets_there_is_a_table(tmp_path) -> None:
    out = reported(tmp_path, {name: ["dnn"] for name in ("digits", "mnist", "svhn")})
    said = words(out)
    assert "reach the target trainings" in said and "mnist dnn-1000, FP32" in said
    assert "10 of 10 0 of 10 74 0" in said


def test_a_target_that_none_reaches_leaves_a_report_that_says_so(tmp_path) -> None:
    config, inputs = write_target_study(tmp_path, {"digits": ["dnn"]}, target=0.999)
    (tmp_path / "out").mkdir()
    aggregate.work(config, inputs, tmp_path / "out")
    said = words(tmp_path / "out")
    assert "On digits no model is reliable enough to recommend: none has at least 10 trainings of which at most" in said
    assert "0 % end below 99.9 %." in said
