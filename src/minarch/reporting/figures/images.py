"""Weights and attention as pictures: what a first layer's units look for, and where a ViT's heads look."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.choice import ROLES
from minarch.reporting.figures.families import MOST, fitting
from minarch.reporting.figures.style import panels, short_number
from minarch.reporting.tables.shown import POOREST, Shown
from minarch.reporting.wording import role_name

DOWN, ACROSS = 2, 4  # places for units of a network
EDGE, GAP = 32, 2  # pixels: about to what a tile is enlarged, and between two tiles
COLOURED = (1, 3)  # channels: red and blue for the sign, or RGB; of any other number the mean is drawn
BELOW: dict[str, Any] = {"loc": "left", "fontsize": 7.5}


def mosaic(tiles: np.ndarray, down: int, across: int) -> np.ndarray:
    """Tiles [n, h, w, c] row by row on a grid of `down` x `across`; NaN between them and where there is none."""
    scale = max(1, round(EDGE / max(tiles.shape[1:3])))
    tiles = tiles.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width = tiles.shape[1] + GAP, tiles.shape[2] + GAP
    whole = np.full((down * height - GAP, across * width - GAP, tiles.shape[3]), np.nan)
    for i, tile in enumerate(tiles):
        y, x = i // across * height, i % across * width
        whole[y : y + len(tile), x : x + tile.shape[1]] = tile
    return whole


def draw_units(axes: Axes, images: np.ndarray) -> None:
    """The units [n, C, h, w] with the largest weights; one colour scale, symmetric about zero, for the network."""
    largest = np.argsort(-(images**2).sum(axis=(1, 2, 3)), kind="stable")[: DOWN * ACROSS]
    units = images[largest].transpose(0, 2, 3, 1)
    if units.shape[3] not in COLOURED:
        units = units.mean(axis=3, keepdims=True)
    limit = np.abs(units).max() or 1.0
    if units.shape[3] == 1:
        picture = mosaic(units, DOWN, ACROSS)[..., 0]
    else:
        colours = mosaic(0.5 + units / (2 * limit), DOWN, ACROSS)
        opaque = np.isfinite(colours[..., :1])
        picture = np.concatenate([np.nan_to_num(colours), opaque], axis=2)
    axes.imshow(picture, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="none")
    shown = f"{len(units)} of {len(images)}" if len(units) < len(images) else f"{len(images)}"
    unit = "unit" if len(images) == 1 else "units"
    axes.set_xlabel(f"{shown} {unit}, \N{PLUS-MINUS SIGN}{short_number(limit)}", **BELOW)


def draw_heads(axes: Axes, attention: np.ndarray) -> None:
    """The maps [blocks, heads, rows, columns]: one column per head, one row per block."""
    blocks, heads = attention.shape[:2]
    picture = mosaic(attention.reshape(blocks * heads, *attention.shape[2:], 1), blocks, heads)[..., 0]
    axes.imshow(picture, cmap="viridis", vmin=0, interpolation="none")
    even = 1 / (attention[0, 0].size + 1)  # the class token attends to itself, too
    axes.set_xlabel(f"yellow: {100 * np.nanmax(attention):.2g}%, if it were even: {100 * even:.2g}%", **BELOW)


def draw_pictures(
    pictures: Sequence[tuple[Shown, np.ndarray]], draw: Callable[[Axes, np.ndarray], None], row_height: float
) -> Figure | None:
    """A column per family, a row per data set and network of it, as many as fit; the poorest network is one of them.
    None where no representative has a picture.
    """
    if all(network.role == POOREST for network, _ in pictures):
        return None
    by_family: dict[tuple[str, str], list[tuple[Shown, np.ndarray]]] = {}
    for network, picture in pictures:
        by_family.setdefault((network.dataset, network.family), []).append((network, picture))
    families = sorted({family for _, family in by_family})
    datasets = fitting(dict.fromkeys(dataset for dataset, _ in by_family), families)
    room = max(1, MOST // (len(datasets) * len(families)))
    room = min(room, max(len(group) for (dataset, _), group in by_family.items() if dataset in datasets))
    one = len(families) == 1  # then its networks lie side by side
    figure, grid = panels(len(datasets) * (1 if one else room), room if one else len(families), row_height=row_height)
    for axes in grid.flat:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    for (y, x), axes in np.ndenumerate(grid):
        dataset, family, i = (datasets[y], families[0], x) if one else (datasets[y // room], families[x], y % room)
        chosen = _best_and_poorest(by_family.get((dataset, family), []), room)
        if i < len(chosen):
            network, picture = chosen[i]
            size = short_number(network.parameters)
            axes.set_title(f"{dataset}: {family}\n{role_name(network.role)}, {size} parameters", fontsize=8.5)
            draw(axes, picture)
            axes.set_anchor("NW")
    return figure


def _best_and_poorest(group: list[tuple[Shown, np.ndarray]], room: int) -> list[tuple[Shown, np.ndarray]]:
    """As many of the pictures as there is room for; with room for two the poorest network's, if any, is the last."""
    ordered = sorted(group, key=lambda pair: [*ROLES, POOREST].index(pair[0].role))
    poorest = [pair for pair in ordered if pair[0].role == POOREST][: room - 1]
    return [pair for pair in ordered if pair[0].role != POOREST][: room - len(poorest)] + poorest


def draw_first_layer(shown: Sequence[Shown]) -> Figure | None:
    """Pictures of the first layers whose units see an image, or None where no representative has such a layer."""
    pictures = [(network, network.images) for network in shown if network.images is not None]
    return draw_pictures(pictures, draw_units, row_height=1.6)


def draw_attention(shown: Sequence[Shown]) -> Figure | None:
    """Pictures of the representatives' attention, or None; of one size, NaN where a map has no such block or head."""
    networks = [network for network in shown if network.role != POOREST]
    maps = [(network, network.attention) for network in networks if network.attention is not None]
    blocks, heads = (max((attention.shape[axis] for _, attention in maps), default=0) for axis in (0, 1))
    pictures = []
    for network, attention in maps:
        room = [(0, blocks - len(attention)), (0, heads - attention.shape[1]), (0, 0), (0, 0)]
        pictures.append((network, np.pad(attention, room, constant_values=np.nan)))
    return draw_pictures(pictures, draw_heads, row_height=2.0)
