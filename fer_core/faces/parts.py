"""Brows, eyes, nose and mouth as outlines, from the 68 standard points."""

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np

from fer_core.types import Floats

_OUTLINES: Final[Mapping[str, tuple[tuple[range, float], ...]]] = {
    "nose": ((range(27, 36), 0.08),),
    "mouth": ((range(48, 60), 0.10),),
    "brows": ((range(17, 22), 0.12), (range(22, 27), 0.12)),
    "eyes": ((range(36, 42), 0.10), (range(42, 48), 0.10)),
}
"""Part -> landmarks of each of its pieces, and the width by which their hull is dilated, in inter-ocular
distances: the points of a brow lie on a line, and those of eyes and mouth on their edge."""

_ANGLES: Final = np.linspace(0, 2 * np.pi, 12, endpoint=False)
_CIRCLE: Final = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
"""(12, 2) corners of a 12-sided polygon of radius 1."""


def part_outlines(landmarks: Floats) -> dict[str, tuple[Floats, ...]]:
    """Compute outlines of the parts of a face.

    Args:
        landmarks: (78, 2) in pixels.

    Returns:
        nose, mouth, brows, eyes -> one or two (K, 2) convex polygons in the same pixels. Where two parts
        overlap, the pixels belong to the later one.
    """
    eyes = (landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0))
    between = float(np.linalg.norm(eyes[0] - eyes[1]))
    return {
        part: tuple(_dilated(landmarks[points], width * between) for points, width in pieces)
        for part, pieces in _OUTLINES.items()
    }


def _dilated(points: Floats, width: float) -> Floats:
    """Compute the (K, 2) convex hull of 12-sided polygons of radius ``width`` about the points."""
    around = (points[:, None] + width * _CIRCLE).reshape(-1, 2).astype(np.float32)
    return np.asarray(cv2.convexHull(around)[:, 0], np.float32)
