"""Bars in a corner of the picture: the probabilities of the first face, and the shares of its map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fer_core.draw import EXPRESSION_COLORS, WIDEST_PERCENT, Color, percent, rgb
from fer_core.draw.text import INK, WHITE, fill, put_text, text_size
from fer_core.draw.units import Box, font_size, shared_area
from fer_core.labels import EXPRESSIONS
from fer_core.types import FrameResult, Image, Reading

COLORS: Final = {name: rgb(color) for name, color in EXPRESSION_COLORS.items()}
DIM: Final[Color] = (176, 186, 192)
"""Color of the rows that do not stand out."""
HEAT: Final[Color] = (240, 168, 60)
"""Color of the shares of a map, as warm as its places."""

BLOCK_NAMES: Final = {"face": "whole face", "upper": "eyes", "lower": "mouth"}

PANEL_OPACITY: Final = 0.72
BAR: Final = 68
"""Length of a full bar, in pixels of a 640x480 frame."""


GROUND: Final[Color] = (22, 27, 31)
"""Color beside a picture, where panels stand."""


@dataclass(frozen=True, slots=True)
class Bars:
    """What a panel shows."""

    shares: Mapping[str, float]
    """Name of each row -> length of its bar, 0..1."""
    colors: Mapping[str, Color]
    strongest: str
    """Name of the row that stands out."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars in a corner of the picture, or beside it."""

    box: Box
    bars: Bars


def panels_of(result: FrameResult, *, bars: bool, parts: bool, weights: bool) -> list[Bars]:
    """Return what the panels of the first face show.

    Args:
        bars: show the probabilities.
        parts: show the attribution shares of the first map.
        weights: show the weights of the blocks.
    """
    contents: list[Bars] = []
    for reading in result.readings[:1]:
        if bars:
            probabilities = zip(EXPRESSIONS, map(float, reading.probabilities), strict=True)
            contents.append(Bars(dict(probabilities), COLORS, reading.shown[0]))
        if weights and reading.region_attention:
            contents.append(
                _in_one_color(
                    {BLOCK_NAMES[name]: share for name, share in reading.region_attention.items()},
                    WHITE,
                )
            )
    for explanations in result.explanations[:1] if parts else ():
        for explanation in explanations[:1]:
            if shares := explanation.part_share:
                contents.append(_in_one_color(shares, HEAT))
    return contents


def _in_one_color(shares: Mapping[str, float], color: Color) -> Bars:
    return Bars(shares, dict.fromkeys(shares, color), max(shares, key=shares.__getitem__))


def place_panels(
    image: Image, result: FrameResult, contents: Sequence[Bars], unit: float
) -> list[Panel]:
    """Return the panels for which there is room in the corners of the picture."""
    panels: list[Panel] = []
    for bars in contents:
        taken = [panel.box for panel in panels]
        box = _panel_box(image, result.readings, _extent(bars, unit), 8 * unit, taken)
        if box is not None:
            panels.append(Panel(box, bars))
    return panels


def beside_picture(image: Image, contents: Sequence[Bars], unit: float) -> Image:
    """Return a picture with panels one below the other at its right; where there are none, as it is."""
    if not contents:
        return image
    margin = 8 * unit
    extents = [_extent(bars, unit) for bars in contents]
    width = max(extent[0] for extent in extents)
    height = sum(extent[1] + margin for extent in extents) + margin
    down, across = image.shape[:2]
    size = max(down, round(height)), across + round(width + 2 * margin), 3
    wider = np.full(size, GROUND, np.uint8)
    wider[:down, :across] = image
    left, top = across + margin, margin
    for bars, (_, high) in zip(contents, extents, strict=True):
        draw_panel(wider, Panel((left, top, left + width, top + high), bars), unit)
        top += high + margin
    return wider


def draw_panel(image: Image, panel: Panel, unit: float) -> None:
    """Draw a panel into an RGB image, in place."""
    size, pad = font_size(17 * unit), 10 * unit
    left, top, right, bottom = panel.box
    fill(image, panel.box, 10 * unit, INK, PANEL_OPACITY)
    row, height = (bottom - top - 2 * pad) / len(panel.bars.shares), text_size("", size)[1]
    end = right - pad - text_size(WIDEST_PERCENT, size)[0] - 8 * unit
    start = end - BAR * unit
    for number, (name, value) in enumerate(panel.bars.shares.items()):
        middle, thick = top + pad + (number + 0.5) * row, 0.2 * row
        ink = WHITE if name == panel.bars.strongest else DIM
        put_text(image, name, left + pad, middle - height / 2, size, ink)
        for share, color, opacity in ((1.0, WHITE, 0.15), (value, panel.bars.colors[name], 1.0)):
            bar = (start, middle - thick, start + share * (end - start), middle + thick)
            fill(image, bar, thick, color, opacity)
        text = percent(value)
        across = text_size(text, size)[0]
        put_text(image, text, right - pad - across, middle - height / 2, size, ink)


def _extent(bars: Bars, unit: float) -> tuple[float, float]:
    """Return the width and height of a panel in pixels."""
    size, pad, gap = font_size(17 * unit), 10 * unit, 8 * unit
    across = max(text_size(name, size)[0] for name in bars.shares)
    width = pad + across + gap + BAR * unit + gap + text_size(WIDEST_PERCENT, size)[0] + pad
    return width, pad + 1.25 * text_size("", size)[1] * len(bars.shares) + pad


def _panel_box(
    image: Image,
    readings: Sequence[Reading],
    extent: tuple[float, float],
    margin: float,
    taken: Sequence[Box],
) -> Box | None:
    """Return the box in the corner where a panel hides least; None where it does not fit."""
    width, height = extent
    if not readings or width > image.shape[1] or height > image.shape[0]:
        return None
    left, top = _free_corner(image, extent, margin, readings, taken)
    box = left, top, left + width, top + height
    return None if any(shared_area(box, panel) for panel in taken) else box


def _free_corner(
    image: Image,
    size: tuple[float, float],
    margin: float,
    readings: Sequence[Reading],
    taken: Sequence[Box],
) -> tuple[float, float]:
    """Return left and top of the corner whose panel covers least of other panels, then of the largest face,
    then of the others."""
    width, height = size
    right = image.shape[1] - width - margin
    bottom = image.shape[0] - height - margin
    corners = ((margin, bottom), (right, bottom), (margin, margin), (right, margin))

    def hidden(corner: tuple[float, float]) -> tuple[float, float, float]:
        left, top = corner
        panel = (left, top, left + width, top + height)
        first, *others = (shared_area(panel, reading.face.box) for reading in readings)
        return sum(shared_area(panel, other) for other in taken), first, sum(others)

    return min(corners, key=hidden)
