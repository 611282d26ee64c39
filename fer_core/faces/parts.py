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
"""Part -> points of each of its pieces, and by how much their hull is widened, in inter-ocular distances:
the points of a brow lie on one line, and those of eyes and mouth just on their edge."""


def part_outlines(landmarks: Floats) -> dict[str, tuple[Floats, ...]]:
    """The parts of a face.

    Args:
        landmarks: (78, 2) in any pixels.

    Returns:
        nose, mouth, brows, eyes -> one or two (K, 2) convex polygons in the same pixels. Where two parts
        overlap, the later one is meant.
    """
    eyes = (landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0))
    between = float(np.linalg.norm(eyes[0] - eyes[1]))
    return {
        part: tuple(_widened(landmarks[points], width * between) for points, width in pieces)
        for part, pieces in _OUTLINES.items()
    }


def _widened(points: Floats, by: float) -> Floats:
    """(K, 2) hull of all that is at most ``by`` away from the points, to a twelfth of a turn."""
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    circle = by * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    around = (points[:, None] + circle).reshape(-1, 2).astype(np.float32)
    return np.asarray(cv2.convexHull(around)[:, 0], np.float32)
