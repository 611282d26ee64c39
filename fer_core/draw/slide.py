"""One explanation as a figure for a slide."""

import io
from collections.abc import Mapping
from typing import Literal

from fer_core.draw import EXPRESSION_COLORS, percent
from fer_core.draw.tiles import heat_tiles
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats, Image

INK = "#14191B"
TILE = 336
"""Pixels of a map's side."""


def draw_slide(
    crop: Image,
    raw: Floats,
    maps: Mapping[str, Floats],
    probabilities: Floats,
    target: str,
    *,
    title: str,
    footnote: str,
    form: Literal["png", "svg"] = "png",
) -> bytes:
    """A slide of 16:9 with the face, the map of one class, the probabilities, and all seven maps below.

    Args:
        crop: (S, S) grey aligned face.
        raw: (h, w) map that stands alone, on a scale of its own.
        maps: class -> (h, w) raw map, for all of ``EXPRESSIONS``.
        probabilities: (7,) in the order of ``EXPRESSIONS``.
        target: the class that is explained, which is marked below.
        title, footnote: a line each.
        form: PNG of 1920 x 1080 pixels, or SVG with text as text.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "text.color": INK, "font.size": 15}):
        figure = Figure(figsize=(16, 9), dpi=120)
        grid = figure.add_gridspec(
            2, 7, height_ratios=(2.1, 1), left=0.03, right=0.97, top=0.87, bottom=0.09, hspace=0.16
        )
        figure.text(0.03, 0.925, title, fontsize=26, weight="bold")
        figure.text(0.03, 0.03, footnote, fontsize=12, alpha=0.8)
        alone = heat_tiles(crop, {target: raw}, size=2 * TILE)[target]
        for place, picture, words in (
            (grid[0, 0:2], crop, "what the network gets"),
            (grid[0, 2:4], alone, "where the evidence lies"),
        ):
            axes = figure.add_subplot(place)
            axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="bicubic")
            axes.set_title(words, fontsize=15, color=INK)
            axes.axis("off")
        axes = figure.add_axes((0.65, 0.42, 0.32, 0.43))
        axes.barh(EXPRESSIONS, probabilities, color=[EXPRESSION_COLORS[n] for n in EXPRESSIONS])
        for row, p in enumerate(probabilities):
            axes.text(float(p) + 0.015, row, percent(float(p)), va="center")
        axes.set_xlim(0, 1.15)
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.tick_params(axis="y", length=0, colors=INK)
        for side in axes.spines.values():
            side.set_visible(False)
        for column, (name, tile) in enumerate(heat_tiles(crop, maps, size=TILE).items()):
            axes = figure.add_subplot(grid[1, column])
            axes.imshow(tile)
            axes.set_title(
                name, fontsize=14, color=INK, weight="bold" if name == target else "normal"
            )
            axes.axis("off")
        file = io.BytesIO()
        figure.savefig(file, format=form)
    return file.getvalue()
