"""The tables and figures of stage complexity from items whose findings are known."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from complexity_study import DNN, EPOCHS, L1_LOSS, OPTIMISM, REPEATS, SAVED, SETTLE, VIT, Whole, write_complexity

from minarch.analysis.complexity import CURVE, JUDGED, TRADEOFF, WHOLE
from minarch.files import read_json, write_json
from minarch.reporting.figures.gates import ACROSS, draw_gates
from minarch.reporting.figures.kept import draw_kept, parts_of
from minarch.reporting.figures.style import styled
from minarch.reporting.figures.tradeoff import draw_betas, draw_tradeoff
from minarch.reporting.tables import Tables
from minarch.reporting.tables.complexity import COLUMNS, complexity_tables
from minarch.reporting.tables.gates import GATES, KEPT, gates_table, kept_table

ALL = ["l1", "fresh", "swept"]


def swept(sizes: list[int], family: str = "dnn", broken: tuple[int, ...] = ()) -> pd.DataFrame:
    """Three repeats of architectures of so many MACs, all equally accurate; repeats in `broken` are not finite."""
    rows = []
    for macs in sizes:
        for repeat in range(3):
            share = None if repeat in broken else 0.91
            row = {"dataset": "digits", "family": family, "architecture": f"{family}-{macs}", "classes": 10}
            row |= {"parameters": macs, "macs": macs, "repeat": repeat, "status": "unstable" if share is None else "ok"}
            rows.append(row | {"final_validation_accuracy": share, "final_test_accuracy": share})
    return pd.DataFrame(rows).astype({"final_validation_accuracy": float, "final_test_accuracy": float})


def tables_of(folder: Path, *wholes: Whole, sweep: pd.DataFrame | None = None) -> Tables:
    """All that the report makes of the stage."""
    items = write_complexity(folder, "digits", list(wholes))
    tables = complexity_tables(items, swept([100, 1_000, 2_000, 9_000]) if sweep is None else sweep, 0.95, ALL)
    return tables | {"kept": kept_table(items), "gates": gates_table(items)}


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Tables:
    return tables_of(tmp_path_factory.mktemp("complexity"), VIT, DNN)


def of(tables: Tables, whole: Whole, way: str, beta: float = 0) -> pd.DataFrame:
    """The rows of one way, by nu."""
    table = tables["complexity"]
    mine = (table["whole"] == whole.name) & (table["way"] == way) & (table["beta"].fillna(beta) == beta)
    return table[mine].set_index("nu")


def test_a_row_stands_for_every_point_and_way_and_the_whole_network_comes_first(tables: Tables) -> None:
    table = tables["complexity"]
    assert list(table) == COLUMNS
    ways = table[table["whole"] == DNN.name]["way"].tolist()
    assert ways == ["full", *["gated", "l1", "fresh", "swept"] * 3]
    assert table[table["whole"] == VIT.name]["way"].value_counts().to_dict() == {
        "full": 1,
        **dict.fromkeys(["gated", "l1", "fresh"], 15),  # the sweep has no ViT
    }


def test_sizes_are_shares_of_the_whole_network_and_accuracies_means_over_repeats(tables: Tables) -> None:
    rows = of(tables, VIT, "gated", 0.5)
    assert rows["macs_share_mean"].to_list() == pytest.approx(VIT.shares[0.5], rel=1e-3)
    assert (rows["macs_share_low"] < rows["macs_share_mean"]).all() and (rows["n"] == REPEATS).all()
    expected = [
        sum(VIT.accuracy(VIT.share(share, repeat), 0.5, repeat) for repeat in range(REPEATS)) / REPEATS
        for share in VIT.shares[0.5]
    ]
    assert rows["test_mean"].to_list() == pytest.approx(expected)
    assert rows["validation_mean"].to_list() == pytest.approx([mean + OPTIMISM for mean in expected])
    assert rows["deterministic_mean"].to_list() == pytest.approx([0.9] * 5)
    texts = rows.loc[3, ["test_repeats", "macs_share_repeats", "parameters_share_repeats"]]
    assert [len(text.split()) for text in texts] == [REPEATS] * 3


def test_what_training_saved_is_a_share_of_training_the_whole_network(tables: Tables) -> None:
    for way, cost in {
        "gated": lambda share: 1 - SAVED * (1 - share),
        "l1": lambda share: 21 / EPOCHS + SETTLE / EPOCHS * share,  # with the shorter training that it cuts
        "fresh": lambda share: share,
    }.items():
        rows = of(tables, VIT, way)
        assert rows["cost_mean"].to_list() == pytest.approx([cost(share) for share in VIT.shares[0]], rel=1e-4)
        assert set(rows["cheaper"]) == {"holds"}
    full = of(tables, VIT, "full").iloc[0]
    assert (full["cost_mean"], full["macs_share_mean"], full["cheaper"], full["verdict"]) == (1.0, 1.0, "", "")
    assert full["cost_macs"] == sum(VIT.training(EPOCHS).values())


def test_controls_are_compared_at_every_nu(tables: Tables) -> None:
    l1, fresh = of(tables, VIT, "l1", 1), of(tables, VIT, "fresh", 1)
    assert l1["test_difference_points_mean"].to_list() == pytest.approx([100 * L1_LOSS] * 5)
    assert set(l1["verdict"]) == {"better"} and set(fresh["verdict"]) == {"cannot tell"}
    assert (l1["pairs"] == REPEATS).all() and of(tables, VIT, "gated")["pairs"].isna().all()


def test_the_sweep_s_nearest_network_is_that_of_the_nearest_macs_in_log(tables: Tables) -> None:
    """Of 3,400 MACs are kept 2,040, 1,020 and 102."""
    rows = of(tables, DNN, "swept")
    assert rows["architecture"].to_list() == ["dnn-2000", "dnn-1000", "dnn-100"]
    assert rows["macs_share_mean"].to_list() == pytest.approx([2_000 / 3_400, 1_000 / 3_400, 100 / 3_400])
    assert (rows["pairs"] == 3).all() and rows["cost_mean"].isna().all() and set(rows["cheaper"]) == {""}
    gated = of(tables, DNN, "gated")["test_repeats"]
    first = sum(100 * (float(share) - 0.91) for share in gated[1].split()[:3]) / 3  # the sweep has three repeats
    assert rows.at[1, "test_difference_points_mean"] == pytest.approx(first, abs=1e-3)
    assert rows["verdict"].to_dict() == {1: "better", 3: "cannot tell", 10: "worse"}


def test_of_two_equally_near_networks_the_smaller_is_taken(tmp_path: Path) -> None:
    whole = replace(DNN, shares={0: [0.5]}, nus=[1], macs=4_000, collapsed=())
    tables = tables_of(tmp_path, whole, sweep=swept([4_000, 1_000]))
    assert of(tables, whole, "swept")["architecture"].to_list() == ["dnn-1000"]


def test_a_network_that_failed_counts_as_guessing_and_is_told(tables: Tables) -> None:
    gated, l1 = of(tables, DNN, "gated").loc[10], of(tables, DNN, "l1").loc[10]
    assert gated[["collapsed", "diverged", "unreachable", "repeats", "n"]].to_list() == [4, 1, 0, 5, 5]
    assert gated["test_mean"] == pytest.approx(0.1) and gated["test_repeats"] == ""
    assert l1[["collapsed", "diverged", "unreachable", "repeats", "n", "pairs"]].to_list() == [2, 0, 3, 5, 2, 2]
    assert of(tables, DNN, "gated").loc[3, ["collapsed", "diverged"]].to_list() == [0, 0]


def test_a_network_of_the_sweep_that_is_not_finite_guesses(tmp_path: Path) -> None:
    row = of(tables_of(tmp_path, DNN, sweep=swept([2_000], broken=(1,))), DNN, "swept").loc[1]
    assert row["diverged"] == 1 and row["test_mean"] == pytest.approx((2 * 0.91 + 0.1) / 3) and row["pairs"] == 3


def test_verdicts_over_a_curve_and_between_betas(tables: Tables) -> None:
    tradeoff = tables["tradeoff"]
    assert list(tradeoff) == TRADEOFF
    vit = tradeoff[tradeoff["whole"] == VIT.name].set_index(["beta", "against"])
    assert vit["verdict"].to_dict() == {
        **{(beta, "l1"): "better" for beta in VIT.shares},
        **{(beta, "fresh"): "cannot tell" for beta in VIT.shares},
        (0.5, "beta 0"): "better",
        (0.5, "beta 1"): "cannot tell",
    }
    assert vit.loc[(0.5, "beta 0"), "test_difference_points_mean"] == pytest.approx(2.0, abs=1e-4)
    assert vit.loc[(0.5, "beta 0"), ["lowest_share", "highest_share"]].to_list() == pytest.approx(
        [0.12, 0.85], rel=1e-3
    )
    dnn = tradeoff[tradeoff["whole"] == DNN.name]
    assert set(dnn["against"]) == set(ALL) and set(dnn["verdict"]) == {"cannot tell"} and (dnn["nus"] == 2).all()


def test_one_repeat_has_no_verdict(tmp_path: Path) -> None:
    items = write_complexity(tmp_path, "digits", [VIT])
    for path in (item / name for item in items for name in ("results.json", "test.json")):
        record = read_json(path)
        write_json(path, record | {"repeats": record["repeats"][:1]})
    tables = complexity_tables(items, swept([1_000]), 0.95, ALL)
    assert set(tables["tradeoff"]["verdict"]) == {"cannot tell"} and (tables["tradeoff"]["n"] == 1).all()
    assert set(tables["complexity"]["verdict"]) == {"", "cannot tell"}
    assert set(tables["complexity"]["cheaper"]) == {"", "not shown"}
    assert draw_tradeoff(tables, "macs") and draw_betas(tables)


def test_test_accuracies_choose_nothing(tmp_path: Path, tables: Tables) -> None:
    items = write_complexity(tmp_path, "digits", [VIT, DNN])
    for item in items:
        record = read_json(item / "test.json")
        for run in record["repeats"]:
            run["accuracy"] = run["accuracy"] and 0.5
        write_json(item / "test.json", record)
    other = complexity_tables(items, swept([100, 1_000, 2_000, 9_000]), 0.95, ALL)["complexity"]
    chosen = [name for name in COLUMNS if "test" not in name and name not in JUDGED]
    pd.testing.assert_frame_equal(other[chosen], tables["complexity"][chosen])
    assert set(other.loc[other["way"] == "l1", "verdict"]) == {"cannot tell"}


def test_a_control_that_the_study_leaves_out_is_not_there(tmp_path: Path) -> None:
    items = [
        item for item in write_complexity(tmp_path, "digits", [DNN]) if not item.name.endswith(("l1-x", "short-x"))
    ]
    tables = complexity_tables(items, swept([1_000]), 0.95, ["fresh"])
    assert tables["complexity"]["way"].unique().tolist() == ["full", "gated", "fresh"]
    alone = [item for item in items if not item.name.endswith("fresh-x")]
    tables = complexity_tables(alone, swept([1_000]), 0.95, [])
    assert tables["tradeoff"].empty and set(tables["complexity"]["verdict"]) == {""}
    assert list(tables["tradeoff"]) == TRADEOFF
    assert draw_tradeoff(tables, "macs")


def test_what_was_kept_is_counted_by_group_and_layer(tables: Tables) -> None:
    kept = tables["kept"]
    assert list(kept) == KEPT and len(kept) == REPEATS * (15 * 8 + 3 * 2)
    strong = kept[(kept["nu"] == 30) & (kept["beta"] == 0.5)]
    out = strong[(strong["kind"] == "layer") & (strong["after"] == 0)]
    assert out.set_index("repeat")["part"].to_dict() == {
        repeat: VIT.layers[0 if repeat % 2 else -1] for repeat in range(REPEATS)
    }
    assert (strong["after"] <= strong["before"]).all()
    assert of(tables, VIT, "gated", 0.5)["left_out_mean"].to_dict() == {0.3: 0, 1: 0, 3: 1, 10: 1, 30: 1}
    assert of(tables, DNN, "gated")["left_out_mean"].isna().all()


def test_gates_are_told_of_the_middle_nu_of_each_curve(tables: Tables) -> None:
    gates = tables["gates"]
    assert list(gates) == GATES and set(gates["nu"]) == {3} and (gates["n"] == REPEATS).all()
    assert len(gates.groupby(CURVE)) == 4 and set(gates["epoch"]) == set(range(1, EPOCHS + 1))
    assert set(gates.loc[gates["kind"] == "units", "group"]) == {*VIT.groups, *DNN.groups}
    early = gates[gates["epoch"] <= 3]
    assert (early["min"] == 1).all() and (gates["min"] <= gates["median"]).all()


def test_of_an_even_number_of_nu_the_lower_middle_is_drawn(tmp_path: Path) -> None:
    four = replace(DNN, shares={0: [0.8, 0.6, 0.5, 0.4]}, nus=[0.5, 1, 3, 10], collapsed=())
    assert set(gates_table(write_complexity(tmp_path, "digits", [four]))["nu"]) == {1}


def test_a_study_that_trained_nothing_with_gates_has_empty_tables_and_no_figure() -> None:
    tables = complexity_tables([], swept([100]), 0.95, ALL)
    assert (list(tables["complexity"]), list(tables["tradeoff"])) == (COLUMNS, TRADEOFF)
    assert all(table.empty for table in (*tables.values(), kept_table([]), gates_table([])))
    assert draw_tradeoff(tables, "macs") is draw_betas(tables) is None
    assert draw_gates(gates_table([])) is draw_kept(kept_table([])) is None


@pytest.mark.parametrize("size", ["macs", "parameters"])
def test_there_is_a_panel_per_curve_and_a_mean_below_it_is_shown(tables: Tables, size) -> None:
    with styled():
        axes = draw_tradeoff(tables, size).axes
    titles = [panel.get_title("left").split("\n")[0] for panel in axes]
    assert [title for title in titles if title] == [
        f"digits, beta {beta}" for beta in ("0: units alone", "0: units alone", "0.5: both", "1: layers alone")
    ]
    low, high = axes[0].get_ylim()
    assert low > 0.8 and high < 1  # networks that guess do not squeeze the others
    feet = [line for line in axes[0].lines if list(line.get_ydata()) == [low]]
    assert len(feet) == 3 and not any(line.get_clip_on() for line in feet)  # gated, l1, fresh


def test_betas_lie_over_each_other_where_there_are_several(tables: Tables) -> None:
    with styled():
        figure = draw_betas(tables)
    assert [axes.get_title("left").split("\n")[1] for axes in figure.axes] == [VIT.name] * 2
    assert [text.get_text() for text in figure.legends[0].texts][:3] == [
        "beta 0: units alone",
        "beta 0.5: both",
        "beta 1: layers alone",
    ]
    alone = tables["complexity"][tables["complexity"]["whole"] == DNN.name]
    assert draw_betas({"complexity": alone}) is None


def test_groups_whose_gates_moved_are_drawn_and_of_many_the_first_and_the_last(tables: Tables) -> None:
    gates = tables["gates"]
    moved = gates[gates["whole"] == DNN.name]
    many = pd.concat([moved.assign(group=f"hidden.{i}") for i in range(20)])
    with styled():
        titles = [axes.get_title("left").strip() for axes in draw_gates(many).axes]
        still = draw_gates(gates.assign(min=1.0))
    assert len(titles) == ACROSS and titles[0] == "hidden.0" and titles[-1] == "hidden.19"
    assert still is None


def test_a_layer_without_units_that_have_gates_has_a_line_of_its_own(tables: Tables) -> None:
    kept = tables["kept"]
    vit = kept[kept["whole"] == VIT.name]
    assert set(parts_of(vit)["part"]) == set(VIT.groups)
    assert set(parts_of(vit[vit["kind"] != "heads"])["part"]) == {
        f"blocks.{i}.{part}" for i in (0, 1) for part in ("attention", "fc1")
    }
    resnet = pd.DataFrame({"part": ["layer1.0.conv1", "layer1.0", "layer1.1"], "kind": ["channels", "layer", "layer"]})
    assert parts_of(resnet)["part"].tolist() == ["layer1.0.conv1", "layer1.1"]


def test_the_map_has_a_cross_for_every_layer_that_was_left_out(tables: Tables) -> None:
    with styled():
        axes = draw_kept(tables["kept"]).axes
    crosses = [sum(line.get_marker() == "x" for line in panel.lines) for panel in axes[:4]]
    layers = tables["kept"].query("kind == 'layer' and after == 0").groupby("beta").size()
    assert crosses == [0, 0, layers[0.5], layers[1]]
    assert [text.get_text() for text in axes[0].texts] == ["nu 1", "nu 3", "nu 10"]
    assert set(WHOLE) <= set(tables["kept"])
