"""What the two findings of stage complexity say of studies that differ."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from complexity_study import DNN, VIT, Whole, write_complexity
from constructed import PARAMS

from minarch.complexity import FRESH, L1
from minarch.files import read_json, write_json
from minarch.reporting.evidence import Evidence, Run
from minarch.reporting.figures.tradeoff import NAMES
from minarch.reporting.findings import both, gated
from minarch.reporting.findings.finding import Finding
from minarch.reporting.html import environment_of, render_section
from minarch.reporting.metrics import finite
from minarch.reporting.tables import Table
from minarch.reporting.tables.complexity import complexity_tables
from minarch.reporting.tables.grown import SEARCH_MACS

Says = Callable[[Finding, list[Path]], str]


def evidence_of(items: list[Path]) -> Evidence:
    """Of a study that has nothing but items of stage complexity."""
    tables = complexity_tables(items, pd.DataFrame(), 0.95, ["l1", "fresh"])
    tables |= gated.FINDING.make({}, {"complexity": items}) | {Table.MODELS: pd.DataFrame(columns=[SEARCH_MACS])}
    run = Run(seconds=0.0, devices=[], latency={}, compiler={}, refined=0)
    no_curves = pd.DataFrame()
    return Evidence(
        study="constructed", params=PARAMS, max_drop_points=1.0, tables=tables, run=run, networks=[], curves=no_curves
    )


@pytest.fixture
def says(tmp_path: Path) -> Says:
    """The words of a finding's section, from the items of stage complexity."""

    def words(finding: Finding, items: list[Path]) -> str:
        evidence = evidence_of(items)
        section = render_section(environment_of(evidence, tmp_path), finding, evidence)
        text = " ".join(re.sub(r"<[^>]+>", " ", section).replace("&nbsp;", " ").split())
        return re.sub(r" (?=[.,:;])", "", text)

    return words


def items_of(folder: Path, *wholes: Whole) -> list[Path]:
    return write_complexity(folder, "digits", list(wholes))


def test_a_study_that_prunes_nothing_while_it_trains_says_so_in_one_line(says: Says) -> None:
    assert says(gated.FINDING, []) == "This study prunes nothing while it trains (complexity.architectures)."
    assert says(both.FINDING, []).startswith("This study prunes nothing while it trains, so it cannot say")
    assert gated.FINDING.make({}, {})["kept"].empty  # a study without the stage


def test_the_middle_nu_is_told_with_its_verdicts(says: Says, tmp_path: Path) -> None:
    said = says(gated.FINDING, items_of(tmp_path, VIT))
    assert f"{VIT.name} 0.5 0.5 3 5 40.0 39.6 to 40.4" in said  # alpha, beta, nu, n, MACs
    assert " 64.0 yes 90.0 " in said  # cost, cheaper?, gates at 0 or 1 by themselves
    assert f"{NAMES[L1]} 5 5 +3.0 +3.0 to +3.0 cannot tell alone: better" in said  # without any spread
    assert f"{NAMES[FRESH]} 5 5 0.0 0.0 to 0.0 cannot tell" in said
    assert "Repeats that were not trained" not in said


def test_what_failed_and_what_too_few_nu_cannot_show_is_said(says: Says, tmp_path: Path) -> None:
    said = says(gated.FINDING, items_of(tmp_path, DNN))
    assert "4 collapsed, 1 diverged of 5 at nu 10." in said and "2 collapsed, 3 unreachable" in said
    assert "Over all nu no curve can be compared with its controls" in said


def test_a_cost_that_was_not_saved_is_said(says: Says, tmp_path: Path) -> None:
    items = items_of(tmp_path, replace(DNN, collapsed=()))
    for path in (item / "results.json" for item in items):
        record = read_json(path)
        for run in record["repeats"]:
            if record["way"] == "gated":
                run["cost"] = DNN.training(45)
                run["deterministic"] = None
        write_json(path, record)
    assert " 150.0 no \N{EN DASH} " in says(gated.FINDING, items)


def test_one_repeat_is_not_enough(says: Says, tmp_path: Path) -> None:
    items = items_of(tmp_path, VIT)
    for path in (item / name for item in items for name in ("results.json", "test.json")):
        record = read_json(path)
        write_json(path, record | {"repeats": record["repeats"][:1]})
    said = says(gated.FINDING, items)
    assert " 64.0 cannot tell 90.0 " in said and f"{NAMES[L1]} 5 1 " in said
    assert "better" not in said.partition("Every curve over all nu")[2].partition("The method is that of")[0]
    assert re.search(r"units alone 1 .* cannot tell", says(both.FINDING, items))


def test_both_are_judged_against_each_alone(says: Says, tmp_path: Path) -> None:
    said = says(both.FINDING, items_of(tmp_path / "open", VIT))
    assert "units alone 5 +2.0 +2.0 to +2.0 cannot tell alone: better 12.0 85.0 cannot tell" in said
    assert "layers alone 5 -0.2 -1.6 to +1.2 cannot tell" in said
    unsteady = replace(VIT, unsteady={0.5: 0.002, 1: 0.01})
    better = replace(unsteady, apart={0.5: 0.05})
    assert re.search(
        r"units alone 5 \S+ \S+ to \S+ better \S+ \S+ yes", says(both.FINDING, items_of(tmp_path / "b", better))
    )
    worse = replace(unsteady, apart={0.5: -0.05})
    assert re.search(
        r"units alone 5 \S+ \S+ to \S+ worse \S+ \S+ no", says(both.FINDING, items_of(tmp_path / "w", worse))
    )


@pytest.mark.parametrize(
    ("betas", "words"),
    [
        ([0], "Only units were pruned while training in this study, so it cannot say (complexity.beta)."),
        ([0, 1], "No network of this study was pruned by both with either alone beside it (complexity.beta)"),
        ([0.5], "No network of this study was pruned by both with either alone beside it (complexity.beta)"),
        ([0, 0.5], "Not all of them are compared with layers alone in this study (complexity.beta)."),
        ([0.5, 1], "Not all of them are compared with units alone in this study (complexity.beta)."),
    ],
)
def test_what_the_study_lacks_is_said(says: Says, tmp_path: Path, betas: list[float], words: str) -> None:
    whole = replace(VIT, shares={beta: VIT.shares[beta] for beta in betas})
    assert words in says(both.FINDING, items_of(tmp_path, whole))


def test_metrics_hold_sizes_costs_and_verdicts(tmp_path: Path) -> None:
    evidence = evidence_of(items_of(tmp_path, VIT, DNN))
    told = {path: finite(numbers) for path, numbers in gated.FINDING.metrics(evidence)}
    path = ("digits", "dnn", "gated", DNN.name, "nu 10, alpha 0.5, beta 0", "gated")
    assert told[path] == {
        "macs_share": 0.03,
        "parameters_share": 0.0425714,
        "test": 0.1,
        "cost": 0.418,
        "deterministic": 0.9,
        "collapsed": 4,
        "diverged": 1,
        "unreachable": 0,
    }
    assert told[*path[:-2], "nu 1, alpha 0.5, beta 0", "l1"]["test_difference_points"] == 3
    judged = dict(both.FINDING.metrics(evidence))
    of_vit = ("digits", "vit", "units_and_layers", VIT.name, "alpha 0.5, beta 0.5")
    assert judged[*of_vit, "beats either"] == "not shown"
    units = judged[*of_vit, "against units alone"]
    assert (units["verdict"], units["verdict_adjusted"]) == ("better", "cannot tell") and len(judged) == 3
