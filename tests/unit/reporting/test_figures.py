"""What every figure keeps to: words that can be read, few panels, the same bytes."""

import re
import zlib
from io import BytesIO
from itertools import pairwise, product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from fontTools.ttLib import TTFont
from matplotlib.backends.backend_agg import FigureCanvasAgg

from minarch.reporting.figures.depth import draw_depth
from minarch.reporting.figures.distributions import draw_weights
from minarch.reporting.figures.families import MOST, accuracy_axis, family_panels, fitting, models_in_panels
from minarch.reporting.figures.files import save
from minarch.reporting.figures.images import draw_first_layer
from minarch.reporting.figures.regimes import draw_sizes
from minarch.reporting.figures.routes import NAME, name_lines
from minarch.reporting.figures.style import log_axis, panels, styled
from minarch.reporting.figures.svg import slim
from minarch.reporting.figures.sweep_map import with_width
from minarch.reporting.tables import Table
from minarch.reporting.tables.shown import POOREST, Shown

SVG = "{http://www.w3.org/2000/svg}"


def table(datasets: int, families: int, models: int = 1) -> pd.DataFrame:
    """One row per model of every data set and family, the later the more important its role."""
    rows = product(range(datasets), range(families), range(models))
    roles = ["further", "overfitting", "near-best", "minimal"]
    return pd.DataFrame(
        {"dataset": f"d{9 - d}", "family": f"f{f}", "architecture": f"f{f}-{m}", "role": roles[m % 4], "value": d + m}
        for d, f, m in rows
    )


@pytest.mark.parametrize(("datasets", "families"), [(1, 3), (3, 3), (4, 3), (9, 1), (2, 9), (12, 1)])
def test_a_figure_has_at_most_nine_panels_and_its_data_sets_in_their_order(datasets: int, families: int) -> None:
    with styled():
        figure, filled = family_panels(table(datasets, families), row_height=3, x="x", y="y")
    assert len(figure.axes) <= MOST and len(filled) == len(figure.axes)
    shown = list(dict.fromkeys(panel.dataset for panel in filled))
    assert shown == [f"d{9 - i}" for i in range(len(shown))] and figure.get_figheight() < 8
    assert len(shown) == datasets or f"the first {len(shown)} of {datasets} data sets" in figure.get_supxlabel()


def test_at_least_one_data_set_is_drawn() -> None:
    assert fitting(["a", "b"], range(20)) == ["a"] and fitting(["a", "b"], []) == ["a", "b"]


@pytest.mark.parametrize(("datasets", "families", "models", "rows"), [(1, 3, 4, 3), (3, 3, 4, 3), (1, 1, 2, 2)])
def test_models_with_a_role_come_first_with_a_family_in_each_column(datasets, families, models, rows) -> None:
    grid = models_in_panels(table(datasets, families, models))
    assert len(grid) == rows and {len(line) for line in grid} == {families}
    assert [model["family"].iloc[0] for model in grid[0]] == [f"f{f}" for f in range(families)]
    assert {model["role"].iloc[0] for model in grid[0]} == {"minimal" if models == 4 else "overfitting"}


def test_a_family_with_fewer_models_leaves_its_panels_empty() -> None:
    models = table(1, 2, 3)
    grid = models_in_panels(models[(models["family"] == "f0") | (models["architecture"] == "f1-0")])
    assert [line[1] is None for line in grid] == [False, True, True] and all(line[0] is not None for line in grid)


def test_an_accuracy_axis_uses_the_range_of_its_values() -> None:
    _, grid = panels(1, 1, row_height=2)
    accuracy_axis(grid[0, 0], [0.9, 0.92, float("nan")], [0.95])
    low, high = grid[0, 0].get_ylim()
    assert 0.89 < low < 0.9 and 0.95 < high < 0.96


