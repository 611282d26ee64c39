"""Outlines of the parts of a face, from the 68 standard points."""

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np

from fer_core.types import Floats

_OUTLINES: Final[Mapping[str, tuple[tuple[tuple[int, ...], float], ...]]] = {
    "cheeks": (((1, 2, 3, 4, 5, 48, 31, 40, 41), 0.0), ((15, 14, 13, 12, 11, 54, 35, 47, 46), 0.0)),
    "chin": (((*range(5, 12), *range(55, 60)), 0.0),),
    "nose": ((tuple(range(27, 36)), 0.08),),
    "mouth": ((tuple(range(48, 60)), 0.10),),
    "brows": ((tuple(range(17, 22)), 0.12), (tuple(range(22, 27)), 0.12)),
    "eyes": ((tuple(range(36, 42)), 0.10), (tuple(range(42, 48)), 0.10)),
}
"""Part -> landmarks of each of its pieces, and the width by which their hull is dilated, in inter-ocular
distances: the points of a brow lie on a line, and those of eyes and mouth on their edge."""

_BROWS: Final = slice(17, 27)
_BRIDGE, _NOSE_BASE = 27, 33

_FOREHEAD: Final = 0.6
"""Height of the forehead above the brows, as a fraction of the distance from the brows to the base of the
nose. The hairline lies at about 1 (the rule of facial thirds); below 0.6 hair rarely covers the skin."""

_ANGLES: Final = np.linspace(0, 2 * np.pi, 12, endpoint=False)
_CIRCLE: Final = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
"""(12, 2) corners of a 12-sided polygon of radius 1."""


def part_outlines(landmarks: Floats, margin: float = 0.0) -> dict[str, tuple[Floats, ...]]:
    """Compute outlines of the parts of a face.

    Args:
        landmarks: (78, 2) in any unit.
        margin: width by which every outline is dilated further, in inter-ocular distances.

    Returns:
        Each of ``PARTS`` -> one or two (K, 2) convex polygons in the same unit. Where two parts overlap, the
        place belongs to the later one.
    """
    eyes = (landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0))
    between = float(np.linalg.norm(eyes[0] - eyes[1]))
    outlines = {"forehead": (_dilated(_forehead(landmarks), margin * between),)}
    return outlines | {
        part: tuple(
            _dilated(landmarks[list(points)], (width + margin) * between)
            for points, width in pieces
        )
        for part, pieces in _OUTLINES.items()
    }


def _forehead(landmarks: Floats) -> Floats:
    """Return (21, 2) points around the forehead: the brows, the bridge between them, and the brows lifted."""
    brows = landmarks[_BROWS]
    lift = _FOREHEAD * (brows.mean(axis=0) - landmarks[_NOSE_BASE])
    return np.concatenate([brows, landmarks[_BRIDGE, None], brows + lift])


def _dilated(points: Floats, width: float) -> Floats:
    """Compute the (K, 2) convex hull of 12-sided polygons of radius ``width`` about the points."""
    around = (points[:, None] + width * _CIRCLE).reshape(-1, 2).astype(np.float32)
    return np.asarray(cv2.convexHull(around)[:, 0], np.float32)
