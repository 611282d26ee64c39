"""Crisp text and rounded shapes in pictures.

OpenCV's own letters are strokes of one width. Pillow carries a real typeface (Aileron, public domain),
so text looks the same on every machine; each string is drawn once and then laid on. Aileron has
little beyond ASCII: a text with other characters is set in DejaVu Sans, which comes with matplotlib and has
Latin, Greek and Cyrillic.
"""

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from math import floor
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from fer_core.draw import Color
from fer_core.draw.blend import lay_on
from fer_core.draw.units import Box
from fer_core.types import Floats, Image

WHITE: Final[Color] = (255, 255, 255)
INK: Final[Color] = (15, 21, 25)

_SHIFT = 4
"""Bits of OpenCV's fixed-point coordinates: sixteenths of a pixel."""

_ARC: Final = np.linspace(0, np.pi / 2, 8)
"""Directions of the points of one rounded corner, in radians."""
_ROUND: Final = np.concatenate(
    [np.stack([np.cos(_ARC + turn), np.sin(_ARC + turn)], 1) for turn in np.pi / 2 * np.arange(4)]
)
"""(32, 2) directions of the outline of a rounded box from the centers of its corners."""
_AT_END: Final = np.repeat(np.array([(1, 1), (0, 1), (0, 0), (1, 0)]), len(_ARC), axis=0)
"""(32, 2) whether these centers lie right, and whether they lie below: 1 or 0."""


_DEJAVU_SCALE: Final = 0.93
"""Size of DejaVu Sans that makes its capitals as high as Aileron's, as a share of Aileron's size."""

_MISSING: Final = "\uffff"
"""No character: a typeface draws its sign for those that it lacks, an empty rectangle."""


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this build of Pillow has no FreeType; install Pillow's own wheel")
    return font


@lru_cache(maxsize=32)
def _wide_font(size: int) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, as high as Aileron of a size."""
    package = find_spec("matplotlib")
    if package is None or package.origin is None:
        raise RuntimeError("matplotlib is not installed, which brings a typeface; install it")
    file = Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    # Pillow's other layout engine refuses some texts.
    return ImageFont.truetype(file, _DEJAVU_SCALE * size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def _has(typeface: Callable[[int], ImageFont.FreeTypeFont], character: str) -> bool:
    """Return whether a typeface has a character, seen at a size at which no two are alike."""
    font = typeface(48)
    return bytes(font.getmask(character)) != bytes(font.getmask(_MISSING))


def drawable(text: str) -> str:
    """Return a text with "?" for each character that DejaVu Sans lacks, and blanks for line breaks."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(each if each.isprintable() else " " for each in text)
    return "".join(each if each.isascii() or _has(_wide_font, each) else "?" for each in text)


def _typeset(text: str, size: int) -> tuple[str, ImageFont.FreeTypeFont]:
    """Return the text as it can be drawn, and the typeface that has its characters."""
    if text.isascii() and text.isprintable():
        return text, _font(size)
    text = drawable(text)
    has_all = all(_has(_font, each) for each in text)
    return text, (_font if has_all else _wide_font)(size)


@lru_cache(maxsize=512)
def text_size(text: str, size: int) -> tuple[int, int]:
    """Return width and height of a text in pixels; all texts of a size have one height."""
    ascent, descent = _font(size).getmetrics()
    text, font = _typeset(text, size)
    return max(1, round(font.getlength(text))), ascent + descent


@lru_cache(maxsize=256)
def _letters(text: str, size: int, color: Color) -> tuple[Image, Image]:
    """Return ``paint`` and ``rest`` of a text for ``lay_on``; all texts of a size have one baseline.

    Drawing letters takes 100 microseconds, laying them on 5. Names and percentages come back from frame to
    frame: 256 of them fill about 2 MB at 640x480.
    """
    picture, ascent = PILImage.new("L", text_size(text, size)), _font(size).getmetrics()[0]
    text, font = _typeset(text, size)
    ImageDraw.Draw(picture).text((0, ascent), text, fill=255, font=font, anchor="ls")
    cover = np.asarray(picture, np.uint16)[..., None]
    paint = ((cover * np.array(color, np.uint16) + 127) // 255).astype(np.uint8)
    rest = np.repeat(255 - cover, 3, axis=2).astype(np.uint8)
    for layer in (paint, rest):
        layer.setflags(write=False)
    return paint, rest


def put_text(image: Image, text: str, left: float, top: float, size: int, color: Color) -> None:
    """Write into an RGB image, in place; what lies outside is clipped."""
    x, y = round(left), round(top)
    width, height = text_size(text, size)
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + width, image.shape[1]), min(y + height, image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    inside = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
    paint, rest = _letters(text, size, color)
    lay_on(image[y0:y1, x0:x1], paint[inside], rest[inside])


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


def rounded(box: Box, radius: float) -> Floats:
    """Return the (32, 2) outline of a box with round corners."""
    x0, y0, x1, y1 = box
    radius = max(0.0, min(radius, (x1 - x0) / 2, (y1 - y0) / 2))
    first = (x0 + radius, y0 + radius)
    between = (x1 - x0 - 2 * radius, y1 - y0 - 2 * radius)
    return (_ROUND * radius + _AT_END * between + first).astype(np.float32)


def outline(image: Image, corners: Floats, color: Color, thickness: int) -> None:
    """Draw a closed line through (N, 2) corners, in place, with a dark border."""
    points = [_fixed(corners)]
    for ink, width in ((INK, thickness + 2), (color, thickness)):
        cv2.polylines(image, points, True, ink, width, cv2.LINE_AA, _SHIFT)


def fill(image: Image, box: Box, radius: float, color: Color, opacity: float = 1.0) -> None:
    """Fill a box with round corners, in place."""
    x0, y0 = max(floor(box[0]), 0), max(floor(box[1]), 0)
    area = image[y0 : max(floor(box[3]) + 2, 0), x0 : max(floor(box[2]) + 2, 0)]
    if not area.size:
        return
    corners = rounded((box[0] - x0, box[1] - y0, box[2] - x0, box[3] - y0), radius)
    painted = area if opacity == 1 else area.copy()
    cv2.fillPoly(painted, [_fixed(corners)], color, cv2.LINE_AA, _SHIFT)
    if opacity < 1:
        cv2.addWeighted(painted, opacity, area, 1 - opacity, 0, dst=area)


def _fixed(corners: Floats) -> NDArray[np.int32]:
    """Return OpenCV's fixed-point coordinates, which count from pixel centers, of (N, 2) corners."""
    return np.round((corners - 0.5) * (1 << _SHIFT)).astype(np.int32)
