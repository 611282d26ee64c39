"""What was found in a frame, painted into the frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from fer_core.draw import EXPRESSION_COLORS, Color, percent, rgb
from fer_core.draw.heat import ATTENTION, blend_attention, blend_heat
from fer_core.draw.text import INK, WHITE, fill, outline, put_text, rounded, text_size, wrap
from fer_core.labels import EXPRESSIONS
from fer_core.types import FrameResult, Image, Reading

Box = tuple[float, float, float, float]

COLORS: Final = {name: rgb(color) for name, color in EXPRESSION_COLORS.items()}
UNSURE: Final[Color] = (226, 230, 232)
DIM: Final[Color] = (176, 186, 192)
HEAT: Final[Color] = (240, 168, 60)
"""Of the shares of a map, as warm as its places."""
BLOCK_NAMES: Final = {"face": "whole face", "upper": "eyes", "lower": "mouth"}
ATTENTION_NAME: Final = "attention"

PANEL_OPACITY = 0.72
BAR = 68
"""Length of a full bar."""
ATTENTION_OPACITY = 0.6

LINES: Final = (
    *((range(0, 17), False), (range(17, 22), False), (range(22, 27), False)),
    *((range(27, 31), False), (range(31, 36), False), (range(36, 42), True)),
    *((range(42, 48), True), (range(48, 60), True), (range(60, 68), True)),
)
"""Jaw, brows, nose, eyes and lips in the 68 standard points, and which of them are closed."""
IRISES: Final = (range(68, 73), range(73, 78))
"""Centre and rim, the image's left first."""
MESH: Final[Color] = (94, 234, 212)
OPEN: Final = 0.5
"""Openness of an eye from which its iris is drawn."""


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """What is painted."""

    box: bool = True
    labels: bool = True
    """The assigned class and its percentage, at each face; where there are several, its number too."""
    bars: bool = True
    """All seven probabilities of the first face."""
    blocks: bool = True
    """What a prior-attention network looks at; at the first face with the weight it gave to each."""
    heatmap: float = 0.6
    """Opacity of the first map of each face where it is hottest, 0..1; 0 leaves it out."""
    landmarks: bool = False
    """The lines through the dense landmarks, and the irises of open eyes, where they are known."""
    attention: bool = False
    """The places that a network weighs by itself, each by its weight."""
    parts: bool = False
    """Of the first face how its map's heat is shared out among brows, eyes, nose and mouth."""


def draw_overlay(frame: Image, result: FrameResult, style: OverlayStyle | None = None) -> Image:
    """Paint a result into a copy of its frame.

    Args:
        frame: (H, W, 3) RGB or (H, W) grey, uint8.
        result: of this frame; with maps if ``style.heatmap`` is to show something.

    Returns:
        (H, W, 3) RGB uint8.
    """
    style = style or OverlayStyle()
    image = _canvas(frame)
    unit = _unit(image)
    if style.attention:
        for reading in result.readings:
            if reading.attention is not None:
                square = reading.regions.quads["face"]
                blend_attention(image, reading.attention, square, ATTENTION_OPACITY)
    if style.heatmap > 0:
        for maps in result.explanations:
            for explanation in maps[:1]:
                blend_heat(image, explanation.heatmap, style.heatmap)
    for reading in reversed(result.readings):  # the first one last, so that nothing hides it
        small = _small_unit(reading, unit)
        if style.landmarks:
            _draw_landmarks(image, reading, small)
        if style.blocks:
            _draw_blocks(image, reading, small)
        if style.box:
            radius = 0.08 * min(reading.face.width, reading.face.height)
            line = max(1, round(2 * small))
            outline(image, rounded(reading.face.box, radius), _color(reading), line)
        if style.labels:
            _draw_label(image, reading, small, numbered=len(result.readings) > 1)
    panels = _panels(image, result, style, unit)
    for reading in result.readings[:1]:
        small = _small_unit(reading, unit)
        taken = [panel.box for panel in panels]
        if style.blocks:
            _draw_weights(image, reading, small, taken)
        if style.attention:
            _draw_legend(image, reading, small, taken)
    for panel in panels:
        _draw_bars(image, panel, unit)
    return image


def headline(reading: Reading) -> str:
    """``"happy 83 %"``, or ``"unsure: sad 31 %"`` where no class is assigned."""
    name, probability = reading.shown
    return f"{'unsure: ' * reading.unsure}{name} {percent(probability)}"


def draw_message(frame: Image, text: str) -> Image:
    """Write a sentence into the middle of a copy of a frame, (H, W, 3) RGB uint8."""
    image = _canvas(frame)
    height, width = image.shape[:2]
    unit = _unit(image)
    size = _font_size(18 * unit)
    pad = round(0.8 * size)
    lines = wrap(text, size, 0.8 * width - 2 * pad)
    if not lines:
        return image
    across = max(text_size(line, size)[0] for line in lines)
    down = text_size("", size)[1]
    left, top = (width - across) / 2, (height - down * len(lines)) / 2
    panel = (left - pad, top - pad, left + across + pad, top + down * len(lines) + pad)
    fill(image, rounded(panel, 10 * unit), INK, 0.85)
    for row, line in enumerate(lines):
        put_text(image, line, left, top + row * down, size, WHITE)
    return image


