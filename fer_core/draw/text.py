"""Crisp text and rounded shapes in pictures.

OpenCV's own letters are strokes of one width. Pillow carries a real typeface (Aileron, public domain),
so text looks the same on every machine; each string is drawn once and then laid on as a mask.
"""

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from fer_core.draw import Color
from fer_core.types import Floats, Image

WHITE: Final[Color] = (255, 255, 255)
INK: Final[Color] = (15, 21, 25)

_SHIFT = 4
"""Bits of OpenCV's fixed-point coordinates: sixteenths of a pixel."""


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this build of Pillow has no FreeType; install Pillow's own wheel")
    return font


@lru_cache(maxsize=512)
def _mask(text: str, size: int) -> Image:
    """Return (h, w) coverage, 0..255, with the same height and baseline for every text of a size."""
    font = _font(size)
    ascent, descent = font.getmetrics()
    picture = PILImage.new("L", (max(1, round(font.getlength(text))), ascent + descent))
    ImageDraw.Draw(picture).text((0, 0), text, fill=255, font=font)
    mask = np.asarray(picture)
    mask.setflags(write=False)
    return mask


def text_size(text: str, size: int) -> tuple[int, int]:
    """Return width and height of a text in pixels."""
    height, width = _mask(text, size).shape
    return width, height


def put_text(image: Image, text: str, left: float, top: float, size: int, color: Color) -> None:
    """Write into an RGB image, in place; what lies outside is clipped."""
    mask = _mask(text, size)
    x, y = round(left), round(top)
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + mask.shape[1], image.shape[1]), min(y + mask.shape[0], image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    cover = mask[y0 - y : y1 - y, x0 - x : x1 - x, None].astype(np.uint16)
    area = image[y0:y1, x0:x1]
    area[:] = (area * (255 - cover) + np.array(color, np.uint16) * cover + 127) // 255


def wrap(text: str, size: int, width: float) -> list[str]:
    """Return lines of at most ``width`` pixels, broken between words; a longer word gets its own line."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_size(longer, size)[0] <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def rounded(box: tuple[float, float, float, float], radius: float) -> Floats:
    """Return the (32, 2) outline of the box x0, y0, x1, y1 with round corners."""
    x0, y0, x1, y1 = box
    radius = max(0.0, min(radius, (x1 - x0) / 2, (y1 - y0) / 2))
    turn = np.linspace(0, np.pi / 2, 8)
    corners = (
        (x1 - radius, y1 - radius, 0.0),
        (x0 + radius, y1 - radius, np.pi / 2),
        (x0 + radius, y0 + radius, np.pi),
        (x1 - radius, y0 + radius, 3 * np.pi / 2),
    )
    arcs = [
        np.stack([x + radius * np.cos(turn + start), y + radius * np.sin(turn + start)], axis=1)
        for x, y, start in corners
    ]
    return np.concatenate(arcs).astype(np.float32)


def outline(image: Image, corners: Floats, color: Color, thickness: int) -> None:
    """Draw a closed line through (N, 2) corners, in place, with a dark border."""
    points = [_fixed(corners)]
    for ink, width in ((INK, thickness + 2), (color, thickness)):
        cv2.polylines(image, points, True, ink, width, cv2.LINE_AA, _SHIFT)


def fill(image: Image, corners: Floats, color: Color, opacity: float = 1.0) -> None:
    """Fill the polygon of (N, 2) corners, in place."""
    left, top, width, height = cv2.boundingRect(corners)
    x0, y0 = max(left, 0), max(top, 0)
    area = image[y0 : max(top + height + 1, 0), x0 : max(left + width + 1, 0)]
    if not area.size:
        return
    painted = area.copy()
    inside = _fixed(corners - np.array([x0, y0], np.float32))
    cv2.fillPoly(painted, [inside], color, cv2.LINE_AA, _SHIFT)
    cv2.addWeighted(painted, opacity, area, 1 - opacity, 0, dst=area)


def _fixed(corners: Floats) -> NDArray[np.int32]:
    """Return OpenCV's fixed-point coordinates, which count from pixel centers, of (N, 2) corners."""
    return np.round((corners - 0.5) * (1 << _SHIFT)).astype(np.int32)
