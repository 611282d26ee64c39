"""Draw the result of a frame into the frame, one layer after another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from fer_core.draw import Color
from fer_core.draw.enlarging import enlarge, legible_scale, scale_readings
from fer_core.draw.heat import blend_attention, blend_heat
from fer_core.draw.panels import beside_picture, draw_panel, panels_of, place_panels
from fer_core.draw.pills import Pill, color_of, draw_label, draw_legend, draw_weights, headline
from fer_core.draw.text import INK, WHITE, fill, outline, put_text, rounded, text_size, wrap
from fer_core.draw.units import Box, font_size, unit_at, unit_of
from fer_core.types import FrameResult, Image, Reading

__all__ = ["OverlayStyle", "draw_message", "draw_numbers", "draw_overlay", "headline"]

ATTENTION_OPACITY: Final = 0.6

LINES: Final = (slice(0, 17), slice(17, 22), slice(22, 27), slice(27, 31), slice(31, 36))
"""Jaw, brows and nose in the 68 standard points."""
LOOPS: Final = (slice(36, 42), slice(42, 48), slice(48, 60), slice(60, 68))
"""Eyes and lips, which are closed."""
IRISES: Final = (slice(68, 73), slice(73, 78))
"""Center and rim of each iris, the image's left first."""
MESH: Final[Color] = (94, 234, 212)
"""Color of landmarks."""
OPEN: Final = 0.5
"""Smallest openness of an eye at which its iris is drawn."""


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """What is drawn into a frame."""

    box: bool = True
    labels: bool = True
    """The assigned class and its percentage at each face; with several faces the number of each too."""
    bars: bool = True
    """All seven probabilities of the first face."""
    blocks: bool = True
    """The blocks of a prior-attention network; at the first face with the weight of each."""
    heatmap: float = 0.6
    """Opacity of the first map of each face where it is hottest, 0..1; 0 draws none."""
    landmarks: bool = False
    """Lines through the dense landmarks, and the irises of open eyes, where they are known."""
    attention: bool = False
    """The network's own spatial attention."""
    parts: bool = False
    """Attribution shares of the first face's map: the parts of the face."""
    beside: bool = False
    """Bars, shares and weights of blocks stand right of the picture, which gets wider, and hide no face."""


def draw_overlay(
    frame: Image,
    result: FrameResult,
    style: OverlayStyle | None = None,
    numbers: Sequence[int | None] = (),
    *,
    legible: bool = False,
) -> Image:
    """Draw a result into a copy of its frame.

    Args:
        frame: (H, W, 3) RGB or (H, W) gray, uint8.
        result: of this frame; with maps if ``style.heatmap`` is to show something.
        numbers: of each reading, shown where there are several; by default those of their tracks.
        legible: enlarge a small frame, so that text can be read.

    Returns:
        (H, W, 3) RGB uint8; wider with ``style.beside``, larger where a frame was not legible.
    """
    style = style or OverlayStyle()
    image = _canvas(frame)
    _draw_maps(image, result, style)
    if legible:
        result = scale_readings(result, legible_scale(image))
        image = enlarge(image)
    unit = unit_of(image)
    numbers = numbers or [reading.face.track_id for reading in result.readings]
    if len(result.readings) == 1:
        numbers = [None]
    # The first one last, so that nothing hides it.
    for reading, number in reversed(list(zip(result.readings, numbers, strict=True))):
        small = unit_at(reading, unit)
        if style.landmarks:
            _draw_landmarks(image, reading, small)
        if style.blocks:
            _draw_blocks(image, reading, small)
        if style.box:
            radius = 0.08 * min(reading.face.width, reading.face.height)
            line = max(1, round(2 * small))
            outline(image, rounded(reading.face.box, radius), color_of(reading), line)
        if style.labels:
            draw_label(image, reading, small, number)
    contents = panels_of(
        result, bars=style.bars, parts=style.parts, weights=style.beside and style.blocks
    )
    panels = [] if style.beside else place_panels(image, result, contents, unit)
    for reading in result.readings[:1]:
        small = unit_at(reading, unit)
        taken = [panel.box for panel in panels]
        if style.blocks and not style.beside:
            draw_weights(image, reading, small, taken)
        if style.attention:
            draw_legend(image, reading, small, taken)
    for panel in panels:
        draw_panel(image, panel, unit)
    return beside_picture(image, contents, unit) if style.beside else image