def _canvas(frame: Image) -> Image:
    """A copy of the frame that can be painted in colour."""
    if frame.ndim == 2:
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB), np.uint8)
    return np.array(frame, np.uint8, order="C")


def _unit(image: Image) -> float:
    """What a pixel of a 640x480 frame is in this one."""
    return float(max(0.25, min(image.shape[:2]) / 480))


def _small_unit(reading: Reading, unit: float) -> float:
    """The unit for what is drawn at a face: smaller at small faces."""
    return unit * float(np.clip(reading.face.width / (140 * unit), 0.6, 1))


def _font_size(pixels: float) -> int:
    return max(9, round(pixels))


def _color(reading: Reading) -> Color:
    return UNSURE if reading.unsure else COLORS[reading.shown[0]]


def _ink_on(color: Color) -> Color:
    """Black or white, whichever is easier to read on a colour (luminance after Rec. 709)."""
    red, green, blue = color
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 140 else WHITE


def _draw_pill(
    image: Image, text: str, left: float, top: float, size: int, color: Color, opacity: float = 1.0
) -> None:
    """A short text on a rounded ground, moved into the picture where it would leave it."""
    width, height = _pill_size(text, size)
    left = max(0.0, min(left, image.shape[1] - width))
    top = max(0.0, min(top, image.shape[0] - height))
    fill(image, rounded((left, top, left + width, top + height), height / 3), color, opacity)
    put_text(image, text, left + 0.5 * size, top + 0.15 * size, size, _ink_on(color))


def _pill_size(text: str, size: int) -> tuple[float, float]:
    width, height = text_size(text, size)
    return width + size, height + 0.3 * size


def _draw_label(image: Image, reading: Reading, unit: float, *, numbered: bool) -> None:
    """The class above the box, or inside it where there is no room above."""
    track = reading.face.track_id
    text = f"{track} · {headline(reading)}" if numbered and track is not None else headline(reading)
    x0, y0, _, _ = reading.face.box
    size = _font_size(20 * unit)
    height = _pill_size(text, size)[1]
    above = y0 - height - 4 * unit
    top = above if above >= 0 else y0 + 4 * unit
    _draw_pill(image, text, x0, top, size, _color(reading))


def _draw_landmarks(image: Image, reading: Reading, unit: float) -> None:
    landmarks = reading.face.landmarks
    if landmarks is None:
        return
    # A quarter of a pixel is as fine as it can be seen; OpenCV counts from the centre of pixel 0.
    places = np.round(4 * (landmarks - 0.5)).astype(np.int32)
    line = max(1, round(1.2 * unit))
    for points, closed in LINES:
        cv2.polylines(image, [places[points]], closed, MESH, line, cv2.LINE_AA, shift=2)
    for points, openness in zip(IRISES, reading.face.eyes or (1.0, 1.0), strict=True):
        centre, *rim = landmarks[points]
        if openness >= OPEN:
            radius = np.linalg.norm(rim - centre, axis=1).mean()
            at = tuple(places[points[0]].tolist())
            cv2.circle(image, at, round(4 * float(radius)), MESH, line, cv2.LINE_AA, shift=2)


def _draw_blocks(image: Image, reading: Reading, unit: float) -> None:
    """The blocks of a prior-attention network: the heavier its weight, the stronger its line."""
    for region, weight in (reading.region_attention or {}).items():
        if region != "face":
            corners = reading.regions.quads[region]
            outline(image, corners, WHITE, max(1, round(unit * (1 + 2 * weight))))


def _draw_weights(image: Image, reading: Reading, unit: float, taken: Sequence[Box]) -> None:
    """The weight of each block: right of the block and of the face's box, else left of both, else at the
    block's right end."""
    size, gap = _font_size(16 * unit), 6 * unit
    x0, _, x1, _ = reading.face.box
    for region, weight in (reading.region_attention or {}).items():
        text = f"{BLOCK_NAMES[region]} {percent(weight)}"
        width, height = _pill_size(text, size)
        corners = reading.regions.quads[region]
        (left, left_y), (right, right_y) = (
            ((corners[a] + corners[b]) / 2).tolist() for a, b in ((0, 3), (1, 2))
        )
        places = (
            (max(right, x1) + gap, right_y - height / 2),
            (min(left, x0) - gap - width, left_y - height / 2),
            (right - gap - width, right_y - height / 2),
        )
        place = _free_place(image, places, (width, height), taken)
        _draw_pill(image, text, *place, size, INK, 0.8)


