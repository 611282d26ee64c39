"""Turn decoded frames upright, as the clip's display matrix says."""

from typing import Final

import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame

from fer_core.types import Image

MATRIX_BYTES: Final = 36
"""Bytes of a display matrix: nine 32-bit integers."""


def display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """Return a, b, c, d of the frame's display matrix; None if it has none.

    A pixel at (x, y) is shown at (a x + c y, b x + d y), apart from a translation, with y downwards.
    """
    side_data = frame.side_data.get("DISPLAYMATRIX")
    content = bytes(side_data) if isinstance(side_data, SideData) else b""
    if len(content) != MATRIX_BYTES:
        return None
    (a, b), (c, d) = np.frombuffer(content, np.int32).reshape(3, 3)[:2, :2].tolist()
    return a, b, c, d


def turn_upright(pixels: Image, matrix: tuple[int, int, int, int] | None) -> Image:
    """Return pixels as they are shown: rotated by quarter turns, mirrored or both, as FFmpeg does.

    Other angles are rounded to quarter turns.

    Args:
        pixels: (H, W, 3), as they were stored.
        matrix: a, b, c, d of the display matrix.
    """
    if matrix is None:
        return pixels
    a, b, c, d = matrix
    if abs(a) + abs(d) < abs(b) + abs(c):
        pixels, a, d = pixels.transpose(1, 0, 2), c, b
    return np.ascontiguousarray(pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])
