"""A face drawn in lines, to carry a map where no picture of anybody may be shown."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.draw import Color
from fer_core.draw.heat import COOL, VISIBLE, WARM
from fer_core.geometry import smooth_curve
from fer_core.types import Floats, Image

WINDOW: Final = (-0.13, -0.17, 1.26)
"""Left, top and side of the picture in fractions of the aligned square: brows and chin lie close to the edges
of the square, and the head reaches beyond."""

INK: Final[Color] = (30, 41, 59)
"""Color of the lines on a light page."""
CHALK: Final[Color] = (226, 232, 240)
"""Color of the lines on a dark page."""

OPACITY: Final = 0.85
"""Opacity of the strongest heat."""

FAINT: Final = 0.3
"""Opacity of the lines of a face below another one."""

BLUR: Final = 0.18
"""Standard deviation of the blur in cells, which removes the creases of coarse maps. A single hot cell loses
a quarter of its heat, one among equals none."""

FINE: Final = 4
"""Factor by which lines are drawn larger, then averaged."""

SHIFT: Final = 4
"""Fractional bits of OpenCV's fixed-point coordinates."""

_LINES: Final = (
    *((range(17, 22), 1.9), (range(22, 27), 1.9)),  # brows
    *((range(27, 31), 0.7), (range(31, 36), 1.0)),  # the bridge of the nose, its base
)
"""Points of each open line, and its width in hundredths of the picture."""
_LOOPS: Final = (
    *((range(36, 42), 1.0), (range(42, 48), 1.0)),  # eyes
    *((range(48, 60), 1.2), (range(60, 68), 0.7)),  # the lips' outer and inner edge
)
_IRISES: Final = ((range(36, 42), range(68, 73)), (range(42, 48), range(73, 78)))
"""Points of each eye, and of its iris: the center first."""


def line_face(
    landmarks: Floats,
    raw: Floats | None = None,
    *,
    size: int = 240,
    peak: float | None = None,
    dark: bool = False,
    over: Floats | None = None,
) -> Image:
    """Draw a face in lines on a transparent ground, with a map under its lines.

    Warm places speak for the class, cool ones against it, as in ``heat_tiles``.

    Args:
        landmarks: (78, 2) in fractions of the aligned square.
        raw: (h, w) raw map in aligned coordinates.
        size: side of the picture in pixels.
        peak: value that gets full color, larger ones too; by default the map's own largest absolute value.
            One peak for several faces keeps them comparable.
        dark: for a dark page.
        over: (78, 2) landmarks of another face, whose lines lie faintly below for comparison.

    Returns:
        (size, size, 4) RGBA uint8, not premultiplied.
    """
    left, top, side = WINDOW
    points = (landmarks - np.array((left, top), np.float32)) * np.float32(size / side)
    lines = _lines(points, size)
    if over is not None:
        below = _lines((over - np.array((left, top), np.float32)) * np.float32(size / side), size)
        lines = np.maximum(lines, FAINT * below)
    color, cover = np.zeros((size, size, 3), np.float32), np.zeros((size, size), np.float32)
    if raw is not None:
        color, cover = _heat(raw, size, peak)
    both = lines + cover * (1 - lines)
    under = cover * (1 - lines) / np.maximum(both, 1e-6)
    ink = np.array(CHALK if dark else INK, np.float32)
    mixed = ink + under[..., None] * (color - ink)
    return np.dstack([mixed, 255 * both]).round().astype(np.uint8)


def _heat(raw: Floats, size: int, peak: float | None) -> tuple[Floats, Floats]:
    """Return (size, size, 3) color 0..255 and (size, size) opacity 0..1 of a map."""
    finite = np.nan_to_num(raw, posinf=0, neginf=0)
    strongest = float(np.abs(finite).max()) if peak is None else peak
    heat = np.zeros((size, size), np.float32)
    if strongest > 0:
        left, top, side = WINDOW
        cells = np.array(finite.shape[::-1], np.float64)
        step = side / size * cells
        # Both grids count from the center of their first cell. Beyond the border there is no heat.
        start = (np.array((left, top)) + side / size / 2) * cells - 0.5
        to_map = np.array([(step[0], 0, start[0]), (0, step[1], start[1])])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        linear = cv2.warpAffine(finite / strongest, to_map, (size, size), flags=flags)
        # Cubic interpolation would overshoot, and color places that have no heat.
        smooth = cv2.GaussianBlur(linear, (0, 0), BLUR / float(step.max()))
        heat = np.asarray(smooth, np.float32).clip(-1, 1)
    levels = cv2.convertScaleAbs(heat, alpha=255)
    warm, cool = (cv2.applyColorMap(levels, shades) for shades in (WARM, COOL))
    color = np.where(heat[..., None] > 0, warm, cool).astype(np.float32)
    strength = np.abs(heat)
    return color, np.where(strength > VISIBLE, OPACITY * strength, 0).astype(np.float32)


def _lines(points: Floats, size: int) -> Floats:
    """Return (size, size) 0..1, how much of each pixel the lines of a face cover; points in pixels."""
    canvas: NDArray[np.uint8] = np.zeros((size * FINE, size * FINE), np.uint8)
    _draw(canvas, _head(points), 1.0, closed=True)
    for line, width in _LINES:
        _draw(canvas, smooth_curve(points[line], closed=False), width, closed=False)
    for eye, iris in _IRISES:
        lids, disc = np.zeros_like(canvas), np.zeros_like(canvas)
        cv2.fillPoly(
            lids, [_fixed(smooth_curve(points[eye], closed=True))], 255, cv2.LINE_AA, SHIFT
        )
        center, *rim = points[iris]
        radius = float(np.linalg.norm(rim - center, axis=1).mean())
        middle = _fixed(center[None])[0].tolist()
        cv2.circle(disc, middle, round(radius * FINE * 2**SHIFT), 255, -1, cv2.LINE_AA, SHIFT)
        np.maximum(canvas, np.minimum(lids, disc), out=canvas)
    for loop, width in _LOOPS:
        _draw(canvas, smooth_curve(points[loop], closed=True), width, closed=True)
    small = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(small / 255, np.float32)


def _head(points: Floats) -> Floats:
    """Return the (K, 2) outline of the head: the jaw, closed above by half an ellipse."""
    jaw = smooth_curve(points[:17], closed=False)
    middle, half = (points[16] + points[0]) / 2, (points[16] - points[0]) / 2
    up = np.array((half[1], -half[0]))
    turns = np.linspace(0, np.pi, 40)[1:-1, None]
    dome = middle + np.cos(turns) * half + 1.2 * np.sin(turns) * up
    return np.concatenate([jaw, dome]).astype(np.float32)


def _draw(canvas: NDArray[np.uint8], line: Floats, width: float, *, closed: bool) -> None:
    """Draw a line of a width in hundredths of the picture."""
    thickness = max(1, round(width / 100 * len(canvas)))
    cv2.polylines(canvas, [_fixed(line)], closed, 255, thickness, cv2.LINE_AA, SHIFT)


def _fixed(points: Floats) -> NDArray[np.int32]:
    """Return OpenCV's fixed-point coordinates on the fine canvas, which count from pixel centers."""
    return np.round((points * FINE - 0.5) * 2**SHIFT).astype(np.int32)