@pytest.mark.parametrize("across", [1, 3])
@pytest.mark.parametrize("unit", ["", "B"])
@pytest.mark.parametrize("first", [1000, 5000, 73_000, 132_490])
@pytest.mark.parametrize("decades", [0.0, 0.3, 0.4, 0.5, 0.9, 1.5, 1.9, 2.5, 3.5, 6.0])
def test_labels_of_a_logarithmic_axis_do_not_touch(across: int, unit: str, first: float, decades: float) -> None:
    with styled():
        figure, grid = panels(1, across, row_height=2)
        axes = grid[0, 0]
        log_axis(axes, [first, first * 10**decades], unit=unit)
        FigureCanvasAgg(figure).draw()
        low, high = axes.get_xlim()
        ticks = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
        boxes = [label.get_window_extent() for at, label in ticks if low <= at <= high]
    gaps = [right.x0 - left.x1 for left, right in pairwise(boxes)]
    assert len(boxes) >= 2
    assert all(gap > 2 for gap in gaps), gaps


def test_long_names_are_broken_at_hyphens_and_commas() -> None:
    lines = name_lines({"model": "shaped-dnn-depth2-width33-grow-growth1.5, 50 % of units cut, INT8"})
    assert lines == ["shaped-dnn-", "depth2-width33-grow-", "growth1.5", "50 % of units cut", "INT8"]
    assert max(map(len, lines)) <= NAME


def network(role: str) -> Shown:
    weights = dict.fromkeys(["weights.all", "weights.fc"], np.linspace(-1, 1, 50)[None])
    return Shown(
        dataset="digits", family="dnn", role=role, parameters=10, layers=["fc"], node_layers=[], quantiles=weights,
        images=np.ones((2, 1, 3, 3)), attention=None,
    )  # fmt: skip


def test_the_poorest_network_alone_is_not_drawn() -> None:
    """Of a study that chose no model to be pruned there is nothing to compare it with."""
    poorest, minimal = network(POOREST), network("minimal")
    for draw in (draw_weights, draw_first_layer):
        assert draw([poorest]) is None
        figure = draw([minimal, poorest])
        assert figure is not None and figure.axes


@pytest.mark.parametrize(("families", "rows"), [(["dnn"], 2), (["cnn", "dnn"], 4)])
def test_depths_of_one_family_have_their_scopes_side_by_side_on_one_scale(families: list[str], rows: int) -> None:
    keys = ["dataset", "family", "scope", "architecture"]
    curves = pd.DataFrame(product(["a", "b"], families, ["global", "layer"], ["x1", "x2"]), columns=keys)
    curves["retention_mean"] = np.linspace(0.7, 0.9, len(curves))
    curves = curves.assign(finetuned=False, role="further", n=5)
    curves = curves.assign(retention_low=curves["retention_mean"] - 0.01, retention_high=curves["retention_mean"])
    sizes = curves[["dataset", "family", "architecture"]].drop_duplicates()
    sizes = sizes.assign(depth=sizes["architecture"].str[1:].astype(int), parameters=1000)
    tables = {Table.REDUNDANCY: curves, Table.DEPTH: curves, Table.SIZES: sizes}
    with styled():
        figure = draw_depth(tables)
        FigureCanvasAgg(figure).draw()
    assert len(figure.axes) == 4 * len(families) and figure.axes[0].get_gridspec().nrows == rows
    for line in np.reshape(figure.axes, (rows, 2)):
        shown = [axes.get_ylim() for axes in line]
        drawn = np.concatenate([artist.get_ydata() for axes in line for artist in axes.lines])
        assert shown[0] == shown[1] and shown[0][0] <= drawn.min() and drawn.max() <= shown[0][1]
        assert shown[0][1] - shown[0][0] < 0.5, "an effect of few points is seen"


def test_sizes_of_open_shape_are_points_below_their_envelope() -> None:
    shapes = [
        ("mine-depth2-width4-grow", 10, 0.5),
        ("mine-depth2-width4-shrink", 12, 0.4),
        ("mine-depth2-width8", 20, 0.7),
    ]
    sizes = pd.DataFrame(shapes, columns=["architecture", "parameters", "validation_mean"])
    sizes = sizes.assign(depth=2, regime="learning", validation_low=0.3, validation_high=0.8)
    _, grid = panels(1, 1, row_height=2)
    draw_sizes(grid[0, 0], sizes, "#0072B2")
    marks, envelope = grid[0, 0].lines
    assert marks.get_linestyle() == "None" or marks.get_marker() == "o"
    assert list(envelope.get_ydata()) == [0.5, 0.5, 0.7] and envelope.get_drawstyle() == "steps-post"
    _, grid = panels(1, 1, row_height=2)
    draw_sizes(grid[0, 0], sizes.iloc[[0, 2]], "#0072B2")
    line, *_ = grid[0, 0].lines
    assert list(line.get_ydata()) == [0.5, 0.7] and line.get_drawstyle() == "default"


