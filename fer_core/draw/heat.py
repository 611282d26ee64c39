"""Maps in colour. Scaling for display happens here, and last."""

from typing import Final

import cv2
import numpy as np

from fer_core.types import Floats, Image

_LEVELS = np.linspace(80, 235, 256).round().astype(np.uint8)[:, None]
_INFERNO = np.asarray(cv2.applyColorMap(_LEVELS, cv2.COLORMAP_INFERNO), np.uint8)
WARM: Final[Image] = np.ascontiguousarray(_INFERNO[..., ::-1])
"""(256, 1, 3) RGB for evidence in favour: violet, red, yellow; perceptually uniform, without its ends."""
COOL: Final[Image] = _INFERNO
"""The same with red and blue exchanged, for evidence against: violet, blue, cyan."""

VISIBLE = 1 / 64
"""Heat below this does not change a pixel."""


def blend_heat(image: Image, heat: Floats, opacity: float, shades: Image = WARM) -> None:
    """Lay a map over an RGB image of its size, in place: the hotter, the brighter and the less transparent.

    Args:
        heat: (H, W) 0..1.
        opacity: of the hottest spot, 0..1.
    """
    x, y, width, height = cv2.boundingRect((heat > VISIBLE).view(np.uint8))
    if not width:
        return
    spot = np.s_[y : y + height, x : x + width]
    heat, area = np.clip(heat[spot], 0, 1), image[spot]
    levels = cv2.convertScaleAbs(heat, alpha=255)
    colors = cv2.applyColorMap(levels, shades)
    cover = heat * np.float32(opacity)
    area[:] = cv2.blendLinear(colors, area, cover, 1 - cover)
