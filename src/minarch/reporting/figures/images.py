"""Weights and attention as pictures: what a first layer's units look for, and where a ViT's heads look."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.choice import ROLES
from minarch.reporting.figures.style import QUIET, panels, short_number
from minarch.reporting.tables.shown import POOREST, Shown

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
    """One row per data set and family, one column per role."""
    if not pictures:
        return None
    groups = [list(group) for _, group in groupby(pictures, lambda pair: (pair[0].dataset, pair[0].family))]
    roles = [role for role in [*ROLES, POOREST] if any(network.role == role for network, _ in pictures)]
    figure, grid = panels(len(groups), len(roles), row_height=row_height)
    for axes in grid.flat:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    for row, group in zip(grid, groups, strict=True):
        by_role = {network.role: (network, picture) for network, picture in group}
        row[0].set_ylabel(f"{group[0][0].dataset}\n{group[0][0].family}")
        for axes, role in zip(row, roles, strict=True):
            if role not in by_role:
                axes.text(0.5, 0.5, "no such model", transform=axes.transAxes, ha="center", color=QUIET)
                continue
            network, picture = by_role[role]
            axes.set_title(f"{role}, {short_number(network.parameters)} parameters", fontsize=8.5)
            draw(axes, picture)
            axes.set_anchor("NW")
    return figure


def draw_first_layer(shown: Sequence[Shown]) -> Figure | None:
    """Pictures of the first layers whose units see an image, or None."""
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