def test_the_width_is_read_off_our_names() -> None:
    names = pd.DataFrame({"architecture": ["dnn-depth2-width16", "cnn-depth1-channels4", "mine:Own-3"]})
    assert with_width(names)["width"].fillna(-1).tolist() == [16, 4, -1]


def drawn(folder: Path) -> str:
    with styled():
        figure, grid = panels(1, 1, row_height=2)
        grid[0, 0].plot([1, 2, 3], [1 / 3, 2 / 3, 1], "o-", label="a < b")
        grid[0, 0].set_title("Accuracy of 2 & 3")
        save(figure, folder / "figure")
    return (folder / "figure.svg").read_text()


def test_text_stays_text_and_every_file_has_the_same_bytes_again(tmp_path: Path) -> None:
    first, second = (tmp_path / name for name in ("first", "second"))
    for folder in (first, second):
        folder.mkdir()
        root = ElementTree.fromstring(drawn(folder))
        assert "Accuracy of 2 & 3" in [text.text for text in root.iter(f"{SVG}text")]
    assert sorted(path.suffix for path in first.iterdir()) == [".pdf", ".png", ".svg"]
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_a_pdf_embeds_its_glyphs_as_outlines_that_publishers_take_and_little_else(tmp_path: Path) -> None:
    drawn(tmp_path)
    written = (tmp_path / "figure.pdf").read_bytes()
    streams = (zlib.decompress(stream) for stream in re.findall(rb"stream\r?\n(x.*?)\nendstream", written, re.DOTALL))
    fonts = [TTFont(BytesIO(stream)) for stream in streams if stream.startswith(b"\0\1\0\0")]
    assert written.count(b"/CIDFontType2") == len(fonts) == 2, "regular and bold, neither of them of type 3"
    for font in fonts:
        assert "glyf" in font and not {"GSUB", "GPOS", "GDEF", "MATH"} & set(font.keys())


def test_ids_do_not_depend_on_the_last_digits_they_are_derived_from() -> None:
    text = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><defs><style></style>
<path id="ma1" d="M 0 0"/></defs><g clip-path="url(#pb2)"><use xlink:href="#ma1" x="1"/></g>
<clipPath id="pb2"><rect x="1"/></clipPath></svg>"""
    slimmed = slim(text)
    assert slimmed == slim(text.replace("pb2", "pc3").replace("ma1", "md4"))
    root = ElementTree.fromstring(slimmed)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(ids)) == 2 and f'href="#{ids[0]}"' in slimmed and f'clip-path="url(#{ids[1]})"' in slimmed


def test_slimming_takes_nothing_away_that_is_seen() -> None:
    text = """<?xml version="1.0"?><!-- made --><svg xmlns="http://www.w3.org/2000/svg"><metadata>now</metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style></defs>
 <g id="line_1"><path d="M 1.23456 2
L 3 4.999" style="fill: none; stroke: #123456"/></g>
 <text style="font-size: 9px" x="1.5678" transform="rotate(-0 1.5 2)">0.0001</text>
 <text style="font-size: 9px" transform="rotate(-90 1.5 2)">c</text></svg>"""
    slimmed = slim(text)
    root = ElementTree.fromstring(slimmed)
    assert [element.tag for element in root.iter()] == [
        f"{SVG}{tag}" for tag in ("svg", "defs", "style", "g", "path", "text", "text")
    ]
    assert root.find(f".//{SVG}path").get("d") == "M 1.23 2 L 3 4.99"
    number = root.find(f".//{SVG}text")
    assert (number.text, number.get("x")) == ("0.0001", "1.56"), "what is read keeps its digits"
    style = root.find(f".//{SVG}style").text
    looks = {name: rule for name, rule in re.findall(r"\.(\w+)\{(.*?)\}", style)}
    classes = [element.get("class") for element in root.iter() if element.get("class")]
    assert [looks[name] for name in classes] == ["fill:none;stroke:#123456", "font-size:9px", "font-size:9px"]
    assert [element.get("transform") for element in root.iter(f"{SVG}text")] == [None, "rotate(-90 1.5 2)"]
