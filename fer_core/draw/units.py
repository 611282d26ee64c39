"""Sizes and boxes in the units of a picture: what a pixel of a 640x480 frame is in another one."""

import numpy as np

from fer_core.types import Image, Reading

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels."""


def unit_of(image: Image) -> float:
    """Return what a pixel of a 640x480 frame is in this one, at least a quarter."""
    return float(max(0.25, min(image.shape[:2]) / 480))


def unit_at(reading: Reading, unit: float) -> float:
    """Return the unit for what is drawn at a face: smaller at small faces."""
    return unit * float(np.clip(reading.face.width / (140 * unit), 0.6, 1))


def font_size(pixels: float) -> int:
    """Return the size of letters that can be read."""
    return max(9, round(pixels))


def shared_area(first: Box, second: Box) -> float:
    """Return the area that two boxes have in common, in square pixels."""
    across = min(first[2], second[2]) - max(first[0], second[0])
    down = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, across) * max(0.0, down)
