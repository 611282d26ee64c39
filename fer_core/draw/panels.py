"""Bars in a corner of the picture: the probabilities of the first face, and the shares of its map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

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

PANEL_OPACITY: Final = 0.72
BAR: Final = 68
"""Length of a full bar, in pixels of a 640x480 frame."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars in a corner of the picture."""

    box: Box
    shares: Mapping[str, float]
    """Name of each row -> length of its bar, 0..1."""
    colors: Mapping[str, Color]
    strongest: str
    """Name of the row that stands out."""


def place_panels(
    image: Image, result: FrameResult, unit: float, *, bars: bool, parts: bool
) -> list[Panel]:
    """Return the panels of the first face for which there is room.

    Args:
        bars: show the probabilities.
        parts: show the attribution shares of the first map.
    """
    panels: list[Panel] = []

    def add(shares: Mapping[str, float], colors: Mapping[str, Color], strongest: str) -> None:
        taken = [panel.box for panel in panels]
        box = _panel_box(image, result.readings, unit, list(shares), taken)
        if box is not None:
            panels.append(Panel(box, shares, colors, strongest))

    for reading in result.readings[:1] if bars else ():
        probabilities = zip(EXPRESSIONS, map(float, reading.probabilities), strict=True)
        add(dict(probabilities), COLORS, reading.shown[0])
    for explanations in result.explanations[:1] if parts else ():
        for explanation in explanations[:1]:
            if shares := explanation.part_share:
                add(shares, dict.fromkeys(shares, HEAT), max(shares, key=shares.__getitem__))
    return panels


def draw_panel(image: Image, panel: Panel, unit: float) -> None:
    """Draw a panel into an RGB image, in place."""
    size, pad = font_size(17 * unit), 10 * unit
    left, top, right, bottom = panel.box
    fill(image, panel.box, 10 * unit, INK, PANEL_OPACITY)
    row, height = (bottom - top - 2 * pad) / len(panel.shares), text_size("", size)[1]
    end = right - pad - text_size(WIDEST_PERCENT, size)[0] - 8 * unit
    start = end - BAR * unit
    for number, (name, value) in enumerate(panel.shares.items()):
        middle, thick = top + pad + (number + 0.5) * row, 0.2 * row
        ink = WHITE if name == panel.strongest else DIM
        put_text(image, name, left + pad, middle - height / 2, size, ink)
        for share, color, opacity in ((1.0, WHITE, 0.15), (value, panel.colors[name], 1.0)):
            bar = (start, middle - thick, start + share * (end - start), middle + thick)
            fill(image, bar, thick, color, opacity)
        text = percent(value)
        across = text_size(text, size)[0]
        put_text(image, text, right - pad - across, middle - height / 2, size, ink)


def _panel_box(
    image: Image,
    readings: Sequence[Reading],
    unit: float,
    names: Sequence[str],
    taken: Sequence[Box],
) -> Box | None:
    """Return the box in the corner where a panel hides least; None where it does not fit."""
    size, pad, gap = font_size(17 * unit), 10 * unit, 8 * unit
    across = max(text_size(name, size)[0] for name in names)
    width = pad + across + gap + BAR * unit + gap + text_size(WIDEST_PERCENT, size)[0] + pad
    height = pad + 1.25 * text_size("", size)[1] * len(names) + pad
    if not readings or width > image.shape[1] or height > image.shape[0]:
        return None
    left, top = _free_corner(image, (width, height), 8 * unit, readings, taken)
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
