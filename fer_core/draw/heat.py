"""Maps in color. Scaling for display happens here, and last."""

from typing import Final

import cv2
import numpy as np

from fer_core.draw import Color
from fer_core.draw.blend import lay_on
from fer_core.types import Floats, Image

_LEVELS = np.linspace(80, 235, 256).round().astype(np.uint8)[:, None]
_INFERNO = np.asarray(cv2.applyColorMap(_LEVELS, cv2.COLORMAP_INFERNO), np.uint8)
WARM: Final[Image] = np.ascontiguousarray(_INFERNO[..., ::-1])
"""(256, 1, 3) RGB for evidence for a class: violet, red, yellow; perceptually uniform, without its ends."""
COOL: Final[Image] = _INFERNO
"""``WARM`` with red and blue exchanged, for evidence against a class: violet, blue, cyan."""

ATTENTION: Final[Color] = (52, 211, 93)
"""Green, since neither evidence for a class nor evidence against it is green."""

_OPACITIES: Final = np.linspace(0, 1, 256, dtype=np.float32)[:, None, None]
"""(256, 1, 1) opacity of each shade of a map, in opacities of the hottest one."""

VISIBLE = 1 / 64
"""Smallest heat that changes a pixel."""


def blend_heat(image: Image, heat: Floats, opacity: float, shades: Image = WARM) -> None:
    """Blend a map into an RGB image of its size, in place: the hotter, the brighter and the more opaque.

    Args:
        heat: (H, W) 0..1.
        opacity: opacity of the hottest spot, 0..1.
    """
    x, y, width, height = cv2.boundingRect((heat > VISIBLE).view(np.uint8))
    if not width:
        return
    spot = np.s_[y : y + height, x : x + width]
    levels = cv2.convertScaleAbs(heat[spot], alpha=255)
    paints = cv2.convertScaleAbs(shades * _OPACITIES, alpha=opacity)
    paint = cv2.applyColorMap(levels, paints)
    rest = cv2.cvtColor(cv2.convertScaleAbs(levels, alpha=-opacity, beta=255), cv2.COLOR_GRAY2RGB)
    lay_on(image[spot], np.asarray(paint, np.uint8), np.asarray(rest, np.uint8))


def blend_attention(image: Image, attention: Floats, corners: Floats, opacity: float) -> None:
    """Blend attention into the face's square of an RGB image, in place: the more a place counts, the greener.

    Its cells keep their edges, since a network weighs whole cells. The scale is the same for every network
    and face: an average place has no color, one that counts twice as much has half of it. Even attention
    leaves the image unchanged.

    Args:
        attention: (h, w) or (heads, h, w), of which the mean is shown; each head sums to 1.
        corners: (4, 2) of the square in the image, clockwise from the aligned top left.
        opacity: opacity of a place that alone counts, 0..1.
    """
    cells = attention.mean(axis=0) if attention.ndim == 3 else attention
    average = 1 / cells.size
    strength = np.float32(opacity) * (1 - average / np.maximum(cells, average))
    rows, columns = cells.shape
    grid = np.array([(0, 0), (columns, 0), (columns, rows)], np.float32)
    # OpenCV counts from the center of the first cell and of the first pixel.
    to_image = cv2.getAffineTransform(grid - 0.5, corners[:3].astype(np.float32) - 0.5)
    size = image.shape[1::-1]
    cover = cv2.warpAffine(strength, to_image, size, flags=cv2.INTER_NEAREST)
    x, y, width, height = cv2.boundingRect((cover > 0).view(np.uint8))
    spot = np.s_[y : y + height, x : x + width]
    area, shares = image[spot], cover[spot][..., None]
    area[:] = np.round(area + shares * (np.array(ATTENTION, np.float32) - area))
