"""The tables of stage depth from items whose costs are known."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from depth_study import DNN, FURTHER, IMAGES, LONELY, REPEATS, RESNET, SEARCH, Tower, write_depths

from minarch.analysis.search import BINARY, CLIMB, FULL, PARTS
from minarch.files import read_json
from minarch.reporting.figures.needed_depth import draw_needed_depth
from minarch.reporting.figures.search_cost import draw_search_cost
from minarch.reporting.tables import Tables
from minarch.reporting.tables.search import DEPTHS, ODN, search_tables


def tables_of(folder: Path, *towers: Tower) -> Tables:
    return search_tables(write_depths(folder, "digits", list(towers)), 0.95)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Tables:
    return tables_of(tmp_path_factory.mktemp("depth"), RESNET, DNN)


def by_way(tables: Tables, tower: Tower) -> pd.DataFrame:
    odn = tables["odn"]
    return odn[odn["tower"] == tower.name].set_index("way")


def training(tower: Tower, depth: int) -> float:
    """MACs of one repeat that is trained at a depth alone."""
    return sum(tower.training(depth, 12 + depth).values())


def test_a_depth_trained_alone_has_its_accuracy_and_its_cost(tables: Tables) -> None:
    depths = tables["depths"][tables["depths"]["tower"] == RESNET.name].set_index("depth")
    assert list(depths.index) == RESNET.levels and list(tables["depths"]) == DEPTHS
    assert depths["validation_mean"].to_dict() == pytest.approx(RESNET.accuracy)
    assert depths["test_mean"].to_dict() == pytest.approx({d: share - 0.005 for d, share in RESNET.accuracy.items()})
    assert depths["cost_mean"].to_dict() == pytest.approx(
        {d: training(RESNET, d) / training(RESNET, 8) for d in depths.index}
    )
    assert depths["meets"].to_dict() == {1: "no", 2: "no", 3: "yes", 4: "yes", 8: "yes"}
    assert depths["repeats_meeting"].to_dict() == {1: 0, 2: 0, 3: 5, 4: 5, 8: 5}
    repeats = [float(share) for share in depths.at[3, "validation_repeats"].split()]
    assert repeats == pytest.approx([RESNET.validation(3, repeat) for repeat in range(REPEATS)])


def test_ways_stand_in_the_order_in_which_the_report_tells_them(tables: Tables) -> None:
    assert list(by_way(tables, RESNET).index) == [FULL, CLIMB, BINARY, "odn", "plain"] and list(tables["odn"]) == ODN


def test_the_parts_of_a_cost_add_up_to_it(tables: Tables) -> None:
    ways = by_way(tables, RESNET)
    assert ways[PARTS].sum(axis=1).to_dict() == pytest.approx(ways["cost_mean"].to_dict())
    unit = training(RESNET, 8)
    assert ways["cost_macs"].to_dict() == pytest.approx((ways["cost_mean"] * unit).to_dict())
    assert ways.at["odn", "cost_warmup"] == pytest.approx(3 * RESNET.macs[8] * IMAGES / unit)
    assert ways.at["plain", "cost_fine_tuning"] == pytest.approx(3 * RESNET.macs[3] * IMAGES * FURTHER / unit)
    tried = sum(RESNET.macs[depth] for depth in (1, 2, 3))
    assert ways.at["plain", "cost_search"] == pytest.approx(3 * tried * IMAGES * SEARCH / unit)
    assert ways.loc[[FULL, CLIMB, BINARY], ["cost_warmup", "cost_fine_tuning"]].eq(0).all(axis=None)


def test_alternatives_cost_what_the_depths_that_they_train_cost(tables: Tables) -> None:
    ways = by_way(tables, RESNET)
    assert ways.at[CLIMB, "cost_macs"] == pytest.approx(sum(training(RESNET, depth) for depth in (1, 2, 3)))
    assert ways.at[BINARY, "cost_macs"] == pytest.approx(sum(training(RESNET, depth) for depth in (3, 2)))
    assert ways.at[CLIMB, "depths"] == ways.at[BINARY, "depths"] == "3 3 3 3 3"
    wrong = by_way(tables, DNN)
    assert (wrong.at[CLIMB, "depths"], wrong.at[BINARY, "depths"]) == ("1 1 1 1 1", "4 4 4 4 4")
    assert wrong.at[BINARY, "cost_macs"] == pytest.approx(sum(training(DNN, depth) for depth in (3, 4)))
    assert wrong.at[BINARY, "cheaper"] == wrong.at[BINARY, "fewer_macs"] == "fails"


def test_a_method_ends_with_what_its_repeats_end_with(tables: Tables) -> None:
    row = by_way(tables, RESNET).loc["odn"]
    assert (row["depths"], row["depth_mean"], row["full_depth"], row["n"], row["met"]) == ("3 3 3 4 3", 3.2, 8, 5, 5)
    assert row["parameters_mean"] == pytest.approx((4 * 1_686 + 2_886) / 5)
    assert row["macs_share_mean"] == pytest.approx((4 * 52 + 71) / 5 / 135)
    assert (row["restart"], row["warmup_epochs"], row["target"]) == ("continue", 1, "full")
    assert row["threshold"] == pytest.approx(0.935) and row["one_depth"] == "fails"


def test_the_target_costs_what_it_is_measured_from(tmp_path: Path) -> None:
    for target, cost in {
        "full": 1.0,
        "best": sum(training(DNN, d) for d in DNN.levels) / training(DNN, 4),
        0.9: 0.0,
    }.items():
        ways = by_way(tables_of(tmp_path / str(target), replace(DNN, target=target)), DNN)
        assert ways["cost_target"].drop(FULL).unique() == pytest.approx([cost]) and ways.at[FULL, "cost_target"] == 0


def test_what_no_depth_meets_is_said_and_a_broken_network_guesses(tmp_path: Path) -> None:
    tables = tables_of(tmp_path, LONELY)
    ways = by_way(tables, LONELY)
    assert list(ways.index) == [FULL, "odn"]  # only the full depth was trained alone
    row = ways.loc["odn"]
    assert (row["met"], row["unstable"], row["n"], row["fewer_parameters"]) == (0, 1, 5, "holds")
    shares = [0.1 if repeat == 1 else LONELY.validation(4, repeat, shift=2) for repeat in range(REPEATS)]
    assert row["validation_mean"] == pytest.approx(sum(shares) / REPEATS)
    assert row["as_good"] == "not shown" and row["cheaper_than_climb"] == ""
    assert tables["depths"]["meets"].tolist() == ["no"] and pd.isna(row["climb_cost_difference_mean"])


def test_without_a_method_there_is_no_target(tmp_path: Path) -> None:
    tables = tables_of(tmp_path, replace(DNN, methods={}))
    assert tables["odn"]["way"].tolist() == [FULL] and tables["depths"]["meets"].unique().tolist() == [""]
    assert tables["odn"]["met"].isna().all() and tables["depths"]["threshold"].isna().all()
    assert draw_needed_depth(tables) and draw_search_cost(tables)


def test_a_study_that_searched_for_no_depth_has_empty_tables_and_no_figure() -> None:
    tables = search_tables([], 0.95)
    assert (list(tables["depths"]), list(tables["odn"])) == (DEPTHS, ODN) and not len(tables["odn"])
    assert draw_needed_depth(tables) is None and draw_search_cost(tables) is None


def test_test_accuracies_choose_nothing(tmp_path: Path, tables: Tables) -> None:
    """Worse on test images at every depth but the deepest: the alternatives end where they ended."""
    items = write_depths(tmp_path, "digits", [RESNET, DNN])
    for item in items:
        depth = read_json(item / "results.json")["repeats"][0]["depth"]
        path = item / "test.json"
        path.write_text(
            '{"repeats": [' + ", ".join(f'{{"repeat": {r}, "accuracy": {depth / 10}}}' for r in range(5)) + "]}"
        )
    other = search_tables(items, 0.95)
    same = ["dataset", "tower", "way", "depths", "met", "validation_mean", "cost_mean", "parameters_share_mean"]
    pd.testing.assert_frame_equal(other["odn"][same], tables["odn"][same])
    assert not other["odn"]["test_mean"].equals(tables["odn"]["test_mean"])


def test_figures_have_a_panel_for_each_tower_up_to_nine(tables: Tables) -> None:
    many = {name: pd.concat([table.assign(dataset=f"set{i}") for i in range(5)]) for name, table in tables.items()}
    for drawn, count in ((tables, 2), (many, 9)):
        titles = [axes.get_title() for axes in draw_needed_depth(drawn).axes]
        costs = [axes.get_title() for axes in draw_search_cost(drawn).axes]
        assert len([title for title in titles if title]) == len([title for title in costs if title]) == count


def test_discs_count_the_repeats_that_end_with_a_depth(tables: Tables) -> None:
    ends = draw_needed_depth(tables).axes[3]  # below the second tower, the ResNet
    assert not any(label.get_text() for label in ends.get_yticklabels())  # they are named at the left
    assert [(text.get_text(), text.xy) for text in ends.texts] == [
        ("5", (3, 0)),
        ("5", (3, 1)),
        ("4", (3, 2)),
        ("1", (4, 2)),
        ("5", (3, 3)),
    ]


def test_a_bar_is_as_long_as_the_cost(tables: Tables) -> None:
    axes = draw_search_cost(tables).axes[1]
    cost = by_way(tables, RESNET)["cost_mean"].tolist()
    ends: dict[int, float] = {}
    for bar in axes.patches:
        way = round(bar.get_y() + bar.get_height() / 2)
        ends[way] = max(ends.get(way, 0.0), bar.get_x() + bar.get_width())
    assert list(ends.values()) == pytest.approx(cost)
