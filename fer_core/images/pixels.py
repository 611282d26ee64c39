"""Numbers of any kind as 8-bit RGB, a strip of rows at a time.

Converted whole, a picture was in memory up to twelve times: 46 bytes of WebP took 2.3 GB. In strips there
are the picture, the result, and a strip.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage

from fer_core.images.formats import RefusedError
from fer_core.types import Image

STRIP: Final = 2**19
"""Pixels that are converted at a time."""

_NUMBER_MODES: Final = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's modes of one number a pixel that is not 8 bits wide."""

_UPRIGHT: Final = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
"""EXIF orientation -> how the stored picture lies in the upright one: rows and columns exchanged, from bottom
to top, from right to left."""


@dataclass(frozen=True, slots=True)
class Levels:
    """How numbers of more than 8 bits are meant."""

    white: float = 65535.0
    """The number of full brightness; that of black is 0."""
    is_inverted: bool = False
    """Black and white are exchanged."""


def strips(rows: int, columns: int) -> Iterator[slice]:
    """Yield slices of rows of at most ``STRIP`` pixels, or of one row."""
    step = max(1, STRIP // columns)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def to_uint8(numbers: NDArray[Any], white: float) -> Image:
    """Scale numbers of 0 to ``white`` to 0..255.

    Raises:
        RefusedError: for numbers that do not round to 0..255, and for NaN.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # infinite and NaN are refused below
        levels = np.asarray(numbers, np.float32) * np.float32(255 / white)
    if not (levels.min() >= -0.5 and levels.max() <= 255.5):  # also when there is a NaN
        raise RefusedError(
            f"has brightness values outside 0 to {white:g}; scale them to that range"
        )
    return np.asarray(np.rint(levels).clip(0, 255), np.uint8)


def over_white(rgba: Image) -> Image:
    """Return (H, W, 4) pixels as (H, W, 3), transparency over white."""
    opacity = rgba[..., 3:].astype(np.uint16)
    darkness = (np.uint16(255) - rgba[..., :3]) * opacity
    return (255 - (darkness + 127) // 255).astype(np.uint8)


def picture_to_rgb(
    picture: PILImage.Image, orientation: int = 1, levels: Levels | None = None
) -> Image:
    """Return a decoded picture of any mode as upright (H, W, 3) RGB, transparency over white.

    Raises:
        RefusedError: for numbers outside their range.
        ValueError: for modes that Pillow cannot convert.
    """
    width, height = picture.size
    is_transposed, is_upside_down, is_mirrored = _UPRIGHT.get(orientation, (False, False, False))
    image = np.empty((width, height, 3) if is_transposed else (height, width, 3), np.uint8)
    stored = image[:: -1 if is_upside_down else 1, :: -1 if is_mirrored else 1]
    if is_transposed:
        stored = stored.transpose(1, 0, 2)
    for rows in strips(height, width):
        strip = picture.crop((0, rows.start, width, rows.stop))
        stored[rows] = _strip_to_rgb(strip, levels or Levels())
    return image


def _strip_to_rgb(strip: PILImage.Image, levels: Levels) -> Image:
    if strip.mode in _NUMBER_MODES:
        numbers = np.asarray(strip)
        white = 1.0 if strip.mode == "F" else levels.white
        gray = to_uint8(numbers, white)[..., None]
        if levels.is_inverted:
            gray = 255 - gray
        transparent = strip.info.get("transparency")
        return (
            gray
            if transparent is None
            else np.where((numbers == transparent)[..., None], 255, gray)
        )
    if strip.mode == "La":  # with the brightness multiplied by the opacity
        strip = strip.convert("LA")
    if not strip.has_transparency_data:
        return np.asarray(strip.convert("RGB"))
    return over_white(np.asarray(strip.convert("RGBA")))
