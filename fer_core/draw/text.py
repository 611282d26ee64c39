"""Crisp text and rounded shapes in pictures.

OpenCV's own letters are strokes of one width. Pillow carries a real typeface (Aileron, public domain),
so text looks the same on every machine; each string is drawn once and then laid on as a mask. Aileron has
little beyond ASCII: a text with other characters is set in DejaVu Sans, which comes with matplotlib and has
Latin, Greek and Cyrillic.
"""

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
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
def _mask(text: str, size: int) -> Image:
    """Return (h, w) coverage, 0..255, with the same height and baseline for every text of a size."""
    ascent, descent = _font(size).getmetrics()
    text, font = _typeset(text, size)
    picture = PILImage.new("L", (max(1, round(font.getlength(text))), ascent + descent))
    ImageDraw.Draw(picture).text((0, ascent), text, fill=255, font=font, anchor="ls")
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