def _draw_legend(image: Image, reading: Reading, unit: float, taken: Sequence[Box]) -> None:
    """What the colour of the attention means: below the face's box, else inside it."""
    if reading.attention is None:
        return
    size, gap = _font_size(16 * unit), 4 * unit
    width, height = _pill_size(ATTENTION_NAME, size)
    x0, _, x1, y1 = reading.face.box
    places = ((x0, y1 + gap), (x1 - width, y1 + gap), (x0 + gap, y1 - gap - height))
    place = _free_place(image, places, (width, height), taken)
    _draw_pill(image, ATTENTION_NAME, *place, size, ATTENTION)


def _free_place(
    image: Image,
    places: Sequence[tuple[float, float]],
    size: tuple[float, float],
    taken: Sequence[Box],
) -> tuple[float, float]:
    """The first left and top at which a label of this width and height lies in the picture and off the
    panels; the last where there is none."""
    for left, top in places:
        label = (left, top, left + size[0], top + size[1])
        inside = left >= 0 and label[2] <= image.shape[1] and label[3] <= image.shape[0]
        if inside and not any(_shared(label, panel) for panel in taken):
            return left, top
    return places[-1]


@dataclass(frozen=True, slots=True)
class _Panel:
    """Bars in a corner of the picture."""

    box: Box
    shares: Mapping[str, float]
    colors: Mapping[str, Color]
    strongest: str
    """The row that stands out."""


def _panels(image: Image, result: FrameResult, style: OverlayStyle, unit: float) -> list[_Panel]:
    """The bars of the first face, as far as there is room for them."""
    panels: list[_Panel] = []

    def add(shares: Mapping[str, float], colors: Mapping[str, Color], strongest: str) -> None:
        taken = [panel.box for panel in panels]
        box = _panel_box(image, result.readings, unit, list(shares), taken)
        if box is not None:
            panels.append(_Panel(box, shares, colors, strongest))

    for reading in result.readings[:1] if style.bars else ():
        shares = zip(EXPRESSIONS, map(float, reading.probabilities), strict=True)
        add(dict(shares), COLORS, reading.shown[0])
    for explanations in result.explanations[:1] if style.parts else ():
        for explanation in explanations[:1]:
            if parts := explanation.part_share:
                add(parts, dict.fromkeys(parts, HEAT), max(parts, key=parts.__getitem__))
    return panels


def _panel_box(
    image: Image,
    readings: Sequence[Reading],
    unit: float,
    names: Sequence[str],
    taken: Sequence[Box],
) -> Box | None:
    """Where a panel goes: the corner in which it hides least; None where it does not fit."""
    size, pad, gap = _font_size(17 * unit), 10 * unit, 8 * unit
    across = max(text_size(name, size)[0] for name in names)
    width = pad + across + gap + BAR * unit + gap + text_size(percent(1), size)[0] + pad
    height = pad + 1.25 * text_size("", size)[1] * len(names) + pad
    if not readings or width > image.shape[1] or height > image.shape[0]:
        return None
    left, top = _free_corner(image, width, height, 8 * unit, readings, taken)
    box = left, top, left + width, top + height
    return None if any(_shared(box, panel) for panel in taken) else box


def _draw_bars(image: Image, panel: _Panel, unit: float) -> None:
    size, pad = _font_size(17 * unit), 10 * unit
    left, top, right, bottom = panel.box
    fill(image, rounded(panel.box, 10 * unit), INK, PANEL_OPACITY)
    row, height = (bottom - top - 2 * pad) / len(panel.shares), text_size("", size)[1]
    end = right - pad - text_size(percent(1), size)[0] - 8 * unit
    start = end - BAR * unit
    for number, (name, value) in enumerate(panel.shares.items()):
        middle, thick = top + pad + (number + 0.5) * row, 0.2 * row
        ink = WHITE if name == panel.strongest else DIM
        put_text(image, name, left + pad, middle - height / 2, size, ink)
        for share, color, opacity in ((1.0, WHITE, 0.15), (value, panel.colors[name], 1.0)):
            bar = (start, middle - thick, start + share * (end - start), middle + thick)
            fill(image, rounded(bar, thick), color, opacity)
        text = percent(value)
        across = text_size(text, size)[0]
        put_text(image, text, right - pad - across, middle - height / 2, size, ink)


def _free_corner(
    image: Image,
    width: float,
    height: float,
    margin: float,
    readings: Sequence[Reading],
    taken: Sequence[Box],
) -> tuple[float, float]:
    """Left and top of the corner whose panel covers least of other panels, then of the largest face, then of
    the others."""
    right = image.shape[1] - width - margin
    bottom = image.shape[0] - height - margin
    corners = ((margin, bottom), (right, bottom), (margin, margin), (right, margin))

    def hidden(corner: tuple[float, float]) -> tuple[float, float, float]:
        left, top = corner
        panel = (left, top, left + width, top + height)
        first, *others = (_shared(panel, reading.face.box) for reading in readings)
        return sum(_shared(panel, other) for other in taken), first, sum(others)

    return min(corners, key=hidden)


def _shared(first: Box, second: Box) -> float:
    """Area that two boxes have in common."""
    across = min(first[2], second[2]) - max(first[0], second[0])
    down = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, across) * max(0.0, down)
