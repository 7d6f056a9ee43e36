"""The forecast: sums by hand, timings of this machine, nothing written."""

import json
import sys
from pathlib import Path

import pytest

from minarch import __main__ as command
from minarch.commands import calibration
from minarch.commands.assumed import Assumed
from minarch.commands.calibration import calibrate, fit
from minarch.commands.effort import ATTENTION, Rate, efforts, elapsed
from minarch.commands.estimates import estimated
from minarch.commands.plan import plan
from minarch.commands.units import duration, scaled
from minarch.errors import UserError
from minarch.flow.config import load
from minarch.flow.stages import STAGES
from minarch.models.families import Dnn, Family
from minarch.quantization import CURVE, EXPORT
from minarch.training import tuning
from minarch.training.answers import Answers

REPOSITORY = Path(__file__).parents[3]
FAMILIES = {"dnn": {"depth": [1, 2], "width": 4}, "cnn": {"channels": 2}}
RATES = {"dnn": Rate(1e-6, 0.0, ((1, 1e-6),)), "cnn": Rate(0.0, 1e-9, ((1, 1e-9),))}


@pytest.fixture
def study(workspace):
    """4 repeats in items of 3, 2 epochs: digits' 1,149 training and 288 validation images."""
    return load(workspace.write(sweep__families=FAMILIES, sweep__block=3))


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(calibration, "calibrate", lambda planned, study: RATES)


def test_counts_by_hand(study):
    small, large, convolution = efforts(study)
    assert [w.parameters for w in (small, large, convolution)] == [64 * 4 + 4 + 50, 64 * 4 + 4 + 20 + 50, 20 + 730]
    assert [w.macs for w in (small, large, convolution)] == [256 + 40, 256 + 16 + 40, 9 * 2 * 36 + 720]
    assert {(w.trainings, w.together, w.epochs) for w in (small, large, convolution)} == {(4, 3, 2)}
    assert (small.images, small.measured) == (1149, 1149 + 288)
    assert small.flops == 4 * 2 * 296 * (6 * 1149 + 2 * 1437)
    assert small.disk == pytest.approx(4 * 8 * 310, abs=4 * 2_500)
    assert small.memory == 3 * 16 * 310


def test_time_by_hand(study):
    planned = list(efforts(study))
    images = 4 * 2 * (1149 + 1437 / 3)
    seconds = [images * 1e-6, images * 1e-6, images * 1368e-9]
    assert [RATES[w.network].seconds(w) for w in planned] == pytest.approx(seconds)
    assert elapsed(planned, RATES, 1) == pytest.approx(sum(seconds))
    assert elapsed(planned, RATES, 2) == pytest.approx(sum(seconds) / 2)
    assert elapsed(planned, RATES, 100) == pytest.approx(seconds[2] * 3 / 4)  # the longest item has one core
    assert elapsed(planned, RATES, 1, errors=1) == pytest.approx(2 * sum(seconds))  # one timing tells no error


def test_only_so_many_training_images_are_measured(workspace):
    (effort,) = efforts(load(workspace.write(data__datasets=["mnist"], sweep__families={"cnn": {"channels": 1}})))
    assert (effort.images, effort.measured) == (48_000, 10_000 + 12_000)
    (effort,) = efforts(
        load(workspace.write(data__datasets=["mnist"], data__limit=6000, sweep__families={"cnn": {"channels": 1}}))
    )
    assert (effort.images, effort.measured) == (4_800, 4_800 + 1_200)


def test_attention_maps_take_time(workspace):
    knobs = {"depth": 3, "width": 4, "heads": [2, 4], "patch": 4}
    two, four = efforts(load(workspace.write(sweep__families={"vit": knobs})))
    assert two.macs == four.macs
    assert four.load - two.load == ATTENTION * 5 * 5 * 2 * 2  # 5 tokens, 2 more heads in all blocks but the last


def test_a_family_that_tells_nothing_is_counted_in_its_network(study, monkeypatch):
    expected = list(efforts(study))
    monkeypatch.setattr(Dnn, "parameters", Family.parameters)
    monkeypatch.setattr(Dnn, "macs", Family.macs)
    assert list(efforts(study)) == expected