def draw_numbers(frame: Image, boxes: Sequence[Box], chosen: int) -> Image:
    """Draw bounding boxes, numbered from 1, into a copy of a frame, (H, W, 3) RGB uint8.

    Args:
        chosen: position of the box that stands out.
    """
    image = _canvas(frame)
    unit = unit_of(image)
    for number, box in enumerate(boxes):
        color = MESH if number == chosen else WHITE
        outline(image, rounded(box, 0.08 * (box[2] - box[0])), color, max(1, round(2 * unit)))
        pill = Pill(f"{number + 1}", font_size(18 * unit), color)
        pill.draw(image, box[0], box[1] - pill.extent[1])
    return image


def draw_message(frame: Image, text: str, *, below: bool = False) -> Image:
    """Write a sentence into a copy of a frame, (H, W, 3) RGB uint8: into its middle, or at its lower edge.

    Args:
        below: at the lower edge, below the face.
    """
    image = _canvas(frame)
    height, width = image.shape[:2]
    unit = unit_of(image)
    size = font_size(18 * unit)
    pad = round(0.8 * size)
    lines = wrap(text, size, 0.8 * width - 2 * pad)
    if not lines:
        return image
    across = max(text_size(line, size)[0] for line in lines)
    down = text_size("", size)[1]
    left, top = (width - across) / 2, (height - down * len(lines)) / 2
    top = height - down * len(lines) - 2 * pad if below else top
    panel = (left - pad, top - pad, left + across + pad, top + down * len(lines) + pad)
    fill(image, panel, 10 * unit, INK, 0.85)
    for row, line in enumerate(lines):
        put_text(image, line, left, top + row * down, size, WHITE)
    return image


def _canvas(frame: Image) -> Image:
    """Return a copy of the frame in color."""
    if frame.ndim == 2:
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB), np.uint8)
    return np.array(frame, np.uint8, order="C")


def _draw_maps(image: Image, result: FrameResult, style: OverlayStyle) -> None:
    """Draw attention and heatmaps, below everything else."""
    if style.attention:
        for reading in result.readings:
            if reading.attention is not None:
                square = reading.regions.quads["face"]
                blend_attention(image, reading.attention, square, ATTENTION_OPACITY)
    if style.heatmap > 0:
        for maps in result.explanations:
            for explanation in maps[:1]:
                x0, y0, x1, y1 = explanation.heat_box or (0, 0, *image.shape[1::-1])
                area = np.s_[y0:y1, x0:x1]
                blend_heat(image[area], explanation.heatmap[area], style.heatmap)


def _draw_landmarks(image: Image, reading: Reading, unit: float) -> None:
    """Draw the lines through the landmarks, and the irises of open eyes."""
    landmarks = reading.face.landmarks
    if landmarks is None:
        return
    # A quarter of a pixel is as fine as anyone can see; OpenCV counts from the center of pixel 0.
    pixels = np.round(4 * (landmarks - 0.5)).astype(np.int32)
    line = max(1, round(1.2 * unit))
    for curves, closed in ((LINES, False), (LOOPS, True)):
        points = [pixels[curve] for curve in curves]
        cv2.polylines(image, points, closed, MESH, line, cv2.LINE_AA, shift=2)
    for iris, openness in zip(IRISES, reading.face.eyes or (1.0, 1.0), strict=True):
        center, rim = landmarks[iris][0], landmarks[iris][1:]
        if openness >= OPEN:
            radius = float(np.linalg.norm(rim - center, axis=1).mean())
            at = pixels[iris][0].tolist()
            cv2.circle(image, at, round(4 * radius), MESH, line, cv2.LINE_AA, shift=2)


def _draw_blocks(image: Image, reading: Reading, unit: float) -> None:
    """Draw the blocks of a prior-attention network: the larger the weight, the stronger the line."""
    for region, weight in (reading.region_attention or {}).items():
        if region != "face":
            corners = reading.regions.quads[region]
            outline(image, corners, WHITE, max(1, round(unit * (1 + 2 * weight))))
