"""One explanation as a figure for a slide."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from fer_core.draw import EXPRESSION_COLORS, percent
from fer_core.draw.tiles import heat_tiles
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats, Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK: Final = "#14191B"
TILE: Final = 336
"""Side of a map, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Slide:
    """What a slide shows: the face, the map of one class, the probabilities, and all seven maps below."""

    crop: Image
    """(S, S) gray aligned face."""
    raw: Floats
    """(h, w) map of the class, shown large on a scale of its own."""
    maps: Mapping[str, Floats]
    """Class -> (h, w) raw map, for all of ``EXPRESSIONS``."""
    probabilities: Floats
    """(7,) in the order of ``EXPRESSIONS``."""
    target: str
    """Class that is explained, which is marked below."""
    title: str
    footnote: str


def draw_slide(slide: Slide, form: Literal["png", "svg"] = "png") -> bytes:
    """Draw a slide of 16:9.

    Args:
        form: PNG of 1920 x 1080 pixels, or SVG with text as text.

    Returns:
        The bytes of the file.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "text.color": INK, "font.size": 15}):
        figure = Figure(figsize=(16, 9), dpi=120)
        grid = figure.add_gridspec(
            2, 7, height_ratios=(2.1, 1), left=0.03, right=0.97, top=0.87, bottom=0.09, hspace=0.16
        )
        figure.text(0.03, 0.925, slide.title, fontsize=26, weight="bold")
        figure.text(0.03, 0.03, slide.footnote, fontsize=12, alpha=0.8)
        _draw_pictures(figure, grid, slide)
        _draw_bars(figure, slide.probabilities)
        _draw_tiles(figure, grid, slide)
        file = io.BytesIO()
        figure.savefig(file, format=form)
    return file.getvalue()


def _draw_pictures(figure: "Figure", grid: Any, slide: Slide) -> None:
    """Draw the face, and the map of the class beside it."""
    alone = heat_tiles(slide.crop, {slide.target: slide.raw}, size=2 * TILE)[slide.target]
    for cell, picture, words in (
        (grid[0, 0:2], slide.crop, "what the network gets"),
        (grid[0, 2:4], alone, "where the evidence lies"),
    ):
        axes = figure.add_subplot(cell)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="bicubic")
        axes.set_title(words, fontsize=15, color=INK)
        axes.axis("off")


def _draw_bars(figure: "Figure", probabilities: Floats) -> None:
    """Draw the probabilities as bars, at the right."""
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


def _draw_tiles(figure: "Figure", grid: Any, slide: Slide) -> None:
    """Draw the maps of all classes on one scale, below."""
    tiles = heat_tiles(slide.crop, slide.maps, size=TILE)
    for column, (name, tile) in enumerate(tiles.items()):
        axes = figure.add_subplot(grid[1, column])
        axes.imshow(tile)
        weight = "bold" if name == slide.target else "normal"
        axes.set_title(name, fontsize=14, color=INK, weight=weight)
        axes.axis("off")