def test_a_line_through_the_timings():
    rate = fit([(0, 1e-6), (1_000, 3e-6), (10_000, 21e-6)])
    assert (rate.base, rate.slope, rate.error) == pytest.approx((1e-6, 2e-9, 1))
    alone = fit([(2_000, 4e-6)])  # a proportion, or larger ones would be as fast
    assert (alone.base, alone.slope) == pytest.approx((0, 2e-9))
    falling = fit([(1_000, 4e-6), (100_000, 2e-6), (1_000_000, 3e-6)])
    assert falling.base >= 0 and falling.slope >= 0 and falling.error > 1.1


def test_every_network_is_timed(study, monkeypatch):
    monkeypatch.setattr(calibration, "BUDGET_S", 0)
    planned = list(efforts(study))
    rates = calibrate(planned, study)
    assert list(rates) == ["dnn", "cnn"]
    for network, rate in rates.items():
        ((load, seconds),) = rate.timings
        assert load == min(w.load for w in planned if w.network == network)
        assert 1e-8 < seconds < 1e-3


def test_moving_images_is_timed_too(workspace, monkeypatch):
    """By a clock on which each call takes a second: a step of a batch of so many networks, and moving all images."""

    def timed(run, count, device):
        run()
        return 1.0

    monkeypatch.setattr(calibration, "_timed", timed)
    seconds = []
    for changes in ({}, {"train__augment": {"shift": 1}}):
        study = load(workspace.write(sweep__families={"cnn": {"channels": 2}}, **changes))
        seconds.append(calibrate(list(efforts(study)), study)["cnn"].timings[0][1])
    assert seconds[1] - seconds[0] == pytest.approx(1 / calibration.IMAGES)


def test_what_would_take_too_long_is_not_timed(study, monkeypatch):
    planned, timed = list(efforts(study)), []
    monkeypatch.setattr(calibration, "_seconds", lambda effort, study: timed.append(effort) or 1e-6)
    calibrate(planned, study)
    assert [(w.network, w.macs) for w in timed] == [("dnn", 296), ("cnn", 1368), ("dnn", 312)]
    timed.clear()
    monkeypatch.setattr(calibration, "LONGEST_S", (0, 0))
    calibrate(planned, study)
    assert [(w.network, w.macs) for w in timed] == [("dnn", 296), ("cnn", 1368)]


def test_the_table(study, quick, capsys):
    plan("params.yaml", 2)
    said = " ".join(capsys.readouterr().out.split())
    assert "sweep of study default (params.yaml)" in said
    assert "│ digits │ dnn │ 2 │ 8 │ 16 │ 640 │ 310 to 330 │" in said
    assert "│ total │ │ 3 │ 12 │ 24 │ 1.39 k │ 310 to 750 │" in said
    assert "estimated time on this machine, 2 at a time: " in said


def test_every_stage_has_an_estimate_and_those_after_a_decision_say_so(study):
    planned = Assumed("params.yaml")
    stages = {stage.stage: stage for stage in estimated(planned, {"sweep": 10.0})}
    assert list(stages) == list(STAGES)
    assert all("representatives" in stages[name].rests_on for name in ("prune", "quantize"))
    known = ("data", "sweep", "weights", "representatives", "depth", "complexity", "aggregate")
    assert not any(stages[name].rests_on for name in known)
    assert stages["sweep"].items == 3 * 2 and stages["sweep"].seconds == pytest.approx(10.0)
    scale = 10.0 / sum(item.resources.seconds for item in planned.items("sweep").values())
    for name, stage in stages.items():
        estimates = [item.resources.seconds for item in planned.items(name).values()]
        assert (stage.items, stage.seconds) == (len(estimates), pytest.approx(scale * sum(estimates)))
        assert stage.elapsed(1) == stage.seconds and stage.elapsed(10**6) == stage.longest


