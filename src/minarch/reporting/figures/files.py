"""A figure's three files: the same picture as SVG, PDF and PNG, in the same bytes again."""

from io import StringIO
from pathlib import Path
from unittest.mock import patch

import numpy as np
from fontTools.subset import Options
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from minarch.reporting.figures.svg import slim

UNDATED = ("CreationDate", "Creator", "Producer")  # what would change a PDF whose picture is the same
# A PDF says where each glyph stands. What a font has for setting text takes fontTools two thirds of the time in which
# it embeds the font, which is a quarter of a figure's; matplotlib has no setting for it.
FOR_TYPESETTING = ("GDEF", "GPOS", "GSUB", "MATH")
DROPPED = [*Options._drop_tables_default, *FOR_TYPESETTING]


def save(figure: Figure, path: Path) -> None:
    """Write <path>.svg, <path>.pdf and <path>.png without dates or versions in them."""
    if layout := figure.get_layout_engine():
        layout.execute(figure)
    figure.set_layout_engine("none")  # all files share one layout, and the canvases draw once where savefig draws twice
    text = StringIO()
    FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
    path.with_name(f"{path.name}.svg").write_text(slim(text.getvalue()), encoding="utf-8")
    with patch.object(Options, "_drop_tables_default", DROPPED):
        FigureCanvasPdf(figure).print_pdf(path.with_name(f"{path.name}.pdf"), metadata=dict.fromkeys(UNDATED))
    figure.set_dpi(150)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    palette = pixels.quantize(256, dither=Image.Dither.NONE)  # a third of the bytes, and nothing that can be seen
    palette.save(path.with_name(f"{path.name}.png"), dpi=(150, 150))  # `optimize` saves 9 % in six times the time