def test_what_is_assumed_is_one_size_per_role_and_what_was_decided_is_taken(workspace):
    workspace.write(sweep__families={"dnn": {"depth": 1, "width": [1, 2, 4, 8, 16, 32]}}, sweep__block=2)
    planned = Assumed("params.yaml")
    assert _swept_widths(planned.items("prune").values()) == {"2", "8", "32"}
    assert "representatives" in planned.assumptions and "refine" not in planned.assumptions
    (file,) = planned.decision_files("representatives")
    file.parent.mkdir(parents=True)
    first = next(iter(planned.items("sweep")))
    file.write_text(json.dumps([{"items": [first]}]))
    decided = Assumed("params.yaml")
    parents = {item.inputs["parent"] for item in decided.items("prune").values()}
    assert parents == {f"sweep/{first}"} and "representatives" not in decided.assumptions


def _swept_widths(items):
    """The widths of the trained networks that items read."""
    parents = {item.inputs["parent"] for item in items}
    return {path.partition("-width")[2].partition("-")[0] for path in parents if path.startswith("sweep/")}


def test_finalists_that_nothing_else_exports_are_assumed_and_their_exports_are_timed(workspace):
    workspace.write(sweep__families={"dnn": {"depth": 1, "width": [1, 2, 4, 8, 16, 32]}}, quantize__precisions=["int4"])
    planned = Assumed("params.yaml")
    kinds = {
        kind: [item for item in planned.items("quantize").values() if item.config["kind"] == kind]
        for kind in (CURVE, EXPORT)
    }
    assert _swept_widths(kinds[CURVE]) == {"2", "8", "32"}  # the representatives, whose lower precisions are simulated
    assert _swept_widths(kinds[EXPORT]) == {"2", "8", "32"} | {"1", "16"}
    (latency,) = planned.items("latency").values()
    assert latency.inputs["exports"] == [item.path for item in kinds[EXPORT]]
    assert "finalists" in planned.assumptions


def test_no_study_is_too_special_to_be_planned(monkeypatch):
    """Every study of the repository has all of its stages estimated, whatever decides them."""
    monkeypatch.chdir(REPOSITORY)
    for study in ("default", "smoke", "compression", "depth", "complexity"):
        stages = estimated(Assumed(study), {"sweep": 60.0})
        assert [stage.stage for stage in stages] == list(STAGES)
        assert sum(stage.items for stage in stages if stage.stage == "quantize") > 0, study


def test_nothing_is_written(study, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["minarch", "plan", "--study", "params.yaml", "--cores", "3"])
    monkeypatch.setattr(calibration, "TIMED_S", 0.001)
    monkeypatch.setattr(tuning, "_answers", Answers())  # a job that another test ran here may keep them
    command.main()
    said = capsys.readouterr().out
    assert "estimated time on this machine, 3 at a time" in said
    assert "not known before representatives has decided; assumed here: one size per role" in said
    assert [p.name for p in Path().rglob("*")] == ["params.yaml"]


def test_no_cores(study):
    with pytest.raises(UserError, match="--cores: 0 is not allowed, it must be an integer of at least 1"):
        plan("params.yaml", 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(999, "999"), (12_345, "12.3 k"), (999_600, "1 M"), (2.5e19, "25 E"), (0, "0"), (3e24, "3e+03 Z")],
)
def test_prefixes(value, text):
    assert scaled(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(59, "59 s"), (90, "1.5 min"), (7_200, "2.0 h"), (1e6, "12 days"), (1e9, "32 years")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_the_paper_s_study():
    """480 architectures of phase 1 on each of three data sets, 30 repeats: 43,200 trainings."""
    study = load(REPOSITORY / "params/paper.yaml")
    planned = list(efforts(study))
    phases = {family: [w for w in planned if w.family == family] for family in study.sweep.families}
    assert {family: len(phase) for family, phase in phases.items()} == {
        "shaped-dnn": 3 * 480,
        "dnn": 3 * 48,
        "cnn": 3 * 10,
        "vit": 3 * 54,
    }
    assert sum(w.trainings for w in phases["shaped-dnn"]) == 43_200
    assert {head for w in phases["vit"] for head in w.spec["heads"]} == {2, 4, 8, 16}
